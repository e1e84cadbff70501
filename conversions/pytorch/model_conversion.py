"""PyTorch spiking models to fixed point."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import nn

from conversions.conversion_report import ConversionReport
from conversions.pytorch.network.model_reading import read_model
from conversions.pytorch.network.output_numbers import OutputWay
from conversions.pytorch.neurons.neuron_reading import TimeAxis
from conversions.pytorch.pooling import Pooling
from conversions.pytorch.trace.tracing import INPUT, Run
from conversions.quantization import (
    BiasForm,
    Calibration,
    ScaleForm,
    to_fixed_point,
)
from conversions.quantization.fixed_point import check_settings
from conversions.quantization.real_values import real_values
from conversions.real_network.bit_planes import BitPlanes
from hw_models import LOIHI2, Chip, FixedPointNetwork, InputError
from hw_models.choices import choice, member


def from_torch(
    model: nn.Module,
    *,
    chip: Chip | str = LOIHI2,
    calibration: Any = None,
    input_shape: Any = None,
    n_steps: int | None = None,
    time_axis: TimeAxis | None = None,
    run: Run | None = None,
    scales: ScaleForm | None = None,
    bias: BiasForm = BiasForm.EXACT,
    real_input: BitPlanes | None = None,
    verify_each: bool = False,
    pooling: Pooling | str | None = None,
    progress: bool | None = None,
) -> tuple[FixedPointNetwork, ConversionReport]:
    """Convert a spiking model to the chip's integers, and say what that cost.

    The model is run on random spikes, and every number in it is followed from one layer
    of neurons to the next. So it does not matter how it is written: as an ``nn.Sequential``,
    with a loop over time, one step or a whole sample at a call, with its neurons' states kept
    by hand or by the modules. What the linear operations between two layers come to is
    computed in float64; then the neurons' own run shows whether the layers were understood.

    Parameters
    ----------
    model
        Any module whose neurons are those of snnTorch, SpikingJelly, Norse, Sinabs or
        :mod:`ssdp_neuro.training`, or were taught by :func:`conversions.register_neuron`. It
        is left as it is.
    chip
        Registers to fill.
    calibration
        Spikes ``(B, T, *input_shape)``, a pair of these and labels ``(B,)``, or a
        :class:`conversions.quantization.Calibration`. Grids are then chosen by the spikes
        they change, and the report compares the model's own spikes with the network's.
    input_shape
        Shape of one step's spikes; taken from the calibration data or from a leading Linear
        if not given.
    n_steps
        Steps of a sample, for a model that has their number built in and is converted
        without calibration data.
    time_axis
        Where the model wants time, or that it takes one step at a call. If not given it is
        found by trying; a model for which several work asks for it.
    run
        ``(model, spikes (B, T, *input_shape)) -> output``: how to call a model that wants
        something else, or has to be reset or handed its states by the caller.
    scales, bias
        As of :func:`conversions.quantization.to_fixed_point`.
    real_input
        Of a model whose input is real values: how they become binary digits, each an input
        population. ``calibration`` then has values ``(B, *input_shape)``, the same in every of
        ``n_steps`` steps, or ``(B, T, *input_shape)``, rounded before anything sees them.
        ``report.real_input.encode`` makes spikes of others.
    verify_each
        As of :func:`conversions.to_fixed_point`.
    pooling
        Of a model that takes maxima of what its neurons are given, which a chip cannot:
        ``"after-spikes"`` takes them of what the neurons send, ``"average"`` averages. The report
        says how many decisions that alone changes, and compares with the model as it is.
    progress
        Whether to show on standard error how far a long conversion is; by default on a terminal.

    Returns
    -------
    network : FixedPointNetwork
        Populations ``input`` and one for each layer of neurons, projections one for each layer
        of synapses, named by their paths. Synapses without neurons after them end in a
        ``readout``, whose potential is in each step what they make.
    report : ConversionReport
        ``report.decision.decide(result)`` makes classes of a run as the model makes them of
        its own, whatever stands between its last neurons and what ``forward`` returns. Of several
        tensors it returns the first whose layer no other listens to counts; of one with numbers
        for each step their sum, or what ``Calibration.decision`` says.

    Raises
    ------
    ConversionError
        If a layer is not supported, or the network does not fit the chip; names its path
        and what is supported.
    InputError, ShapeError
        If the calibration data do not fit the model, or the shape of its input is not known.

    Examples
    --------
    A model of snnTorch with a loop over time, a residual sum and a recurrence, as it is::

        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.fc1, self.lif1 = torch.nn.Linear(64, 32), snntorch.Leaky(beta=0.9)
                self.fc2, self.lif2 = torch.nn.Linear(32, 32), snntorch.Leaky(beta=0.9)
                self.back, self.out = torch.nn.Linear(32, 32), torch.nn.Linear(32, 10)

            def forward(self, spikes):  # (T, B, 64)
                mem1, mem2, votes = self.lif1.reset_mem(), self.lif2.reset_mem(), []
                two = torch.zeros(spikes.shape[1], 32)
                for step in spikes:
                    one, mem1 = self.lif1(self.fc1(step), mem1)
                    two, mem2 = self.lif2(self.fc2(one) + one + self.back(two), mem2)
                    votes.append(self.out(two))
                return torch.stack(votes).mean(0)

        network, report = from_torch(Net(), calibration=(spikes, labels))  # (B, T, 64), (B,)

    >>> import torch
    >>> from ssdp_neuro.training import CubaLif
    >>> neuron = {"current_decay": 4095, "voltage_decay": 400}
    >>> model = torch.nn.Sequential(
    ...     torch.nn.Linear(4, 3), CubaLif(**neuron), torch.nn.Linear(3, 2), CubaLif(**neuron))
    >>> network, report = from_torch(model)
    >>> [population.name for population in network.populations]
    ['input', '1', '3']
    """
    check_settings(chip, scales, bias)
    if time_axis is not None:
        member("time_axis", time_axis, TimeAxis)
    if pooling is not None:
        pooling = choice("pooling", pooling, Pooling)
    given = None
    if real_input is not None:
        given = real_values(
            real_input,
            _arrays(calibration),
            name=INPUT,
            input_shape=input_shape,
            n_steps=n_steps,
            static=True if time_axis is TimeAxis.STATIC else None,
        )
    data = _calibration(calibration) if given is None else given.calibration
    spikes = None if data is None else _spikes(data) if given is None else given.values
    found = read_model(
        model,
        spikes=spikes,
        input_shape=input_shape,
        n_steps=n_steps,
        time_axis=time_axis,
        run=run,
        planes=None if given is None else given.planes,
        static=None if given is None else given.static,
        pooling=pooling,
        way=None if data is None else OutputWay(data.decision, data.neurons_per_class),
    )
    before = {name: sent != 0 for name, sent in found.sent.items() if name != INPUT}
    integers, report = to_fixed_point(
        found.network,
        chip=chip,
        calibration=data,
        before=None if data is None else before,
        scales=scales,
        bias=bias,
        decision=found.decision,
        decided=None if data is None else found.decided,
        real_input=None if given is None else given.planes,
        verify_each=verify_each,
        progress=progress,
    )
    notes = (*found.notes, *report.notes)
    if given is None:
        return integers, dataclasses.replace(report, notes=notes)
    notes = (*given.notes, *notes)
    return integers, dataclasses.replace(report, notes=notes, real_input=given.planes)


def _calibration(given: Any) -> Calibration | None:
    if given is None or isinstance(given, Calibration):
        return given
    spikes, labels = given if isinstance(given, tuple) else (given, None)
    return Calibration(spikes=_array(spikes), labels=_array(labels))


def _arrays(given: Any) -> Any:
    """Calibration data with arrays in the place of tensors."""
    return tuple(map(_array, given)) if isinstance(given, tuple) else _array(given)


def _array(given: Any) -> Any:
    return given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else given


def _spikes(data: Calibration) -> np.ndarray:
    if not isinstance(data.spikes, dict):
        return np.asarray(data.spikes)
    if len(data.spikes) != 1:
        raise InputError(f"calibration: spikes of {len(data.spikes)} inputs; a model has one")
    return np.asarray(next(iter(data.spikes.values())))
