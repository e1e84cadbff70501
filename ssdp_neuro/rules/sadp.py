"""SADP: change by the agreement of whole spike trains, in real numbers and in integers.

Trains are cut into ``n`` bins, a bin is 1 if there was a spike in it. With ``a`` and ``b`` bins of
source and target that are 1, and ``c`` of both, Cohen's kappa is

    kappa = 2 (n c - a b) / (n (a + b) - 2 a b)

which is (agreement - agreement by chance) / (1 - agreement by chance). Three popcounts and one
division. Where both never fire, or both in all bins, it is 0 / 0 and taken as 0.

What the papers leave open, or was not readable, and what is chosen here: docs/explanation/sadp.md.

References
----------
SADP: Bej et al., arXiv 2508.16216; supervised: arXiv 2601.08526; kappa: Cohen, Educ. Psychol.
Meas. 20(1), 1960.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import RangeError, Rounding, ShapeError, TypeMismatchError
from hw_models.arithmetic import saturate, shift_round, shift_stochastic
from hw_models.arrays import integer_array, spike_array
from hw_models.choices import member
from hw_models.errors import brief
from hw_models.integers import integer
from hw_models.random_bits import random_bits

KAPPA_ONE = 128  # of an integer kappa
MOST_BINS = 2**15  # products of counts then fit 32 bits
MAX_SHIFT = 31


@dataclass(frozen=True, kw_only=True)
class Sadp:
    """The rule in real numbers: a change that is linear in kappa on either side of 0.

    Parameters
    ----------
    potentiation, depression
        Change at kappa 1, and magnitude of that at kappa -1, in units of the weight; >= 0.
    bin_width
        Steps of a bin, from 1; the last one may be shorter.
    contrast
        With a reference: share of the target's own agreement that is taken off, 0 to 1. At 1
        nothing changes once the target fires as its reference does.

    Raises
    ------
    RangeError, TypeMismatchError

    Examples
    --------
    >>> rule = Sadp(potentiation=0.1, depression=0.05)
    >>> rule.change([[1], [0], [0], [1]], [[1, 0], [0, 1], [0, 1], [1, 0]]).tolist()
    [[0.1], [-0.05]]
    """

    potentiation: float
    depression: float
    bin_width: int = 1
    contrast: float = 1.0

    def __post_init__(self) -> None:
        for field in ("potentiation", "depression", "contrast"):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(
                value, (int, float, np.integer, np.floating)
            ):
                raise TypeMismatchError(f"Sadp.{field}: {brief(value)}; a number is needed")
            highest = 1.0 if field == "contrast" else math.inf
            if not (math.isfinite(value) and 0 <= value <= highest):
                raise RangeError(f"Sadp.{field}: {value}; allowed 0 to {highest}")
            object.__setattr__(self, field, float(value))
        width = integer("Sadp.bin_width", self.bin_width, 1, 2**31 - 1)
        object.__setattr__(self, "bin_width", width)

    def change(self, pre: Any, post: Any, reference: Any = None) -> np.ndarray:
        """Change of all weights, float64 ``(n_post, n_pre)``, the mean over samples.

        Parameters
        ----------
        pre : spikes, shape (..., T, n_pre)
        post : spikes, shape (..., T, n_post)
        reference : spikes, shape (..., T, n_post), optional
            What the targets should have fired: supervised SADP.

        Raises
        ------
        InputError, RangeError, ShapeError
        """
        own = self._changes(pre, post)
        if reference is not None:
            own = self._changes(pre, reference) - self.contrast * own
        return own.reshape(-1, *own.shape[-2:]).mean(0)

    def to_fixed(
        self, *, weight_unit: float, shift: int, rounding: Rounding = Rounding.STOCHASTIC
    ) -> SadpParams:
        """Integer form: amplitudes in ``weight_unit / 2**shift * 128``, rounded to nearest.

        Raises
        ------
        RangeError
            If an amplitude is beyond 255, or the contrast neither 0 nor 1.
        """
        if self.contrast not in (0.0, 1.0):
            raise RangeError(f"Sadp.contrast: {self.contrast}; integers have 0 and 1 only")
        if not (weight_unit > 0 and math.isfinite(weight_unit)):
            raise RangeError(f"weight_unit: {weight_unit}; a positive number is needed")
        shift = integer("shift", shift, 0, MAX_SHIFT)
        unit = weight_unit * KAPPA_ONE / 2**shift
        return SadpParams(
            potentiation=round(self.potentiation / unit),
            depression=round(self.depression / unit),
            shift=shift,
            bin_width=self.bin_width,
            contrast=bool(self.contrast),
            rounding=rounding,
        )

    def _changes(self, pre: Any, post: Any) -> np.ndarray:
        kappa = cohens_kappa(binned(pre, self.bin_width), binned(post, self.bin_width))
        return np.where(kappa > 0, self.potentiation, self.depression) * kappa


@dataclass(frozen=True, kw_only=True)
class SadpParams:
    """The rule in integers, one sample at a time.

        k      = round(128 kappa)                              -128 .. 128
        change = round((potentiation or depression) k / 2**shift)
        weight <- saturate(weight + change)

    With a reference the two products are subtracted first and rounded once.

    Parameters
    ----------
    potentiation, depression
        Amplitudes for positive and for negative k, 0..255.
    shift
        0..31.
    bin_width
        Steps of a bin, from 1.
    contrast
        Whether the target's own agreement is taken off the reference's.
    rounding
        ``NEAREST_AWAY`` or ``STOCHASTIC``, keyed by seed, sample, post and pre.
    weight_low, weight_high
        Saturation of a weight, -256..255.

    Raises
    ------
    RangeError, TypeMismatchError
    """

    potentiation: int
    depression: int
    shift: int
    bin_width: int = 1
    contrast: bool = True
    rounding: Rounding = Rounding.STOCHASTIC
    weight_low: int = -128
    weight_high: int = 127

    def __post_init__(self) -> None:
        for field, low, high in (
            ("potentiation", 0, 255),
            ("depression", 0, 255),
            ("shift", 0, MAX_SHIFT),
            ("bin_width", 1, 2**31 - 1),
            ("weight_low", -256, 255),
            ("weight_high", -256, 255),
        ):
            value = integer(f"SadpParams.{field}", getattr(self, field), low, high)
            object.__setattr__(self, field, value)
        if self.weight_low > self.weight_high:
            raise RangeError(
                f"SadpParams.weight_low: {self.weight_low}; allowed up to {self.weight_high}"
            )
        if not isinstance(self.contrast, bool):
            raise TypeMismatchError(f"SadpParams.contrast: {self.contrast!r}; a boolean is needed")
        member("SadpParams.rounding", self.rounding, Rounding)
        if self.rounding not in (Rounding.NEAREST_AWAY, Rounding.STOCHASTIC):
            raise TypeMismatchError(
                f"SadpParams.rounding: {self.rounding}; allowed NEAREST_AWAY and STOCHASTIC"
            )

    def update(
        self,
        weights: Any,
        pre: Any,
        post: Any,
        reference: Any = None,
        *,
        seed: int = 0,
        sample: int = 0,
    ) -> np.ndarray:
        """Weights after one sample, int64 ``(n_post, n_pre)``; what was given is not changed.

        Parameters
        ----------
        weights : integers, shape (n_post, n_pre), within the limits
        pre : spikes, shape (T, n_pre)
        post, reference : spikes, shape (T, n_post)
        seed, sample
            Words of the stochastic rounding's key.

        Raises
        ------
        InputError, RangeError, ShapeError, TypeMismatchError
        """
        old = integer_array("weights", weights, self.weight_low, self.weight_high, np.int64)
        product = self._products(pre, post)
        if product.ndim != 2 or product.shape != old.shape:
            raise ShapeError(
                f"weights: shape {old.shape}; {product.shape} is what one sample's spikes change"
            )
        if reference is not None:
            wanted = self._products(pre, reference)
            product = wanted - product if self.contrast else wanted
        if self.rounding is Rounding.STOCHASTIC:
            post_index, pre_index = np.indices(old.shape)
            bits = random_bits(seed, sample, post_index, pre_index)
            delta = shift_stochastic(product, self.shift, bits)
        else:
            delta = shift_round(product, self.shift)
        return saturate(old + delta, self.weight_low, self.weight_high)

    def _products(self, pre: Any, post: Any) -> np.ndarray:
        numerator, denominator = _kappa_parts(
            binned(pre, self.bin_width), binned(post, self.bin_width)
        )
        k = rounded_kappa(numerator, denominator)
        return np.where(k > 0, self.potentiation, self.depression) * k


def binned(spikes: Any, width: int) -> np.ndarray:
    """Whether a neuron fired in each bin, bool ``(..., n_bins, n)``.

    Parameters
    ----------
    spikes : shape (..., T, n)
        Booleans, or exact zeros and ones.
    width
        Steps of a bin; the last bin has what remains.

    Examples
    --------
    >>> binned([[1], [0], [0], [0], [1]], 2)[:, 0].tolist()
    [True, False, True]
    """
    fired = spike_array("spikes", spikes)
    if fired.ndim < 2 or fired.shape[-2] == 0:
        raise ShapeError(f"spikes: shape {fired.shape}; (..., T, n) with a step is needed")
    starts = np.arange(0, fired.shape[-2], integer("width", width, 1, 2**31 - 1))
    if starts.size > MOST_BINS:
        raise RangeError(f"spikes: {starts.size} bins; allowed up to {MOST_BINS}")
    return np.logical_or.reduceat(fired, starts, axis=-2)


def cohens_kappa(pre: Any, post: Any) -> np.ndarray:
    """Agreement of every source with every target, float64 ``(..., n_post, n_pre)``, -1..1.

    Parameters
    ----------
    pre, post : spikes in bins, shapes (..., n_bins, n_pre) and (..., n_bins, n_post)
    """
    numerator, denominator = _kappa_parts(spike_array("pre", pre), spike_array("post", post))
    return numerator / np.maximum(denominator, 1)  # 0 / 0 is 0


def rounded_kappa(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """``128 * numerator / denominator`` to nearest, halves away from zero; 0 of 0 / 0."""
    wide = 2 * KAPPA_ONE * np.abs(numerator) + denominator
    return np.sign(numerator) * (wide // np.maximum(2 * denominator, 1))


def _kappa_parts(pre: np.ndarray, post: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator of kappa, int64, by counts alone."""
    if pre.ndim < 2 or pre.shape[:-1] != post.shape[:-1]:
        raise ShapeError(f"pre: shape {pre.shape}, post: {post.shape}; all but n must be the same")
    n = pre.shape[-2]
    # whole numbers of float64 multiply as fast as real ones, and are exact
    both = np.swapaxes(post, -1, -2).astype(np.float64) @ pre.astype(np.float64)
    together = both.astype(np.int64)
    of_pre = pre.sum(-2, dtype=np.int64)[..., None, :]
    of_post = post.sum(-2, dtype=np.int64)[..., :, None]
    product = of_pre * of_post
    return 2 * (n * together - product), n * (of_pre + of_post) - 2 * product
