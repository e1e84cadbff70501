"""Does a network fit a chip? Lists what does not; never alters anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.chips import Chip, Figure, chip_of
from hw_models.eprop import EpropParams
from hw_models.errors import TypeMismatchError, brief
from hw_models.learning_engine.learning_rule import TRACES, LearningRule
from hw_models.network import FixedPointNetwork
from hw_models.plasticity import DaSsdpParams
from hw_models.populations import LifPopulation
from hw_models.projections import PoolProjection, SparseProjection

DELAY_BITS = 6


@dataclass(frozen=True)
class Violation:
    """One thing that the chip cannot hold; of several values in an array, the first.

    Parameters
    ----------
    where
        Name of the population or projection, or ``network``.
    field
        Field of it, with the index of the value in an array.
    value
        What is there.
    allowed
        What the chip allows.
    source
        Where the chip's figure comes from.
    """

    where: str
    field: str
    value: int
    allowed: str
    source: str

    def __str__(self) -> str:
        return f"{self.where}.{self.field}: {self.value}; allowed {self.allowed} ({self.source})"


def check(network: FixedPointNetwork, chip: Chip | str) -> tuple[Violation, ...]:
    """List what of a network a chip cannot hold.

    Parameters
    ----------
    network
        Left as it is.
    chip
        Limits without a public figure are not checked.

    Returns
    -------
    tuple of Violation
        Empty if everything fits. Reset by subtraction, the periodic reset and DA-SSDP are
        not judged: no public source says that a chip cannot do them.

    Examples
    --------
    >>> from hw_models import LOIHI1
    >>> wide = LifPopulation(name="hidden", shape=(2,), current_decay=0, voltage_decay=0,
    ...                      threshold=[100, 140000])
    >>> for violation in check(FixedPointNetwork(populations=[wide], projections=[]), LOIHI1):
    ...     print(violation)
    hidden.threshold[1]: 140000; allowed 0..131071 (lava-nc 0.10.0, docstring of PyLifModelBitAcc)
    """
    if not isinstance(network, FixedPointNetwork):
        raise TypeMismatchError(f"check: {brief(network)}; a FixedPointNetwork is needed")
    chip = chip_of("check: chip", chip)
    found: list[Violation] = []
    for population in network.neurons:
        found.extend(_population(population, chip))
    for projection in network.projections:
        found.extend(_projection(projection, chip))
    found.extend(_size(network, chip))
    return tuple(found)


def check_rule(rule: LearningRule, chip: Chip | str, where: str = "rule") -> tuple[Violation, ...]:
    """List what of a learning rule a chip cannot hold.

    What no chip holds, such as a mantissa of 9, is refused by the record already. How many
    products a chip takes is not public, so it is not checked here.

    Parameters
    ----------
    rule
        Left as it is.
    chip
        Limits without a public figure are not checked.
    where
        Begins the name of a field in a violation.

    Returns
    -------
    tuple of Violation
        Empty if everything fits.

    Examples
    --------
    >>> slow = LearningRule(dw="2^-1 * y0 * w", epoch=100)
    >>> print(check_rule(slow, "loihi1")[0])
    rule.epoch: 100; allowed 0..63 (lava-nc 0.10.0, lava.magma.core.learning.constants)
    """
    if not isinstance(rule, LearningRule):
        raise TypeMismatchError(f"check_rule: {brief(rule)}; a LearningRule is needed")
    chip = chip_of("check_rule: chip", chip)
    impulses = [getattr(rule, name).impulse_parts[0] for name in TRACES]
    found: list[Violation] = []
    for field, values, figure in (
        ("epoch", rule.epoch, chip.epoch_bits),
        ("impulses", impulses, chip.trace_bits),
    ):
        found.extend(_outside(where, field, values, _bits(figure), figure.source))
    return tuple(found)


def _bits(figure: Figure, signed: bool = False) -> tuple[int, int] | None:
    if figure.value is None:
        return None
    if signed:
        return -(1 << (figure.value - 1)), (1 << (figure.value - 1)) - 1
    return 0, (1 << figure.value) - 1


def _up_to(figure: Figure) -> tuple[int, int] | None:
    return None if figure.value is None else (0, figure.value)


def _outside(
    where: str, field: str, values: Any, limits: tuple[int, int] | None, source: str
) -> Iterator[Violation]:
    """Yield the first of ``values`` outside of ``limits``, if there is one."""
    if limits is None:
        return
    array = np.asarray(values)
    if array.size == 0 or (array.min() >= limits[0] and array.max() <= limits[1]):
        return
    bad = np.argwhere((array < limits[0]) | (array > limits[1]))
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        place = f"{field}[{', '.join(map(str, index))}]" if array.size > 1 else field
        yield Violation(where, place, int(array[index]), f"{limits[0]}..{limits[1]}", source)


def _population(population: LifPopulation, chip: Chip) -> Iterator[Violation]:
    for field, limits, source in (
        ("current_decay", _bits(chip.decay_bits), chip.decay_bits.source),
        ("voltage_decay", _bits(chip.decay_bits), chip.decay_bits.source),
        ("threshold", _bits(chip.threshold_bits), chip.threshold_bits.source),
        ("bias_mantissa", _bits(chip.bias_mantissa_bits, True), chip.bias_mantissa_bits.source),
        ("bias_exponent", _bits(chip.bias_exponent_bits), chip.bias_exponent_bits.source),
        ("refractory", _up_to(chip.max_refractory), chip.max_refractory.source),
        ("threshold_rise", _up_to(chip.max_threshold_rise), chip.max_threshold_rise.source),
        ("threshold_decay", _bits(chip.decay_bits), chip.decay_bits.source),
    ):
        yield from _outside(population.name, field, getattr(population, field), limits, source)


def _projection(projection: Any, chip: Chip) -> Iterator[Violation]:
    low, high = chip.weight_exponent_low.value, chip.weight_exponent_high.value
    if low is not None and high is not None:
        yield from _outside(
            projection.name,
            "weight_exponent",
            projection.weight_exponent,
            (low, high),
            chip.weight_exponent_high.source,
        )
    yield from _weight_grid(projection, chip)
    rule = getattr(projection, "plasticity", None)
    if isinstance(rule, LearningRule):
        yield from check_rule(rule, chip, f"{projection.name}.plasticity")
    delays = getattr(projection, "delays", None)
    if delays is not None:
        limits, source = _up_to(chip.max_delay), chip.max_delay.source
        yield from _outside(projection.name, "delays", delays, limits, source)


def _weight_grid(projection: Any, chip: Chip) -> Iterator[Violation]:
    """Weights of one sign use all bits for the magnitude; mixed ones are even, for the sign."""
    if chip.weight_bits.value is None:
        return
    top = (1 << chip.weight_bits.value) - 1
    source = chip.weight_bits.source
    rule = getattr(projection, "plasticity", None)
    # learned weights may be odd, but not leave the range of their sign
    if isinstance(rule, (DaSsdpParams, EpropParams)):
        one_sign = 0 <= rule.weight_low <= rule.weight_high <= top or (
            -top <= rule.weight_low <= rule.weight_high <= 0
        )
        if not one_sign:
            limits = (-top - 1, top - 1)
            for field in ("weight_low", "weight_high"):
                where = f"{projection.name}.plasticity"
                yield from _outside(where, field, getattr(rule, field), limits, source)
        return
    field = "weight" if isinstance(projection, PoolProjection) else "weights"
    weights = np.asarray(getattr(projection, field))
    low, high = int(weights.min(initial=0)), int(weights.max(initial=0))
    if (low >= 0 and high <= top) or (high <= 0 and low >= -top):
        return
    if -top - 1 <= low and high < top and not (weights & 1).any():
        return
    bad = np.argwhere((weights < -top - 1) | (weights > top - 1) | (weights % 2 != 0))
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        yield Violation(
            projection.name,
            f"{field}[{', '.join(map(str, index))}]" if index else field,
            int(weights[index]),
            f"even {-top - 1}..{top - 1}, or 0..{top} or {-top}..0 for all weights together",
            source,
        )


@dataclass(frozen=True, kw_only=True)
class ChipUse:
    """How much of one thing a network takes of a chip.

    Parameters
    ----------
    what
        ``neurons``, ``synapses`` or ``synaptic_bytes``.
    used
        By the network.
    available
        On the chip; None if no figure is public.
    source
        Where that was published.
    """

    what: str
    used: int
    available: int | None
    source: str

    @property
    def share(self) -> float | None:
        """Of what the chip has; None if that is not public."""
        return None if self.available is None else self.used / self.available


def chip_use(network: FixedPointNetwork, chip: Chip) -> tuple[ChipUse, ...]:
    """Neurons, synapses and their memory, beside what a chip has of them.

    Examples
    --------
    >>> from hw_models import LOIHI2
    >>> wide = LifPopulation(name="hidden", shape=(1000,), current_decay=0, voltage_decay=0,
    ...                      threshold=100)
    >>> neurons, *_ = chip_use(FixedPointNetwork(populations=[wide], projections=[]), LOIHI2)
    >>> neurons.used, neurons.available
    (1000, 1048576)
    """
    stored = [(p, stored_synapses(p)) for p in network.projections]
    neurons = sum(population.n_neurons for population in network.neurons)
    uses = [("neurons", neurons, chip.neurons, chip.neurons_per_core.source)]
    synapses = chip.synapses_per_chip
    uses.append(("synapses", sum(n for _, n in stored), synapses.value, synapses.source))
    if chip.weight_bits.value is not None:
        width = chip.weight_bits.value
        bits = sum(n * (width + (DELAY_BITS if _delayed(p) else 0)) for p, n in stored)
        memory, cores = chip.synaptic_memory_bytes_per_core, chip.cores_per_chip.value
        all_of_it = None if memory.value is None or cores is None else memory.value * cores
        uses.append(("synaptic_bytes", -(-bits // 8), all_of_it, memory.source))
    return tuple(ChipUse(what=w, used=u, available=a, source=s) for w, u, a, s in uses)


def _size(network: FixedPointNetwork, chip: Chip) -> Iterator[Violation]:
    for use in chip_use(network, chip):
        if use.available is not None and use.used > use.available:
            yield Violation("network", use.what, use.used, f"0..{use.available}", use.source)
    yield from _fan_in(network, chip)


def _delayed(projection: Any) -> bool:
    return getattr(projection, "delays", None) is not None


def stored_synapses(projection: Any) -> int:
    """Weights that a projection stores: every one of a dense matrix, a kernel once.

    An estimate from below: indices, headers and copies of a kernel are not counted.
    """
    if isinstance(projection, PoolProjection):
        return 1
    return int(projection.weights.size)


def _fan_in(network: FixedPointNetwork, chip: Chip) -> Iterator[Violation]:
    # a neuron lies on one core, so its sources cannot be more than the core's input axons
    figure = chip.in_axons_per_core
    for target in network.neurons:
        by_source: dict[str, np.ndarray] = {}
        for projection in network.projections:
            if projection.target == target.name:
                before = by_source.get(projection.source, 0)
                by_source[projection.source] = before + _sources(projection, target.n_neurons)
        total = np.zeros(target.n_neurons, dtype=np.int64)
        for name, sources in by_source.items():
            total += np.minimum(sources, network.population(name).n_neurons)
        yield from _outside(target.name, "sources", total, _up_to(figure), figure.source)


def _sources(projection: Any, n_post: int) -> np.ndarray:
    """Count the sources of each target neuron, int64 ``(n_post,)``; of a kernel, its size."""
    if isinstance(projection, SparseProjection):
        return np.bincount(projection.post, minlength=n_post)
    if isinstance(projection, PoolProjection):
        size = int(np.prod(projection.kernel_size))
    else:  # dense (n_post, n_pre); convolution (channels_out, channels_in, rows, columns)
        size = int(np.prod(projection.weights.shape[1:]))
    return np.full(n_post, size, dtype=np.int64)
