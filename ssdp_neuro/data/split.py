"""The division of samples into training, validation and test: by key, never by call order."""

from __future__ import annotations

import numpy as np

from hw_models import InputError
from hw_models.random_bits import random_bits
from ssdp_neuro.data.code import spike_code
from ssdp_neuro.data.codes.augmentation import Augmented, Varied
from ssdp_neuro.data.dataset import DataSplit
from ssdp_neuro.data.settings import DataSettings, ValidationBy
from ssdp_neuro.data.source import Source

TEST_KEY, VALIDATION_KEY, LIMIT_KEY = 0, 1, 2  # uses of the same seed
TRIES = 256  # choices of groups among which the most even one is taken


def divided(source: Source, settings: DataSettings) -> DataSplit:
    """Divide a data set as the settings ask, and make spikes of the parts.

    The test is ``held_out`` if groups are named there, else the data set's own, else a share
    of each class; which samples it has does not depend on the seed.

    Parameters
    ----------
    source
        With all its classes; ``settings.classes`` is applied here.
    settings
        Shares, groups, limits and seed.

    Raises
    ------
    InputError
        If a group is not there, or a part would be empty.
    """
    source = source.of_classes(settings.classes)
    everything = np.arange(len(source.labels))
    in_test, by_group = _test_part(source, settings)
    rest = everything[~in_test][settings.train_from :]
    _refuse_empty(source, "training", rest)
    _refuse_empty(source, "test", everything[in_test])
    if settings.validation_by != ValidationBy.AUTO.value:
        by_group = settings.validation_by == ValidationBy.GROUP.value
    taken = _validation_places(source, rest, settings, by_group)
    train = rest[~np.isin(rest, taken)]
    if settings.validation > 0:
        _refuse_empty(source, "training", train)
        _refuse_empty(source, "validation", taken)
    parts = []
    for places, limit, seed in (
        (train, settings.train_limit, settings.seed),
        (taken, settings.validation_limit, settings.seed),
        (everything[in_test], settings.test_limit, 0),
    ):
        if limit and limit < len(places):
            order = even_order(source.labels[places], places, seed, LIMIT_KEY)
            places = np.sort(places[order[:limit]])
        parts.append(places)
    n_classes = len(source.class_names)
    train_part, validation_part, test_part = (
        source.make(places, source.labels[places], n_classes) for places in parts
    )
    if source.variants:
        places = parts[0]
        others = (make(places, source.labels[places], n_classes) for make in source.variants)
        train_part = Varied(dataset=train_part, others=tuple(others), seed=settings.seed)
    if settings.mirror or settings.affine or settings.shift:
        train_part = Augmented(
            dataset=train_part,
            mirror=settings.mirror,
            affine=settings.affine,
            shift=settings.shift,
            seed=settings.seed,
        )
    groups = tuple(
        tuple(sorted(set(source.groups[places].tolist()))) if source.groups is not None else ()
        for places in parts
    )
    return DataSplit(
        train=train_part,
        validation=validation_part,
        test=test_part,
        class_names=source.class_names,
        groups=groups,
        code=spike_code(settings, source.encoding, source.class_names),
    )


def even_order(labels: np.ndarray, places: np.ndarray, seed: int, use: int) -> np.ndarray:
    """An order whose every beginning has the classes in proportion.

    Parameters
    ----------
    labels, places
        int64 ``(N,)``: class and identity of each sample.
    seed, use
        Key of the order within a class.

    Returns
    -------
    int64, shape (N,)
        Indices into ``labels``; shorter beginnings are parts of longer ones.
    """
    keys = random_bits(seed, use, places).astype(np.int64)
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[np.lexsort((places[members], keys[members]))]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.lexsort((places, keys, rank))


def _test_part(source: Source, settings: DataSettings) -> tuple[np.ndarray, bool]:
    """Which samples are the test, and whether they are whole groups."""
    if settings.held_out:
        if source.groups is None:
            raise InputError(f"data.held_out: {source.where} has no speakers or patients")
        present = sorted(set(source.groups.tolist()))
        for name in settings.held_out:
            if name not in present:
                raise InputError(f"data.held_out: {name!r}; {source.where} has {present}")
        return np.isin(source.groups, settings.held_out), True
    if source.is_test is not None:
        return source.is_test, source.by_group
    places = np.arange(len(source.labels))
    in_test = np.zeros(len(places), dtype=bool)
    order = even_order(source.labels, places, 0, TEST_KEY)
    in_test[order[: round(settings.test * len(places))]] = True
    return in_test, False


def _validation_places(
    source: Source, rest: np.ndarray, settings: DataSettings, by_group: bool
) -> np.ndarray:
    labels = source.labels[rest]
    wanted = settings.validation * len(rest)
    if wanted == 0:
        return rest[:0]
    if not by_group:
        order = even_order(labels, rest, settings.seed, VALIDATION_KEY)
        return np.sort(rest[order[: max(1, round(wanted))]])
    if source.groups is None:
        raise InputError(f"data.validation_by: {source.where} has no speakers or patients")
    names, group = np.unique(source.groups[rest], return_inverse=True)
    if len(names) < 2:
        raise InputError(
            f"data.validation_by: {source.where} has one group to train on, {str(names[0])!r};"
            " two or more are needed to keep one for validation (or validation_by = 'class')"
        )
    counts = np.zeros((len(names), len(source.class_names)), dtype=np.int64)
    np.add.at(counts, (group.reshape(-1), labels), 1)
    chosen = _even_groups(counts, settings.validation, settings.seed)
    return rest[np.isin(group.reshape(-1), chosen)]


def _even_groups(counts: np.ndarray, share: float, seed: int) -> np.ndarray:
    """The choice of groups, of many, that lacks no class if it can, and is nearest to the share.

    Parameters
    ----------
    counts
        int64 ``(groups, classes)``.
    """
    total = np.maximum(counts.sum(axis=0), 1)
    sizes = counts.sum(axis=1)
    best, least = np.array([0]), (np.inf, np.inf)
    for trial in range(TRIES):
        order = np.argsort(
            random_bits(seed, VALIDATION_KEY, trial, np.arange(len(counts))), kind="stable"
        )
        reached = np.cumsum(sizes[order])
        n_groups = int(np.abs(reached - share * sizes.sum()).argmin()) + 1
        chosen = order[: min(n_groups, len(counts) - 1)]
        taken = counts[chosen].sum(axis=0) / total
        # to have no sample of a class to learn from is worse than to have none to choose by
        missing = 2.0 * (taken == 1).sum() + (taken == 0).sum()
        badness = (float(missing), float(np.abs(taken - share).sum()))
        if badness < least:
            best, least = np.sort(chosen), badness
    return best


def _refuse_empty(source: Source, part: str, places: np.ndarray) -> None:
    if not len(places):
        raise InputError(
            f"{source.where}: no samples are left for {part}; of {len(source.labels)} in all"
        )
