"""The chip's neuron in PyTorch: current-based LIF, in real numbers or in its integers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from hw_models import RangeError, ResetMode, ShapeError, TypeMismatchError
from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY
from hw_models.choices import member
from hw_models.integers import integer
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training.layers.adaptation import Adaptation
from ssdp_neuro.training.layers.decays import Decay
from ssdp_neuro.training.layers.delays import DelayedLinear
from ssdp_neuro.training.layers.lif_scan import ScanSettings, can_scan, real_of, scan, takes
from ssdp_neuro.training.layers.lif_state import LifState, integrated, integrated_on_chip
from ssdp_neuro.training.layers.membrane_bias import MembraneBias
from ssdp_neuro.training.layers.surrogate import FastSigmoid, Surrogate, spike

MEMORYLESS = DECAY_UNITY - 1  # of a current


class CubaLif(nn.Module):
    """Current-based leaky integrate-and-fire, one step late, with decays on the chip's grid.

    What is given for step ``t`` arrives in step ``t + latency``, by default one later, as a
    connection of the chip delivers it, so a chain of layers has the chip's timing. With
    ``x`` what arrives, and the layer's own spikes of the step before if it is recurrent:

        u <- u * (1 - (current_decay + 1) / 4096) + x + recurrent(spikes)
        v <- v * (1 - voltage_decay / 4096) + u + bias
        spike where v > threshold; then v <- 0 (or v - threshold); u stays

    Once :attr:`grid` is set (:func:`ssdp_neuro.training.quantize` does), it expects whole
    units of synaptic input and runs in the integers of :class:`hw_models.LifPopulation`,
    exactly: truncating decays, 24-bit registers. Gradients then pass straight through the
    rounding. Only the 32-bit wrap of sums beyond 2**31 is left out.

    All steps of a call are computed in one fused pass on a CPU, and on a GPU where Triton is
    installed, and step by step elsewhere; :meth:`step` does one step, with equal results.

    Parameters
    ----------
    current_decay
        ``du``, 0..4095: 4095 is memoryless. One integer, or an array that broadcasts to the
        shape of the neurons.
    voltage_decay
        ``dv``, 0..4095: 0 does not leak. One integer or an array.
    threshold
        Positive, in the unit of the weights.
    reset
        To zero or by subtraction.
    refractory
        Steps after a spike in which v is held and no spike is sent, 0..63; u goes on.
    learn_current_decay, learn_voltage_decay
        Whether training moves the decays.
    bias
        Learned constant input to the membrane potential, to begin with: one number, or an
        array that broadcasts to the shape of the neurons; None for none.
    recurrent
        Module without a bias from the layer's spikes to what they send back to it, as
        ``nn.Linear(n, n, bias=False)`` or a :class:`DelayedLinear`; None for none.
    adaptation
        Threshold that rises with every spike; None for none.
    latency
        Steps until what is given is felt, 0 or 1; the chip's is 1.
    detach_reset
        Whether the gradient leaves out how a spike resets its own neuron.
    surrogate
        Slope that stands in for the step's when going back.

    Raises
    ------
    RangeError, TypeMismatchError
        If a parameter does not fit.

    Examples
    --------
    >>> neuron = CubaLif(current_decay=4095, voltage_decay=0, threshold=1.0)
    >>> currents = torch.tensor([0.6, 0.6, 0.6, 0.0]).reshape(1, 4, 1)
    >>> neuron(currents).flatten().tolist()
    [0.0, 0.0, 1.0, 0.0]
    """

    def __init__(
        self,
        *,
        current_decay: Any,
        voltage_decay: Any,
        threshold: float = 1.0,
        reset: ResetMode = ResetMode.ZERO,
        refractory: int = 0,
        learn_current_decay: bool = False,
        learn_voltage_decay: bool = False,
        bias: Any = None,
        recurrent: nn.Module | None = None,
        adaptation: Adaptation | None = None,
        latency: int = 1,
        detach_reset: bool = False,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__()
        self.decay_of_current = Decay(
            "CubaLif.current_decay", current_decay, learned=learn_current_decay, added=1
        )
        self.decay_of_voltage = Decay(
            "CubaLif.voltage_decay", voltage_decay, learned=learn_voltage_decay, added=0
        )
        if not (math.isfinite(threshold) and threshold > 0):
            raise RangeError(f"CubaLif.threshold: {threshold}; a positive number is needed")
        self.threshold = float(threshold)
        self.reset = member("CubaLif.reset", reset, ResetMode)
        self.refractory = integer("CubaLif.refractory", refractory, 0, 63)
        self.bias = None if bias is None else MembraneBias(bias)
        if recurrent is not None and getattr(recurrent, "bias", None) is not None:
            raise RangeError("CubaLif.recurrent: it has a bias; bias=False is needed")
        self.recurrent = recurrent
        if not isinstance(adaptation, Adaptation | None):
            raise TypeMismatchError(f"CubaLif.adaptation: {adaptation!r}; an Adaptation is needed")
        self.adaptation = adaptation
        self.latency = integer("CubaLif.latency", latency, 0, 1)
        self.detach_reset = bool(detach_reset)
        self.surrogate = surrogate or FastSigmoid()
        self.grid: WeightGrid | None = None

    @property
    def current_decay(self) -> int | np.ndarray:
        """``du`` as it stands: an int, or int64 that broadcasts to the neurons."""
        return self.decay_of_current.integers()

    @property
    def voltage_decay(self) -> int | np.ndarray:
        """``dv`` as it stands: an int, or int64 that broadcasts to the neurons."""
        return self.decay_of_voltage.integers()

    def extra_repr(self) -> str:
        """What ``print(model)`` shows."""
        shown = [
            f"current_decay={self.decay_of_current.settings()}",
            f"voltage_decay={self.decay_of_voltage.settings()}",
            f"threshold={self.threshold}, reset={self.reset.name}",
        ]
        usual = {"refractory": 0, "latency": 1, "detach_reset": False, "adaptation": None}
        shown += [f"{k}={getattr(self, k)}" for k, v in usual.items() if getattr(self, k) != v]
        return ", ".join(shown)

    def forward(self, currents: Tensor) -> Tensor:
        """Spikes of a whole sample.

        Parameters
        ----------
        currents : float, shape (B, T, ...)
            What each step's spikes send, in the unit of the threshold; in whole units
            of synaptic input if there is a grid.

        Returns
        -------
        0 and 1, same shape and dtype
        """
        if currents.ndim < 3:
            raise ShapeError(f"CubaLif: currents of shape {tuple(currents.shape)}; (B, T, ...)")
        self._check_decays(currents.shape[2:])
        short = self.grid is None and takes(currents)  # integers need more than half precision
        given = currents if short else _as_real(currents)
        linear = self._own_weights()
        if (
            can_scan(given, self.surrogate)
            and self.adaptation is None
            and (self.recurrent is None or linear is not None)
        ):
            return self._scan(given, linear).to(currents.dtype)
        state = None
        spikes = []
        with parametrize.cached():  # weights on a grid are rounded once
            for x in _as_real(given).unbind(1):
                fired, state = self.step(x, state)
                spikes.append(fired)
        return torch.stack(spikes, dim=1).to(currents.dtype)

    def step(self, given: Tensor, state: LifState | None = None) -> tuple[Tensor, LifState]:
        """Spikes of one step.

        Parameters
        ----------
        given : float, shape (B, ...)
            What this step's spikes send to the neurons.
        state
            After the step before; None at the beginning.

        Returns
        -------
        0 and 1, shape and dtype of ``given``; and the state after this step
        """
        sent, heard = _as_real(given), None
        if state is None:
            self._check_decays(given.shape[1:])
            rest = torch.zeros_like(sent, dtype=torch.float64 if self.grid else sent.dtype)
            state = LifState(rest, rest, torch.zeros_like(sent))
            felt = torch.zeros_like(sent) if self.latency else sent
        else:
            felt = sent if state.sent is None else state.sent
            if isinstance(self.recurrent, DelayedLinear):
                back, heard = self.recurrent.step(state.fired, state.heard)
                felt = felt + back
            elif self.recurrent is not None:
                felt = felt + self.recurrent(state.fired)
        current, voltage = self._integrate(felt, state)
        threshold = self._threshold()
        barrier: Tensor | float = threshold
        adapted = None
        if self.adaptation is not None:
            if self.grid is None:
                adapted = self.adaptation.after(state.adapted, state.fired)
                barrier = threshold + self.threshold * adapted
            else:
                adapted = self.adaptation.after_on_chip(
                    state.adapted, state.fired, self.grid.threshold
                )
                barrier = threshold + adapted
        resting = state.resting
        if resting is not None:
            voltage = torch.where(resting > 0, state.voltage, voltage)
        fired = spike((voltage - barrier) / threshold, self.surrogate)
        if self.refractory:
            resting = torch.zeros_like(fired) if resting is None else resting
            fired = fired * (resting == 0)
            resting = torch.where(fired > 0, float(self.refractory), (resting - 1).clamp(min=0))
            resting = resting.detach()
        cleared = fired.detach() if self.detach_reset else fired
        if self.reset is ResetMode.ZERO:
            voltage = voltage * (1.0 - cleared)
        else:
            voltage = voltage - threshold * cleared
        fired = fired.to(sent.dtype)
        under_way = sent if self.latency else None
        after = LifState(current, voltage, fired, under_way, resting, adapted, heard)
        return fired.to(given.dtype), after

    def _check_decays(self, shape: torch.Size) -> None:
        """Refuse decays of other neurons than those that are sent something."""
        decays = {"current_decay": self.decay_of_current, "voltage_decay": self.decay_of_voltage}
        for name, decay in decays.items():
            own = decay.shape
            if len(own) > len(shape) or any(
                size not in (1, needed)
                for size, needed in zip(reversed(own), reversed(shape), strict=False)
            ):
                raise ShapeError(
                    f"CubaLif.{name}: shape {tuple(own)}; it does not fit neurons of shape"
                    f" {tuple(shape)}"
                )

    def _threshold(self) -> float:
        """In the unit of the state."""
        return self.threshold if self.grid is None else float(self.grid.threshold << ALIGN_SHIFT)

    def _integrate(self, felt: Tensor, state: LifState) -> tuple[Tensor, Tensor]:
        bias = None if self.bias is None else self.bias.felt(self.grid)
        kept = (self.decay_of_current.kept(), self.decay_of_voltage.kept())
        if self.grid is None:
            return integrated(state, felt, *kept, bias)
        return integrated_on_chip(state, felt, *kept, bias)

    def _scan(self, given: Tensor, linear: Tensor | None) -> Tensor:
        dtype = real_of(given) if self.grid is None else torch.float64
        shape = given.shape[2:]
        current_kept, voltage_kept = (
            decay.kept().to(dtype).expand(shape).reshape(-1)
            for decay in (self.decay_of_current, self.decay_of_voltage)
        )
        settings = ScanSettings(
            threshold=self._threshold(),
            latency=self.latency,
            reset=self.reset,
            refractory=self.refractory,
            detach_reset=self.detach_reset,
            surrogate=self.surrogate,
            integers=self.grid is not None,
        )
        bias = torch.zeros_like(current_kept)
        if self.bias is not None:
            bias = self.bias.felt(self.grid).to(dtype).expand(shape).reshape(-1)
        fired = scan(given.flatten(2), current_kept, voltage_kept, bias, linear, settings)
        return fired.view(given.shape)

    def _own_weights(self) -> Tensor | None:
        """Weights of a recurrent Linear that nobody listens to, for the fused pass."""
        module = self.recurrent
        if not isinstance(module, nn.Linear) or isinstance(module, DelayedLinear):
            return None
        if module._forward_hooks or module._forward_pre_hooks:
            return None
        return module.weight


class Lif(CubaLif):
    """Leaky integrate-and-fire without a current of its own: :class:`CubaLif`, memoryless.

    Parameters
    ----------
    voltage_decay
        ``dv``, 0..4095: 0 does not leak. One integer or an array.
    **settings
        Of :class:`CubaLif`.

    Examples
    --------
    >>> Lif(voltage_decay=390, learn_voltage_decay=True)
    Lif(
      current_decay=4095, voltage_decay=390 (learned), threshold=1.0, reset=ZERO
      (decay_of_current): Decay()
      (decay_of_voltage): Decay()
    )
    """

    def __init__(self, *, voltage_decay: Any, **settings: Any) -> None:
        super().__init__(current_decay=MEMORYLESS, voltage_decay=voltage_decay, **settings)


def _as_real(values: Tensor) -> Tensor:
    """In float32 or float64; half precision would lose the small and the large."""
    return values if values.dtype in (torch.float32, torch.float64) else values.float()
