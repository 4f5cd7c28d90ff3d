"""Whether a dataset on disk is what it should be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symloss.data.images import ImageData
from symloss.data.source import Source
from symloss.errors import SymlossError

if TYPE_CHECKING:
    from PIL import Image

#: How many images of each part a quick check reads.
QUICK = 200
#: How many problems are described; the others are counted.
MOST_PROBLEMS = 20
_BATCH = 1024


@dataclass
class Checked:
    """What a check found.

    Attributes:
        folder: the dataset's folder.
        counts: the number of images in each part.
        read: how many of them were read.
        problems: what is wrong, up to :data:`MOST_PROBLEMS`.
        found: the number of problems.
    """

    folder: Path
    counts: dict[str, int] = field(default_factory=dict)
    read: int = 0
    problems: list[str] = field(default_factory=list)
    found: int = 0

    def add(self, problem: str) -> None:
        """Count a problem, and keep it if it is among the first."""
        self.found += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


def check(source: Source, quick: bool = False, progress: Callable[[str, int, int], None] | None = None) -> Checked:
    """Compare a dataset with the registry: files, counts, labels, and that every image can be read.

    Args:
        source: the dataset.
        quick: read :data:`QUICK` images of each part, evenly spaced, instead of all.
        progress: is told the part, how many images of it are read, and how many will be.

    Raises:
        SymlossError: the dataset is not there, or what reading it needs is not installed.
    """
    folder = source.find()
    result = Checked(folder)
    for part in source.parts_in(folder):
        try:
            data = source.reader.open(folder, part)
        except SymlossError as error:
            if "not installed" in str(error):
                raise
            result.add(f"{part}: {error}")
            continue
        result.counts[part] = len(data)
        known = None if source.reader.own_parts(folder) else source.sizes[part]
        if known is not None and len(data) != known:
            result.add(f"{part} has {len(data):,} images; {source.name} has {known:,} there")
        for problem in _label_problems(data, part):
            result.add(problem)
        chosen: Sequence[int] = range(len(data))
        if quick and len(data) > QUICK:
            chosen = np.linspace(0, len(data) - 1, QUICK).astype(int).tolist()
        for done, image_problem in enumerate(_read(data, chosen, source), 1):
            if image_problem:
                result.add(f"{part}, image {chosen[done - 1]}: {image_problem}")
            if progress:
                progress(part, done, len(chosen))
        result.read += len(chosen)
    return result


def _label_problems(data: ImageData, part: str) -> Iterator[str]:
    if data.labels is None:
        return
    wrong = np.flatnonzero((data.labels < 0) | (data.labels >= data.classes))
    if len(wrong):
        yield (
            f"{part}: {len(wrong):,} labels are not from 0 to {data.classes - 1}, such as {data.labels[wrong[0]]} of "
            f"image {wrong[0]}"
        )
    absent = sorted({*range(data.classes)} - {*data.labels.tolist()})
    if absent:
        yield f"{part}: {len(absent)} of the {data.classes} classes have no image, such as {absent[0]}"


def _read(data: ImageData, chosen: Sequence[int], source: Source) -> Iterator[str | None]:
    """Give for each image what is wrong with it, in order. Pillow decodes without Python's lock, so threads help."""

    def problem_of(index: int) -> str | None:
        try:
            image, target = data[index]
        except SymlossError as error:
            return str(error)
        if source.shape and (len(image.getbands()), image.height, image.width) != source.shape:
            form = (len(image.getbands()), image.height, image.width)
            return f"it has the shape {form}; {source.name} has {source.shape}"
        return None if isinstance(target, int) else _mask_problem(image, target, data)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for start in range(0, len(chosen), _BATCH):  # a future for each of a million images would take a gigabyte
            yield from threads.map(problem_of, chosen[start : start + _BATCH])


def _mask_problem(image: Image.Image, mask: Image.Image, data: ImageData) -> str | None:
    if mask.size != image.size:
        return f"its mask is {mask.size[0]}x{mask.size[1]}, the image {image.size[0]}x{image.size[1]}"
    values = np.unique(np.asarray(mask))
    wrong = values[(values >= data.classes) & (values != data.ignore_index)]
    if len(wrong):
        return f"its mask has the value {wrong[0]}; it must be from 0 to {data.classes - 1} or {data.ignore_index}"
    return None
