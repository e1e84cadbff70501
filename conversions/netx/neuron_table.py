"""The table of a layer's neurons in a file, as a population.

SLAYER's neuron is the chip's: decays are in 1/4096, ``iDecay`` is the whole of the current's
(the chip's register holds one less), ``vThMant`` and biases are in units of a weight.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from conversions.netx.hdf5_layers import NEURON, FileLayer, NetxMeaning
from hw_models import ConversionError, LifPopulation
from hw_models.arithmetic import ALIGN_SHIFT
from hw_models.populations import THRESHOLD_LIMIT

NEURON_TYPES = ("CUBA", "LOIHI")
FIELDS = ("iDecay", "vDecay", "vThMant", "refDelay", "gradedSpike", "messageBits", "weight_exp")
TRAINING_FIELDS = ("scaleRho", "tauRho")  # of SLAYER's gradients, beside neurons of its tutorials
OWN_BIAS = ("bias_mantissa", "bias_exponent")  # attributes that to_netx writes
OWN_RESET = "reset_offset"
ONCE = 2**31 - 1  # an interval longer than any run
SECOND_STEP = 2  # counted from 1, as the chip does
AFFINE_THRESHOLD = 2**18 - 1  # of SLAYER's affine blocks
NO_SPIKES = 2**17 - 1  # the chip's highest threshold


def population(
    layer: FileLayer,
    name: str,
    shape: tuple[int, ...],
    meaning: NetxMeaning,
    power: int,
    notes: list[str],
) -> LifPopulation:
    """The population of a layer.

    Parameters
    ----------
    layer
        As it is in the file.
    name, shape
        Of the population.
    meaning
        Whether refractory delays count.
    power
        What arrives is multiplied by ``2**power``, the bias too.
    notes
        Sentences are added to it.

    Raises
    ------
    ConversionError
        If the neurons are of another type, or a value is beyond the chip's.
    """
    if layer.neuron_type is None:
        return _integrator(layer, name, shape, meaning, notes)
    if layer.neuron_type not in NEURON_TYPES:
        raise ConversionError(
            f"{layer.where}: neurons of type {layer.neuron_type!r}; supported are"
            f" {' and '.join(NEURON_TYPES)}"
        )
    inside = {name.removeprefix(f"{NEURON}/") for name in layer.values if name.startswith(NEURON)}
    unknown = sorted(inside - set(FIELDS) - set(TRAINING_FIELDS) - {"wgtExp"})
    if inside & set(TRAINING_FIELDS):
        unused = ", ".join(f"neuron/{name}" for name in sorted(inside & set(TRAINING_FIELDS)))
        notes.append(f"{layer.where}: {unused} are of the training only and not used.")
    if "wgtExp" in inside and layer.numbers(f"{NEURON}/wgtExp").any():
        raise ConversionError(
            f"{layer.where}.neuron/wgtExp: {int(layer.numbers(f'{NEURON}/wgtExp').max())}; netx"
            " does not use it, so what the weights mean is not known; 0 is supported"
        )
    if unknown:
        raise ConversionError(
            f"{layer.where}: neuron/{unknown[0]} is not known; known are {', '.join(FIELDS)}"
        )
    _check_graded(layer, meaning, notes)
    mantissa, exponent = _bias(layer, shape, power)
    made = LifPopulation(
        name=name,
        shape=shape,
        current_decay=_each(layer, "iDecay", shape, 1, 4096) - 1,
        voltage_decay=_each(layer, "vDecay", shape, 0, 4096),
        threshold=_thresholds(layer, shape, meaning, notes),
        bias_mantissa=mantissa,
        bias_exponent=exponent,
        refractory=_refractory(layer, meaning, notes),
    )
    return made if meaning is NetxMeaning.AS_LOADED else _begun(layer, made, notes)


def _begun(layer: FileLayer, made: LifPopulation, notes: list[str]) -> LifPopulation:
    """Cleared when SLAYER's neurons begin: their first step is the network's second.

    The chip's register adds the bias in every step.
    """
    if layer.own:
        begins = layer.kept(OWN_RESET)
        offset = None if begins is None else int(begins[0])
    else:
        offset = SECOND_STEP if made.bias.any() else None
        early = int((made.bias > made.threshold << ALIGN_SHIFT).sum())
        if offset and early:
            notes.append(
                f"{layer.where}: the bias of {early} of its neurons makes them fire at once, in the"
                " network's first step, in which SLAYER's neurons have not begun; what this does to"
                " the steps after it is not SLAYER's."
            )
    if offset is None:
        return made
    notes.append(
        f"{layer.where}: cleared at the start of the second step, from which on SLAYER's neurons"
        " have their bias; netx adds it from the first step on."
    )
    return dataclasses.replace(made, reset_interval=ONCE, reset_offset=offset)


def constant(layer: FileLayer) -> bool:
    """Whether the neurons get something in every step."""
    return "bias" in layer.values and bool(layer.numbers("bias").any())


def is_memoryless(layer: FileLayer) -> bool:
    """Whether nothing of the current remains after a step."""
    return bool((layer.numbers(f"{NEURON}/iDecay") == 4096).all())


def per_neuron(where: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """One number, one per channel (or neuron), or one for each in netx's order (W, H, C)."""
    if values.size == 1:
        return values.reshape(1)
    n_neurons = math.prod(shape)
    if values.ndim == 1 and values.size == shape[0]:
        return np.repeat(values, n_neurons // shape[0])
    if values.ndim == 1 and values.size == n_neurons:
        return values
    if values.ndim > 1 and values.shape == shape[::-1]:
        return values.transpose().reshape(-1)
    raise ConversionError(
        f"{where}: shape {values.shape}; one number, {shape[0]}, or {shape[::-1]} are needed"
    )


def _each(layer: FileLayer, field: str, shape: tuple[int, ...], low: int, high: int) -> np.ndarray:
    where = f"{layer.where}.neuron/{field}"
    values = per_neuron(where, layer.numbers(f"{NEURON}/{field}"), shape)
    outside = (values < low) | (values > high)
    if outside.any():
        raise ConversionError(f"{where}: {int(values[outside][0])}; {low}..{high} is supported")
    return values


def _thresholds(
    layer: FileLayer, shape: tuple[int, ...], meaning: NetxMeaning, notes: list[str]
) -> np.ndarray:
    given = _each(layer, "vThMant", shape, -THRESHOLD_LIMIT, THRESHOLD_LIMIT - 1)
    if meaning is NetxMeaning.AS_TRAINED and (given == AFFINE_THRESHOLD).all() and not layer.own:
        notes.append(
            f"{layer.where}: a readout (threshold {AFFINE_THRESHOLD}, which no potential reaches);"
            f" its threshold is the chip's highest, {NO_SPIKES}."
        )
        return np.array([NO_SPIKES])
    return given


def _check_graded(layer: FileLayer, meaning: NetxMeaning, notes: list[str]) -> None:
    if not layer.number(f"{NEURON}/gradedSpike", 0):
        return
    if meaning is NetxMeaning.AS_TRAINED:
        raise ConversionError(
            f"{layer.where}: neuron/gradedSpike; supported are spikes of 0 and 1 (netx ignores"
            " this, and so does meaning=NetxMeaning.AS_LOADED)"
        )
    notes.append(f"{layer.where}: trained with graded spikes; netx makes them 0 and 1.")


def _bias(layer: FileLayer, shape: tuple[int, ...], power: int) -> tuple[Any, Any]:
    """Mantissa and exponent, on the scale of the membrane potential."""
    if "bias" not in layer.values:
        return 0, 0
    where = f"{layer.where}.bias"
    mantissa = per_neuron(where, layer.numbers("bias"), shape)
    exponent: Any = ALIGN_SHIFT + power
    kept, beside = (layer.kept(field) for field in OWN_BIAS)
    if kept is not None and beside is not None:
        first, second = (per_neuron(where, values, shape) for values in (kept, beside))
        if (_on_membrane(first, second) == np.asarray(mantissa << exponent)).all():
            return first, second
    return mantissa, exponent


def _on_membrane(mantissa: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    return mantissa << np.maximum(exponent, 0) >> np.maximum(-exponent, 0)


def _refractory(layer: FileLayer, meaning: NetxMeaning, notes: list[str]) -> int:
    given = layer.numbers(f"{NEURON}/refDelay") if f"{NEURON}/refDelay" in layer.values else None
    if given is None or (given == 1).all():
        return 0
    if given.size != 1 or not 1 <= int(given.reshape(-1)[0]) <= 64:
        raise ConversionError(
            f"{layer.where}.neuron/refDelay: {given.reshape(-1).tolist()[:4]}; one number 1..64 is"
            " supported"
        )
    steps = int(given.reshape(-1)[0])
    if meaning is NetxMeaning.AS_LOADED:
        notes.append(f"{layer.where}: refDelay {steps}; netx ignores it, as if it were 1.")
        return 0
    notes.append(
        f"{layer.where}: refDelay {steps} is kept: no spike for {steps - 1} steps after one. netx"
        " ignores it."
    )
    return steps - 1


def _integrator(
    layer: FileLayer, name: str, shape: tuple[int, ...], meaning: NetxMeaning, notes: list[str]
) -> LifPopulation:
    """A dense layer without neurons, which SLAYER writes for an affine readout."""
    if layer.kind != "dense":
        raise ConversionError(f"{layer.where}: 'neuron' is missing")
    if constant(layer):
        raise ConversionError(f"{layer.where}: a bias without neurons is not supported")
    is_trained = meaning is NetxMeaning.AS_TRAINED
    notes.append(
        f"{layer.where}: has no neurons, so it never fires; its potential is in each step what the"
        " synapses make (SLAYER's readout). netx sums it over the steps."
        if is_trained
        else f"{layer.where}: has no neurons, so it never fires; its potential is the sum of what"
        " arrived (netx's default neuron), while SLAYER's readout is that of the step alone."
    )
    return LifPopulation(
        name=name,
        shape=shape,
        current_decay=4095,
        voltage_decay=4096 if is_trained else 0,
        threshold=NO_SPIKES,
    )
