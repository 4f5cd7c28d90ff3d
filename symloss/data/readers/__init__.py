"""What reads the published layouts of files, a file each."""

from symloss.data.readers.camvid import CamVidReader
from symloss.data.readers.cifar import CifarReader, pickled_batch, pickled_meta
from symloss.data.readers.cocostuff import CocoStuffReader
from symloss.data.readers.digits import DigitsReader
from symloss.data.readers.flowers import FlowersReader
from symloss.data.readers.folders import FolderLayout, FolderReader
from symloss.data.readers.idx import IdxReader
from symloss.data.readers.pcam import PcamReader
from symloss.data.readers.reader import Reader
from symloss.data.readers.svhn import SvhnReader
from symloss.data.readers.voc import VocAugReader, VocReader

__all__ = [
    "CamVidReader",
    "CifarReader",
    "CocoStuffReader",
    "DigitsReader",
    "FlowersReader",
    "FolderLayout",
    "FolderReader",
    "IdxReader",
    "PcamReader",
    "Reader",
    "SvhnReader",
    "VocAugReader",
    "VocReader",
    "pickled_batch",
    "pickled_meta",
]
