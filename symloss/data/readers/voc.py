"""Pascal VOC 2012's segmentation, as published and with the masks of the Semantic Boundaries Dataset (SBD)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from symloss.data.images import MaskedImages, paired
from symloss.data.readers.reader import Reader, lacking
from symloss.errors import SymlossError

#: Index 0 is the background; 255 is the border of the objects.
VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
_LISTS = "ImageSets/Segmentation"


@dataclass(frozen=True)
class VocReader(Reader):
    """``JPEGImages/NAME.jpg``, ``SegmentationClass/NAME.png`` and ``ImageSets/Segmentation/{train,val}.txt``."""

    def lacks(self, folder: Path) -> str | None:
        return lacking(folder, ["JPEGImages", "SegmentationClass", f"{_LISTS}/train.txt", f"{_LISTS}/val.txt"])

    def open(self, folder: Path, part: str) -> MaskedImages:
        path = folder / _LISTS / f"{part}.txt"
        return _masked(folder, {name: folder / "SegmentationClass" / f"{name}.png" for name in _names(path)}, path)


@dataclass(frozen=True)
class VocAugReader(VocReader):
    """VOC 2012 with SBD's masks for the 9,118 training images that VOC has none for.

    They are read from ``SegmentationClassAug/NAME.png`` below VOC's folder (the images are those of
    ``ImageSets/Segmentation/train_aug.txt`` or ``trainaug.txt``, or without a list all that have a mask and are not in
    ``val.txt``), or else from SBD itself: ``cls/NAME.mat``, ``train.txt`` and ``val.txt`` in a folder ``sbd`` or
    ``benchmark_RELEASE/dataset`` in VOC's or up to two above it. With SBD the images are SBD's and VOC's for training
    without VOC's for validation, and where both have a mask it is VOC's.
    """

    def lacks(self, folder: Path) -> str | None:
        lacks = super().lacks(folder)
        if lacks is None and not (folder / "SegmentationClassAug").is_dir() and _sbd(folder) is None:
            return "lacks SegmentationClassAug/, and SBD is not beside it"
        return lacks

    def open(self, folder: Path, part: str) -> MaskedImages:
        if part != "train":
            return super().open(folder, part)
        validation = set(_names(folder / _LISTS / "val.txt"))
        extended, sbd = folder / "SegmentationClassAug", _sbd(folder)
        if extended.is_dir():
            lists = [path for name in ("train_aug", "trainaug") if (path := folder / _LISTS / f"{name}.txt").is_file()]
            names = _names(lists[0]) if lists else sorted({path.stem for path in extended.glob("*.png")} - validation)
            if leaked := validation & {*names}:
                raise SymlossError(
                    f"{lists[0]} names {len(leaked):,} images of val.txt, such as {min(leaked)}; a list for training "
                    "must have none of them"
                )
            masks = {name: extended / f"{name}.png" for name in names}
            return _masked(folder, masks, lists[0] if lists else extended)
        if sbd is None:
            raise SymlossError(f"{folder} {self.lacks(folder)}")
        own = _names(folder / _LISTS / "train.txt")
        masks = {name: sbd / "cls" / f"{name}.mat" for part in ("train", "val") for name in _names(sbd / f"{part}.txt")}
        masks |= {name: folder / "SegmentationClass" / f"{name}.png" for name in own}
        return _masked(folder, {name: masks[name] for name in sorted({*masks} - validation)}, sbd)


def _sbd(folder: Path) -> Path | None:
    for above in (folder, folder.parent, folder.parent.parent):
        for name in ("sbd", "benchmark_RELEASE/dataset"):
            if lacking(above / name, ["cls", "train.txt", "val.txt"]) is None:
                return above / name
    return None


def _masked(folder: Path, masks: dict[str, Path], lists: Path) -> MaskedImages:
    images = [folder / "JPEGImages" / f"{name}.jpg" for name in masks]
    return MaskedImages(*paired(folder, images, list(masks.values()), str(lists)), 21, 255, VOC_CLASSES)


def _names(path: Path) -> list[str]:
    """Return the images that a list names: the first word of each line, of DeepLab's lists its last part's stem."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SymlossError(f"cannot read {path}: {error}; get the file again") from error
    return [Path(line.split()[0]).stem for line in lines if line.strip()]
