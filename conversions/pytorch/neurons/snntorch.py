"""The neurons of snnTorch, as its version 1.0 computes them.

With the delayed reset (the default) a step first looks whether the last potential was above
threshold. "subtract" then takes a threshold off the new potential, after the leak. "zero"
differs among neurons: Leaky forgets the old potential and keeps the new input, the others put
the new potential to zero, input included, which is a refractory step. Without the delay the
reset follows the spike at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from conversions.pytorch.neurons.neuron_reading import (
    NeuronReader,
    NeuronReading,
    StateReset,
    TimeAxis,
)
from conversions.pytorch.neurons.neuron_settings import (
    OneToOne,
    dynamics,
    fires_at_zero,
    numbers,
    refused,
)
from conversions.real_network import RealReset
from hw_models import ConversionError

_STATE_FUNCTIONS = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}

_TWICE_THE_THRESHOLD = (
    "reset_delay=False with reset by subtraction: a neuron still above threshold after its reset"
    " needs twice the threshold to fire in the next step of snnTorch, once on the chip"
)


def _leaky(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    return _reading(module, path, shape, clears_input=False, voltage_output=1)


def _synaptic(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    return _reading(module, path, shape, voltage_output=2, current_kept=_alpha(module, path, shape))


def _recurrent_leaky(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    return _reading(module, path, shape, voltage_output=1, recurrent=_recurrent(module, shape))


def _recurrent_synaptic(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    if not module.reset_delay:
        raise ConversionError(
            f"{path}: RSynaptic with reset_delay=False, which snnTorch does not compute (it"
            " reads a spike that it has not made); supported is reset_delay=True"
        )
    return _reading(
        module,
        path,
        shape,
        voltage_output=2,
        current_kept=_alpha(module, path, shape),
        recurrent=_recurrent(module, shape),
    )


def _lapicque(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    resistance, capacitance, step = (
        numbers(getattr(module, name), shape, f"{path}.{name}") for name in ("R", "C", "time_step")
    )
    return _reading(
        module,
        path,
        shape,
        voltage_output=1,
        voltage_kept=1 - step / (resistance * capacitance),
        gain=step / capacitance,
    )


def _reading(
    module: Any,
    path: str,
    shape: tuple[int, ...],
    *,
    voltage_output: int,
    clears_input: bool = True,
    recurrent: nn.Module | None = None,
    **settings: Any,
) -> NeuronReading:
    """What all neurons of snnTorch share; ``clears_input`` says what a delayed zero takes."""
    at_threshold = _firing(module, path)
    reset, refractory, notes = _reset(module, path, clears_input)
    if "voltage_kept" not in settings:
        settings["voltage_kept"] = np.clip(numbers(module.beta, shape, f"{path}.beta"), 0, 1)
    hidden = module.init_hidden and not module.output  # then the spikes come alone
    return NeuronReading(
        dynamics=dynamics(
            path,
            threshold=numbers(module.threshold, shape, f"{path}.threshold"),
            fires_at_threshold=at_threshold,
            reset=reset,
            refractory=refractory,
            **settings,
        ),
        time_axis=TimeAxis.STEP,
        recurrent=recurrent,
        voltage_output=None if hidden else voltage_output,
        notes=notes,
    )


def _firing(module: Any, path: str) -> bool:
    if module.inhibition:
        raise ConversionError(
            f"{path}: inhibition=True, only the strongest neuron fires; supported is False"
        )
    if module.state_quant:
        raise ConversionError(
            f"{path}: state_quant is set; supported is state_quant=False, the chip has its own"
            " integers"
        )
    return fires_at_zero(module.spike_grad, f"{path}.spike_grad")


def _reset(module: Any, path: str, clears_input: bool) -> tuple[RealReset, int, tuple[str, ...]]:
    """Reset, refractory steps and notes.

    The reset that is computed was chosen when the module was made; an assignment or a loaded
    checkpoint changes the attribute but not all of what is computed.
    """
    computed = _STATE_FUNCTIONS[module.state_function.__name__]
    said = {"subtract": 0, "zero": 1, "none": 2}[computed] == int(module.reset_mechanism_val)
    if not said or computed != module.reset_mechanism:
        raise ConversionError(
            f"{path}: computes reset_mechanism={computed!r} but says {module.reset_mechanism!r};"
            " supported is a module that was made with the reset it says"
        )
    delayed = getattr(module, "reset_delay", True)
    if computed == "none":
        return RealReset.NONE, 0, ()
    if computed == "subtract":
        if delayed:
            return RealReset.DELAYED_SUBTRACT, 0, ()
        return RealReset.SUBTRACT, 0, (_TWICE_THE_THRESHOLD,)
    return RealReset.ZERO, int(delayed and clears_input), ()


def _alpha(module: Any, path: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.clip(numbers(module.alpha, shape, f"{path}.alpha"), 0, 1)


def _recurrent(module: Any, shape: tuple[int, ...]) -> nn.Module:
    return module.recurrent if module.all_to_all else OneToOne(module.recurrent.V)


def _reset_state(module: Any) -> None:
    module.reset_mem()


_HOME = "snntorch._neurons"

_READ: dict[str, NeuronReader] = {
    f"{_HOME}.leaky.Leaky": _leaky,
    f"{_HOME}.synaptic.Synaptic": _synaptic,
    f"{_HOME}.rleaky.RLeaky": _recurrent_leaky,
    f"{_HOME}.rsynaptic.RSynaptic": _recurrent_synaptic,
    f"{_HOME}.lapicque.Lapicque": _lapicque,
}

_NOT_LIF = "supported are Leaky, Synaptic, RLeaky, RSynaptic and Lapicque"

_REFUSED: dict[str, NeuronReader] = {
    f"{_HOME}.alpha.Alpha": refused(
        "its potential is a difference of two currents and has no leak of its own, so a reset does"
        f" not last; Synaptic has a synapse and a membrane that do; {_NOT_LIF}"
    ),
    **{
        f"{_HOME}.{name.lower()}.{name}": refused(f"not a leaky integrate-and-fire; {_NOT_LIF}")
        for name in ("DeltaLeaky", "LinearLeaky", "SConv2dLSTM", "SLSTM")
    },
    f"{_HOME}.stateleaky.StateLeaky": refused(
        "it filters whole samples without any reset, as Leaky(beta=exp(-1 / tau),"
        f" reset_mechanism='none') does step by step; {_NOT_LIF}"
    ),
    f"{_HOME}.associative.AssociativeLeaky": refused(f"not a leaky integrate-and-fire; {_NOT_LIF}"),
    f"{_HOME}.leakyparallel.LeakyParallel": refused(
        "an nn.RNN without reset, whose potential is rectified; Leaky behind a Linear of the same"
        f" weights is the nearest, and has to be trained on; {_NOT_LIF}"
    ),
}

READERS: dict[str, NeuronReader] = {**_READ, **_REFUSED}
"""By module and name of the class, so that nothing is imported that a model has not."""

RESETS: dict[str, StateReset] = dict.fromkeys(_READ, _reset_state)
"""How each of them is put to rest before a sample."""
