"""What a reader tells about a data set before any sample is encoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hw_models import InputError, ShapeError
from hw_models.records import short_repr
from ssdp_neuro.data.codes.spans import InSpans
from ssdp_neuro.data.dataset import SpikeDataset
from ssdp_neuro.data.settings import Encoding

Maker = Callable[[np.ndarray, np.ndarray, int], SpikeDataset]


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Labels and groups of all samples, and how to make spikes of some of them.

    Parameters
    ----------
    where
        The folder or file, for messages.
    labels
        int64 ``(N,)``, below ``len(class_names)``.
    class_names
        One for each label.
    make
        ``make(places, labels, n_classes)`` gives the samples at these places, with these
        labels, as a data set.
    variants
        Other makers of the same samples, among which training draws anew in every epoch.
    encoding
        What ``auto`` is of these samples.
    is_test
        bool ``(N,)``: the data set's own test part; None if it has none.
    groups
        str ``(N,)``: speaker or patient of each sample; None if there are none.
    by_group
        The data set's own test has groups of its own.
    usual_classes
        Names of those that are kept if none are asked for; all if empty.

    Raises
    ------
    InputError
        If there is no sample, or a label has no class.
    """

    where: str
    labels: np.ndarray
    class_names: tuple[str, ...]
    make: Maker
    encoding: Encoding
    is_test: np.ndarray | None = None
    groups: np.ndarray | None = None
    by_group: bool = False
    usual_classes: tuple[str, ...] = ()
    variants: tuple[Maker, ...] = ()

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if not len(self.labels):
            raise InputError(f"{self.where}: no samples")
        wrong = np.flatnonzero((self.labels < 0) | (self.labels >= len(self.class_names)))
        if wrong.size:
            raise InputError(
                f"{self.where}: label {self.labels[wrong[0]]} of sample {wrong[0]};"
                f" allowed 0..{len(self.class_names) - 1}"
            )
        for array in (self.is_test, self.groups):
            if array is not None and array.shape != self.labels.shape:
                raise ShapeError(f"{self.where}: {array.shape} for {self.labels.shape} labels")

    def in_spans(self, spans: int) -> Source:
        """With a channel for each of so many spans of time; see :mod:`.codes.spans`."""
        if spans == 1:
            return self

        def apart(make: Maker) -> Maker:
            return lambda *samples: InSpans(dataset=make(*samples), spans=spans)

        return replace(self, make=apart(self.make), variants=tuple(map(apart, self.variants)))

    def of_classes(self, names: tuple[str, ...]) -> Source:
        """Only the classes of these names, which become labels 0, 1, ... in their order.

        Raises
        ------
        InputError
            If there is no such class, or one comes twice.
        """
        names = names or self.usual_classes
        if not names:
            return self
        unknown = [name for name in names if name not in self.class_names]
        if unknown or len(set(names)) != len(names):
            raise InputError(
                f"data.classes: {unknown[0] if unknown else list(names)!r};"
                f" {self.where} has {list(self.class_names)}, each once"
            )
        new_label = np.full(len(self.class_names), -1, dtype=np.int64)
        new_label[[self.class_names.index(name) for name in names]] = np.arange(len(names))
        kept = np.flatnonzero(new_label[self.labels] >= 0)

        def of_kept(make: Maker) -> Maker:
            return lambda places, labels, n_classes: make(kept[places], labels, n_classes)

        return replace(
            self,
            labels=new_label[self.labels[kept]],
            class_names=tuple(names),
            make=of_kept(self.make),
            variants=tuple(map(of_kept, self.variants)),
            is_test=None if self.is_test is None else self.is_test[kept],
            groups=None if self.groups is None else self.groups[kept],
        )
