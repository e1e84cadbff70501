"""A population of a network in integers as a PyTorch module, exact in every register."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from hw_models import LifPopulation, RangeError, ResetMode
from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY, STATE_LIMIT
from ssdp_neuro.training.layers.fake_quant import truncate_through
from ssdp_neuro.training.layers.integer_synapses import rounded_through
from ssdp_neuro.training.layers.lif_scan import ScanSettings, can_scan, scan
from ssdp_neuro.training.layers.surrogate import Surrogate, spike

MANTISSA_LIMIT = 2**15


class Registers(NamedTuple):
    """Current, membrane potential, refractory steps left, rise of the threshold after a step.

    Each is float64 ``(B, N)``.
    """

    u: Tensor
    v: Tensor
    resting: Tensor
    adapted: Tensor


class IntegerNeurons(nn.Module):
    """The neurons of a :class:`hw_models.LifPopulation`, with a gradient.

    A bias is learned where the population has one. Decays, thresholds and modes stay.

    Parameters
    ----------
    population
        What they compute.
    surrogate
        Slope that stands in for the step's when going back.
    """

    kept_u: Tensor
    kept_v: Tensor
    threshold: Tensor
    rise: Tensor
    kept_rise: Tensor
    slope: Tensor
    first_u: Tensor
    first_v: Tensor
    bias_unit: Tensor
    bias_scale: Tensor
    bias: nn.Parameter | None

    def __init__(self, population: LifPopulation, surrogate: Surrogate) -> None:
        super().__init__()
        self.population_name = population.name
        self.n_neurons = population.n_neurons
        self.surrogate, self.reset = surrogate, population.reset
        self.refractory = population.refractory
        self.interval, self.offset = population.reset_interval, population.reset_offset
        threshold = population.threshold.astype(np.int64) << ALIGN_SHIFT
        slope = np.maximum(np.abs(threshold), 1 << ALIGN_SHIFT)
        kept_u = 1 - (population.current_decay + 1.0) / DECAY_UNITY
        self.unit = float(np.mean(slope)) / 2**ALIGN_SHIFT
        for name, values in (
            ("kept_u", kept_u),
            ("kept_v", 1 - population.voltage_decay / DECAY_UNITY),
            ("threshold", threshold),
            ("rise", population.threshold_rise << ALIGN_SHIFT),
            ("kept_rise", 1 - population.threshold_decay / DECAY_UNITY),
            ("slope", slope),
            ("first_u", population.u),
            ("first_v", population.v),
        ):
            self.register_buffer(name, torch.tensor(np.asarray(values), dtype=torch.float64))
        unit = 2.0 ** population.bias_exponent.astype(np.float64)
        mantissa = population.bias_mantissa.astype(np.float64)
        # one mantissa may serve many exponents: a real number then counts in the largest unit
        own = unit if unit.size in (1, mantissa.size) else unit.max(keepdims=True)
        scale = self.unit * 2**ALIGN_SHIFT / own
        self.register_buffer("bias_unit", torch.tensor(unit))
        self.register_buffer("bias_scale", torch.tensor(scale))
        self.bias = None
        if mantissa.any():
            self.bias = nn.Parameter(torch.tensor(mantissa / scale))
        self.adapts = population.adapts
        plain = not (population.u.any() or population.v.any() or self.interval or self.adapts)
        self.alike = plain and len(np.unique(threshold)) == 1 and threshold.flat[0] > 0

    def bias_mantissas(self) -> Tensor:
        """Integers, float64, in the shape of the learned bias, which must exist."""
        assert self.bias is not None
        limit = MANTISSA_LIMIT
        return rounded_through(self.bias, self.bias_scale, 1, -limit, limit - 1)

    def _bias(self) -> Tensor:
        if self.bias is None:
            return self.threshold.new_zeros(1)
        return _floored_through(self.bias_mantissas() * self.bias_unit)

    def changed(self, population: LifPopulation) -> LifPopulation:
        """The population with what the bias has become.

        Raises
        ------
        RangeError
            If a bias is not finite.
        """
        if self.bias is None:
            return population
        if not bool(torch.isfinite(self.bias).all()):
            raise RangeError(f"{self.population_name}.bias: a bias is not finite")
        mantissa = self.bias_mantissas().detach().cpu().numpy().astype(np.int32)
        fields = {name: getattr(population, name) for name in population.__dataclass_fields__}
        return LifPopulation(**{**fields, "bias_mantissa": mantissa})

    def at_rest(self, n_samples: int) -> Registers:
        """Registers before the first step."""
        shape = (n_samples, self.n_neurons)
        u, v = (first.expand(shape) for first in (self.first_u, self.first_v))
        return Registers(u, v, torch.zeros_like(v), torch.zeros_like(v))

    def whole(self, arriving: Tensor, narrow: bool) -> Tensor:
        """Spikes of all steps, of neurons that do not hear themselves.

        Parameters
        ----------
        arriving : float32 or float64, shape (B, T, N)
            Input of each step, integers.
        narrow
            Whether the input can never leave 24 bits.

        Returns
        -------
        0 and 1, same shape and dtype
        """
        if narrow and self.alike and can_scan(arriving, self.surrogate):
            settings = ScanSettings(
                threshold=float(self.threshold.flatten()[0]),
                latency=0,
                reset=self.reset,
                refractory=self.refractory,
                detach_reset=False,
                surrogate=self.surrogate,
                integers=True,
            )
            u, v, bias = (
                values.expand(self.n_neurons).contiguous()
                for values in (self.kept_u, self.kept_v, self._bias())
            )
            return scan(arriving.contiguous(), u, v, bias, None, settings)
        registers, bias, spikes = self.at_rest(len(arriving)), self._bias(), []
        for t, now in enumerate(arriving.unbind(1)):
            fired, registers = self.step(t, now, registers, bias)
            spikes.append(fired)
        return torch.stack(spikes, dim=1).to(arriving.dtype)

    def step(
        self, t: int, arriving: Tensor, before: Registers, bias: Tensor | None = None
    ) -> tuple[Tensor, Registers]:
        """Spikes of step ``t``, counted from 0: ``(B, N)``, float64; and the registers after it."""
        bias = self._bias() if bias is None else bias
        u, v, resting, adapted = before
        if self.interval and (t + 1 - self.offset) % self.interval == 0:
            u, v, resting, adapted = (torch.zeros_like(one) for one in before)
        aligned = _wrapped(arriving.double() * 2.0**ALIGN_SHIFT)
        u = _wrapped_once(_wrapped(truncate_through(u * self.kept_u) + aligned))
        moved = _wrapped(truncate_through(v * self.kept_v) + u + bias)
        moved = moved.clamp(1 - STATE_LIMIT, STATE_LIMIT - 1)
        v = torch.where(resting > 0, v, moved) if self.refractory else moved
        if self.adapts:
            adapted = truncate_through(adapted * self.kept_rise)
        fired = spike((v - self.threshold - adapted) / self.slope, self.surrogate)
        if self.refractory:
            fired = fired * (resting == 0)
            left = (resting - 1).clamp(min=0)
            resting = torch.where(fired > 0, float(self.refractory), left).detach()
        if self.reset is ResetMode.ZERO:
            v = v * (1.0 - fired)
        else:
            v = _wrapped(v - self.threshold * fired)
        if self.adapts:
            adapted = (adapted + self.rise * fired).clamp(max=STATE_LIMIT - 1)
        return fired, Registers(u, v, resting, adapted)


def _wrapped(values: Tensor) -> Tensor:
    """Two's complement in 32 bits; the gradient is that of the identity."""
    half = 2.0**31
    off = torch.floor((values.detach() + half) / (2 * half)) * (2 * half)
    return values - off


def _wrapped_once(u: Tensor) -> Tensor:
    """The current's single correction by 24 bits, as hw_models/populations.py has it."""
    span = 2.0 * STATE_LIMIT
    u = torch.where(u > STATE_LIMIT, u - span, u)
    return torch.where(u <= -STATE_LIMIT, u + span, u)


def _floored_through(values: Tensor) -> Tensor:
    return values - (values - values.floor()).detach()
