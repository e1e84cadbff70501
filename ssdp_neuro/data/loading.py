"""From settings to a data set in three parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hw_models import InputError
from ssdp_neuro.data.dataset import DataSplit
from ssdp_neuro.data.sets import image_sources
from ssdp_neuro.data.sets.array_sources import npz
from ssdp_neuro.data.sets.cifar10 import cifar10
from ssdp_neuro.data.sets.mit_bih import mit_bih
from ssdp_neuro.data.sets.sound_sources import fsdd
from ssdp_neuro.data.sets.tonic_sources import cifar10_dvs, dvs_gesture, nmnist, shd
from ssdp_neuro.data.settings import DataSettings
from ssdp_neuro.data.source import Source
from ssdp_neuro.data.split import divided

# what is read, and where it is to be had
DATA_SETS: dict[str, str] = {
    "digits": "nothing; scikit-learn brings them along",
    "mnist": "train-images-idx3-ubyte, train-labels-idx1-ubyte and the same with t10k, or .gz",
    "fashion-mnist": "train-images-idx3-ubyte, train-labels-idx1-ubyte and the same with t10k,"
    " or .gz; from github.com/zalandoresearch/fashion-mnist, data/fashion",
    "idx": "four idx files named like those of MNIST",
    "cifar10": "data_batch_1.bin .. data_batch_5.bin and test_batch.bin of the binary version,"
    " from www.cs.toronto.edu/~kriz/cifar.html, or an .npz with x and y",
    "nmnist": "Train/<digit>/<number>.bin and Test/... in a folder or in zip files, or"
    " download = true; from www.garrickorchard.com/datasets/n-mnist",
    "dvs-gesture": "tonic's folder DVSGesture in it, or download = true",
    "shd": "tonic's folder SHD in it, or download = true",
    "cifar10-dvs": "tonic's folder CIFAR10DVS in it, or download = true",
    "fsdd": "<word>_<speaker>_<index>.wav in a folder or a zip file; from"
    " github.com/Jakobovski/free-spoken-digit-dataset, recordings",
    "mit-bih": "an .npz with beat, label, record, split, rr_prev and sample; the records are at"
    " physionet.org/content/mitdb",
    "npz": "an .npz with labels and one of spikes, images and signals",
}
_READERS: dict[str, Callable[[DataSettings], Source]] = {
    "digits": image_sources.digits,
    "mnist": image_sources.mnist,
    "fashion-mnist": image_sources.fashion_mnist,
    "idx": image_sources.idx,
    "cifar10": cifar10,
    "nmnist": nmnist,
    "dvs-gesture": dvs_gesture,
    "shd": shd,
    "cifar10-dvs": cifar10_dvs,
    "fsdd": fsdd,
    "mit-bih": mit_bih,
    "npz": npz,
}
_WITHOUT_FOLDER = ("digits",)


def load(settings: DataSettings) -> DataSplit:
    """Read a data set and divide it.

    Parameters
    ----------
    settings
        Name, folder, encoding and division.

    Raises
    ------
    InputError
        If the name is not known, files are missing (says which) or damaged, or a part would
        be empty.
    MissingExtraError
        If a package is needed that is not installed.
    OSError
        If a file cannot be opened.

    Examples
    --------
    >>> split = load(DataSettings(name="digits", n_steps=8, test_limit=50))
    >>> len(split.train), len(split.validation), len(split.test)
    (1212, 135, 50)
    >>> split.train.spikes([0, 1]).shape
    (2, 8, 1, 8, 8)
    """
    if settings.name not in _READERS:
        raise InputError(f"data.name: {settings.name!r}; one of {sorted(_READERS)}")
    if settings.name not in _WITHOUT_FOLDER:
        expected = f"{settings.name} needs {DATA_SETS[settings.name]}"
        if not settings.folder:
            raise InputError(f"data.folder: not given; {expected}")
        if not Path(settings.folder).exists() and not settings.download:
            raise InputError(f"data.folder: {settings.folder} does not exist; {expected}")
    return divided(_READERS[settings.name](settings).in_spans(settings.spans), settings)
