"""The public addresses of the datasets: one function each, as most ask torchvision, which takes seconds to import.

Sizes in bytes are those that the servers state. Checksums and addresses are torchvision's where it has the file; else
those of TensorFlow Datasets (its checksums.tsv).
"""

from __future__ import annotations

from symloss.data.download import Download
from symloss.data.readers.pcam import pcam_file

#: The folder of images in Kather's archive, and in Caltech's.
KATHER = "Kather_texture_2016_image_tiles_5000"
CALTECH = "101_ObjectCategories"


def _idx_files(class_name: str, sizes: tuple[int, int, int, int]) -> tuple[Download, ...]:
    from torchvision import datasets

    known = getattr(datasets, class_name)
    return tuple(
        Download(known.mirrors[0] + name, f"md5:{md5}", size, gives=name)
        for (name, md5), size in zip(known.resources, sizes, strict=True)
    )


def mnist_files() -> tuple[Download, ...]:
    return _idx_files("MNIST", (9_912_422, 28_881, 1_648_877, 4_542))


def fashion_files() -> tuple[Download, ...]:
    return _idx_files("FashionMNIST", (26_421_880, 29_515, 4_422_102, 5_148))


def cifar10_files() -> tuple[Download, ...]:
    from torchvision.datasets import CIFAR10 as known

    return (Download(known.url, f"md5:{known.tgz_md5}", 170_498_071, known.base_folder, "tar"),)


def cifar100_files() -> tuple[Download, ...]:
    from torchvision.datasets import CIFAR100 as known

    return (Download(known.url, f"md5:{known.tgz_md5}", 169_001_437, known.base_folder, "tar"),)


def svhn_files() -> tuple[Download, ...]:
    from torchvision.datasets import SVHN

    sizes = {"train": 182_040_794, "test": 64_275_384}
    return tuple(
        Download(url, f"md5:{md5}", sizes[part], gives=file)
        for part, (url, file, md5) in SVHN.split_list.items()
        if part in sizes
    )


def malaria_files() -> tuple[Download, ...]:
    return (
        Download(
            "https://data.lhncbc.nlm.nih.gov/public/Malaria/cell_images.zip",
            "sha256:0a949556b2414159b5100192609805376654c4266d8d187be9b1922fad43c668",
            353_452_851,
            gives="cell_images",
            unpack="zip",
        ),
    )


def pcam_files() -> tuple[Download, ...]:
    # torchvision has the checksums, and addresses that need gdown; the authors' record at Zenodo has the same files.
    from torchvision.datasets import PCAM

    sizes = {"train": (6_421_353_462, 21_378), "val": (805_965_320, 3_038), "test": (800_875_929, 3_040)}
    files = []
    for part, pair in sizes.items():
        for size, kind, key in zip(pair, "xy", ("images", "targets"), strict=True):
            name = pcam_file(part, kind)
            known, _, md5 = PCAM._FILES[part][key]
            if known != name:
                raise AssertionError(f"torchvision names {known} what should be {name}")
            url = f"https://zenodo.org/record/2546921/files/{name}.gz"
            files.append(Download(url, f"md5:{md5}", size, gives=name, unpack="gzip"))
    return tuple(files)


def colorectal_files() -> tuple[Download, ...]:
    return (
        Download(
            f"https://zenodo.org/record/53169/files/{KATHER}.zip",
            "sha256:936d0b95ae0f04f1f7b18a2b7e8c55776c3e887d102f645bcee752d1a6626a32",
            258_098_431,
            gives=KATHER,
            unpack="zip",
        ),
    )


def caltech_files() -> tuple[Download, ...]:
    return (
        Download(
            "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip?download=1",
            "sha256:331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91",
            137_414_764,
            gives=f"caltech-101/{CALTECH}",
            unpack="zip",
            inner=(f"caltech-101/{CALTECH}.tar.gz",),
        ),
    )


def flowers_files() -> tuple[Download, ...]:
    from torchvision.datasets import Flowers102 as known

    facts = {"image": (344_862_509, "jpg"), "label": (502, "imagelabels.mat"), "setid": (14_989, "setid.mat")}
    return tuple(
        Download(known._download_url_prefix + file, f"md5:{md5}", *facts[key], "tar" if key == "image" else "")
        for key, (file, md5) in known._file_dict.items()
    )


def voc_files() -> tuple[Download, ...]:
    from torchvision.datasets.voc import DATASET_YEAR_DICT

    known = DATASET_YEAR_DICT["2012"]
    return (Download(known["url"], f"md5:{known['md5']}", 1_999_639_040, "VOCdevkit/VOC2012", "tar"),)


def voc_aug_files() -> tuple[Download, ...]:
    from torchvision.datasets import SBDataset

    return (
        *voc_files(),
        Download(SBDataset.url, f"md5:{SBDataset.md5}", 1_419_539_633, "benchmark_RELEASE/dataset", "tar"),
    )


def coco_files() -> tuple[Download, ...]:
    sums = {
        "train2017": ("69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929", 19_336_861_798),
        "val2017": ("4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05", 815_585_330),
    }
    return tuple(
        Download(
            f"http://images.cocodataset.org/zips/{name}.zip",
            f"sha256:{sha256}",
            size,
            gives=f"images/{name}",
            unpack="zip",
            into="images",
        )
        for name, (sha256, size) in sums.items()
    )
