"""Data sets of still images: scikit-learn's digits and whatever is stored as idx files."""

from __future__ import annotations

import numpy as np

from hw_models import InputError
from ssdp_neuro.data.dataset import SpikeDataset
from ssdp_neuro.data.formats.idx_file import read_labelled_images
from ssdp_neuro.data.images import EncodedImages, image_encoder, pooled
from ssdp_neuro.data.sets.digits import read_digits
from ssdp_neuro.data.settings import DataSettings, Encoding
from ssdp_neuro.data.source import Source

FASHION = (
    "t-shirt", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
BRIGHTEST_DIGIT = 16
TEN = tuple(str(digit) for digit in range(10))


def digits(settings: DataSettings) -> Source:
    """Scikit-learn's 1797 digits of 8 x 8 pixels; the same quarter of them is always the test."""
    found = read_digits()
    images = (found.images.astype(np.int64) * 255 + BRIGHTEST_DIGIT // 2) // BRIGHTEST_DIGIT
    return images_source(
        settings,
        where="digits",
        images=images.astype(np.uint8)[:, None],
        labels=found.labels,
        class_names=TEN,
        is_test=np.arange(len(images)) >= len(images) - found.n_test,
    )


def mnist(settings: DataSettings) -> Source:
    """The four idx files of MNIST; labels 0..9."""
    return _idx(settings, TEN)


def fashion_mnist(settings: DataSettings) -> Source:
    """The four idx files of Fashion-MNIST."""
    return _idx(settings, FASHION)


def idx(settings: DataSettings) -> Source:
    """Any four idx files; the classes are those of the training labels."""
    return _idx(settings, None)


def _idx(settings: DataSettings, class_names: tuple[str, ...] | None) -> Source:
    (images, labels), (test_images, test_labels) = (
        read_labelled_images(settings.folder, part) for part in ("train", "test")
    )
    if images.shape[1:] != test_images.shape[1:]:
        raise InputError(
            f"{settings.folder}: training images of {images.shape[1:]} pixels, test images of"
            f" {test_images.shape[1:]}"
        )
    if class_names is None:
        class_names = tuple(str(label) for label in range(int(labels.max()) + 1))
    return images_source(
        settings,
        where=settings.folder,
        images=np.concatenate([images, test_images])[:, None],
        labels=np.concatenate([labels, test_labels]),
        class_names=class_names,
        is_test=np.arange(len(images) + len(test_images)) >= len(images),
    )


def images_source(
    settings: DataSettings,
    *,
    where: str,
    images: np.ndarray,
    labels: np.ndarray,
    class_names: tuple[str, ...],
    is_test: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> Source:
    """A source of images that are in memory, uint8 ``(N, channels, height, width)``."""
    encoder = image_encoder(settings)
    # the camera sees the whole image; its own pixels are pooled
    small = images if settings.code is Encoding.SACCADES else pooled(images, settings.pool)
    encoder.spike_shape(small.shape[1:])  # refuses what does not fit, before anything is made

    def make(places: np.ndarray, labels: np.ndarray, n_classes: int) -> SpikeDataset:
        return EncodedImages(
            images=small[places], labels=labels, keys=places, n_classes=n_classes, encoder=encoder
        )

    return Source(
        where=where,
        labels=labels,
        class_names=class_names,
        make=make,
        encoding=Encoding.LATENCY,
        is_test=is_test,
        groups=groups,
    )
