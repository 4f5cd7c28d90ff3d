"""CamVid, as SegNet's tutorial has it: folders of images beside folders of masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from symloss.data.images import MaskedImages, paired
from symloss.data.pixels import SUFFIXES
from symloss.data.readers.reader import Reader, lacking

#: Of the 32 classes of Brostow et al. (2009), those of Badrinarayanan et al. (2017); 11 is void.
CAMVID_CLASSES = (
    *("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"),
)


@dataclass(frozen=True)
class CamVidReader(Reader):
    """``train/NAME.*`` with the masks ``trainannot/NAME.png``; ``val`` and ``test`` alike."""

    def lacks(self, folder: Path) -> str | None:
        return lacking(folder, [f"{part}{kind}" for part in ("train", "val", "test") for kind in ("", "annot")])

    def open(self, folder: Path, part: str) -> MaskedImages:
        images = sorted(
            path
            for path in (folder / part).iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
        masks = [folder / f"{part}annot" / f"{path.stem}.png" for path in images]
        return MaskedImages(*paired(folder, images, masks, str(folder / part)), 11, 11, CAMVID_CLASSES)
