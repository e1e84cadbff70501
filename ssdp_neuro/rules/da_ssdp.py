"""DA-SSDP in real numbers, and its integer form with a report of what rounding cost.

For one sample and one synapse, with first-spike steps ``t`` (``n_steps`` if silent),

    change = gate * amplitude * exp(-(t_post - t_pre)**2 / (2 sigma**2))

with amplitude ``a_plus`` if both ends fired, else ``-a_baseline``.

References
----------
DA-SSDP, arXiv 2512.07194; SSDP (the same with gate one), arXiv 2505.14841.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from hw_models import DaSsdpParams, RangeError, Rounding, ThirdFactor, TypeMismatchError
from hw_models.dopamine import CORRELATION_ONE, GATE_ONE
from hw_models.errors import brief
from hw_models.integers import integer

MAX_SHIFT = 31
MOST_LATENCIES = 1024  # the report looks at no more, evenly spaced


@dataclass(frozen=True, kw_only=True)
class DaSsdpReport:
    """What became of a real rule in integers, at gate one.

    Parameters
    ----------
    a_plus_error, a_baseline_error
        Relative error of each amplitude; 0 if it is 0.
    kernel_error
        Largest error of a kernel entry, as a share of the kernel's peak.
    change_error
        Largest error of a change before its final rounding, over all pairs of latencies,
        as a share of the larger amplitude; quantised latencies included.
    largest_change
        Change at the kernel's peak with the larger amplitude, in weight mantissas.
    vanishing
        Share of the pairs of latencies (both fired) whose change is rounded to nothing;
        0 under stochastic rounding, which keeps the mean.
    """

    a_plus_error: float
    a_baseline_error: float
    kernel_error: float
    change_error: float
    largest_change: float
    vanishing: float

    def __str__(self) -> str:
        return (
            f"amplitudes off by {self.a_plus_error:.2%} and {self.a_baseline_error:.2%},"
            f" kernel by {self.kernel_error:.2%} of its peak,"
            f" changes by {self.change_error:.2%} of the larger amplitude;"
            f" largest change {self.largest_change:.3g} mantissas,"
            f" {self.vanishing:.0%} of the pairs round to nothing"
        )


@dataclass(frozen=True, kw_only=True)
class DaSsdp:
    """Parameters of the rule in real numbers.

    Parameters
    ----------
    a_plus
        Change at equal latencies when both ends fired, in units of the weight; >= 0.
    a_baseline
        Depression at equal latencies otherwise, in units of the weight; >= 0.
    sigma
        Width of the latency kernel, steps; > 0.
    n_steps
        Steps of a sample; a silent neuron has this latency.

    Raises
    ------
    RangeError, TypeMismatchError

    Examples
    --------
    >>> rule = DaSsdp(a_plus=0.02, a_baseline=0.01, sigma=3.0, n_steps=20)
    >>> params, report = rule.to_fixed(latency_bits=5, weight_unit=0.01)
    >>> params.potentiation, params.depression, params.shift
    (129, 64, 21)
    >>> print(str(report).split(";")[1].strip())
    largest change 2.01 mantissas, 52% of the pairs round to nothing
    """

    a_plus: float
    a_baseline: float
    sigma: float
    n_steps: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_steps", integer("DaSsdp.n_steps", self.n_steps, 1, 2**31 - 1))
        for field in ("a_plus", "a_baseline", "sigma"):
            value = getattr(self, field)
            _check_real(f"DaSsdp.{field}", value, positive=field == "sigma")
            object.__setattr__(self, field, float(value))

    def change(self, pre_latency: Any, post_latency: Any, gate: Any = 1.0) -> Any:
        """Weight change, float64, for latencies in steps (``n_steps`` = silent) that broadcast."""
        pre, post = np.asarray(pre_latency), np.asarray(post_latency)
        both_fired = (pre < self.n_steps) & (post < self.n_steps)
        amplitude = np.where(both_fired, self.a_plus, -self.a_baseline)
        return gate * amplitude * self._kernel(post - pre)

    def to_fixed(
        self,
        *,
        latency_bits: int,
        weight_unit: float,
        latency_shift: int | None = None,
        rounding: Rounding = Rounding.NEAREST_AWAY,
        weight_low: int = -128,
        weight_high: int = 127,
        third_factor: ThirdFactor = ThirdFactor.CONSTANT,
        teacher_latency: int = 0,
        warm_up: int = 0,
        significance: float | None = 1e-3,
        kernel_bits: int = 8,
        amplitude_bits: int = 8,
    ) -> tuple[DaSsdpParams, DaSsdpReport]:
        """Integer parameters of this rule, and what rounding them cost.

        Parameters
        ----------
        latency_bits
            Width of a latency code, 3..8.
        weight_unit
            Real weight of one mantissa step; > 0.
        latency_shift
            Steps per code as a power of two; the smallest that fits if not given.
        teacher_latency
            Step in which a neuron that the teacher forces is taken to have fired,
            0..n_steps - 1; its code is stored.
        rounding, weight_low, weight_high, third_factor, warm_up, kernel_bits, amplitude_bits
            As in :class:`hw_models.DaSsdpParams`.
        significance
            For a dopamine gate, as for :class:`ssdp_neuro.training.DopamineGate`: makes
            ``least_correlation`` of the warm-up's samples. None: always believed.

        Returns
        -------
        DaSsdpParams, DaSsdpReport

        Raises
        ------
        RangeError
            If a sample does not fit the latency codes, an amplitude the integer format, or the
            teacher's step the sample.
        """
        forced_step = integer("teacher_latency", teacher_latency, 0, self.n_steps - 1)
        latency_bits = integer("latency_bits", latency_bits, 3, 8)
        kernel_one = (1 << integer("kernel_bits", kernel_bits, 1, 8)) - 1
        amplitude_high = (1 << integer("amplitude_bits", amplitude_bits, 1, 8)) - 1
        _check_real("weight_unit", weight_unit, positive=True)
        silent_code = (1 << latency_bits) - 1
        fits = [k for k in range(16) if self.n_steps <= silent_code << k]
        allowed = f"{fits[0]}..15" if fits else "none"
        if latency_shift is None and fits:
            latency_shift = fits[0]
        if latency_shift not in fits:
            raise RangeError(
                f"latency_shift: {latency_shift} for n_steps {self.n_steps} and latency_bits"
                f" {latency_bits}; allowed {allowed}"
            )
        shift, mantissas = self._amplitudes(weight_unit, kernel_one, amplitude_high)
        distance = np.arange(silent_code + 1) << latency_shift
        params = DaSsdpParams(
            latency_bits=latency_bits,
            latency_shift=latency_shift,
            silent_latency=round(self.n_steps / 2**latency_shift),
            kernel=np.rint(kernel_one * self._kernel(distance)).astype(np.int64),
            potentiation=mantissas[0],
            depression=mantissas[1],
            shift=shift,
            rounding=rounding,
            weight_low=weight_low,
            weight_high=weight_high,
            third_factor=third_factor,
            teacher_latency=forced_step >> latency_shift,
            warm_up=warm_up,
            least_correlation=(
                least_correlation(warm_up, significance)
                if third_factor is ThirdFactor.DOPAMINE
                else 0
            ),
            kernel_bits=kernel_bits,
            amplitude_bits=amplitude_bits,
        )
        return params, self._report(params, weight_unit)

    def _kernel(self, distance: Any) -> Any:
        return np.exp(-np.square(np.asarray(distance, dtype=np.float64)) / (2 * self.sigma**2))

    def _amplitudes(
        self, weight_unit: float, kernel_one: int, amplitude_high: int
    ) -> tuple[int, tuple[int, int]]:
        """The largest shift at which both mantissas fit, and the mantissas."""
        real = np.array([self.a_plus, self.a_baseline]) / (weight_unit * kernel_one * GATE_ONE)
        for shift in range(MAX_SHIFT, -1, -1):
            mantissas = np.rint(np.ldexp(real, shift))
            if mantissas.max() <= amplitude_high:
                break
        lost = (real > 0) & (mantissas == 0)
        if mantissas.max() > amplitude_high or lost.any():
            raise RangeError(
                f"amplitudes {self.a_plus} and {self.a_baseline} with weight_unit {weight_unit}"
                f" need mantissas {np.ldexp(real, shift).tolist()} at shift {shift}; allowed"
                f" 0, or 0.5..{amplitude_high}"
            )
        return shift, (int(mantissas[0]), int(mantissas[1]))

    def _report(self, params: DaSsdpParams, weight_unit: float) -> DaSsdpReport:
        kernel_one = (1 << params.kernel_bits) - 1
        unit = weight_unit * kernel_one * GATE_ONE / 2**params.shift
        amplitudes = unit * np.array([params.potentiation, params.depression])
        real = np.array([self.a_plus, self.a_baseline])
        errors = np.abs(amplitudes - real) / np.where(real > 0, real, 1)
        kernel = params.kernel / kernel_one
        distance = np.arange(kernel.size) << params.latency_shift

        count = min(self.n_steps, MOST_LATENCIES) + 1
        latency = np.unique(np.linspace(0, self.n_steps, count).astype(np.int64))
        place = np.where(
            latency < self.n_steps, latency >> params.latency_shift, params.silent_latency
        )
        fired = latency < self.n_steps
        both = fired[:, None] & fired[None, :]
        made = np.where(both, amplitudes[0], -amplitudes[1])
        made = made * kernel[np.abs(place[:, None] - place[None, :])]
        wanted = self.change(latency[:, None], latency[None, :])
        nothing = np.abs(made[both]) < weight_unit / 2
        largest = float(real.max())
        return DaSsdpReport(
            a_plus_error=float(errors[0]),
            a_baseline_error=float(errors[1]),
            kernel_error=float(np.abs(kernel - self._kernel(distance)).max()),
            change_error=float(np.abs(made - wanted).max()) / (largest or 1.0),
            largest_change=float(amplitudes.max()) / weight_unit,
            vanishing=0.0 if params.rounding is Rounding.STOCHASTIC else float(nothing.mean()),
        )


def least_correlation(n_samples: int, significance: float | None) -> int:
    """Magnitude of a correlation, in 1/32768, that so many unrelated samples rarely exceed.

    Parameters
    ----------
    n_samples
        Samples taken as independent. Up to three always lie on a line, or nearly.
    significance
        Probability (Fisher's z, two-sided) of exceeding it; None: 0.

    Raises
    ------
    RangeError

    Examples
    --------
    >>> [least_correlation(n, 1e-3) for n in (3, 10, 200)]
    [32768, 27738, 7544]
    """
    if significance is None:
        return 0
    if not 0 < significance < 1:
        raise RangeError(f"significance: {significance}; allowed above 0, below 1")
    if n_samples <= 3:
        return CORRELATION_ONE
    z = NormalDist().inv_cdf(1 - significance / 2)
    return math.floor(CORRELATION_ONE * math.tanh(z / math.sqrt(n_samples - 3)))


def _check_real(where: str, value: Any, *, positive: bool) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeMismatchError(
            f"{where}: {brief(value)} is {type(value).__name__}; a number is needed"
        )
    if not math.isfinite(value) or value < 0 or (positive and value == 0):
        raise RangeError(f"{where}: {value}; a finite number {'>' if positive else '>='} 0")
