"""COCO-Stuff with all 164,000 images: COCO's photographs with a mask of things and stuff each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symloss.data.images import MaskedImages, paired
from symloss.data.readers.reader import Reader
from symloss.errors import SymlossError

#: The values from 0 to 181 that stand for a category of COCO's which was never annotated.
UNUSED = (11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90)
IGNORE = 255


def stuff_table() -> np.ndarray:
    """Return the class for each value of a raw pixel map, ``[256]`` uint8: 171 classes in order, else 255.

    The values are COCO's category ids less one: 91 things, of which 80 were annotated, then 91 kinds of stuff (Caesar,
    Uijlings and Ferrari 2018, github.com/nightrome/cocostuff, labels.md).
    """
    table = np.full(256, IGNORE, dtype=np.uint8)
    used = [value for value in range(182) if value not in UNUSED]
    table[used] = np.arange(len(used))
    return table


@dataclass(frozen=True)
class CocoStuffReader(Reader):
    """``images/train2017/NUMBER.jpg`` with a mask of one of three forms; ``val2017`` alike.

    The masks are ``annotations/train2017/NUMBER_labelTrainIds.png`` with 0 to 170, as mmsegmentation converts them, or
    the published pixel maps with 0 to 181: ``stuffthingmaps/train2017/NUMBER.png`` or
    ``annotations/train2017/NUMBER.png``. 255 is unlabelled.
    """

    def lacks(self, folder: Path) -> str | None:
        if not (folder / "images").is_dir():
            return "not there" if not folder.is_dir() else "lacks images/"
        for part in ("train", "val"):
            if not (folder / "images" / f"{part}2017").is_dir():
                return f"lacks images/{part}2017/"
            if self._form(folder, part) is None:
                return f"lacks masks in annotations/{part}2017/ and in stuffthingmaps/{part}2017/"
        return None

    def open(self, folder: Path, part: str) -> MaskedImages:
        form = self._form(folder, part)
        if form is None:
            raise SymlossError(f"{folder} {self.lacks(folder)}")
        place, ending, table = form
        source = folder / "images" / f"{part}2017"
        images = sorted(path for path in source.iterdir() if path.suffix == ".jpg")
        masks = [place / f"{path.stem}{ending}" for path in images]
        return MaskedImages(*paired(folder, images, masks, str(source)), 171, IGNORE, table=table)

    def _form(self, folder: Path, part: str) -> tuple[Path, str, np.ndarray | None] | None:
        """Return the folder of the masks, how their names end, and what their values mean."""
        annotations, maps = folder / "annotations" / f"{part}2017", folder / "stuffthingmaps" / f"{part}2017"
        for place, ending, table in (
            (annotations, "_labelTrainIds.png", None),
            (maps, ".png", stuff_table()),
            (annotations, ".png", stuff_table()),
        ):
            if place.is_dir() and any(path.name.endswith(ending) for path in place.iterdir()):
                return place, ending, table
        return None
