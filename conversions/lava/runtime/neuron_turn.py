"""The spiking turn of Lava's neurons in one compiled loop, from message to message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from lava.magma.core.model.py.ports import IdentityTransformer, PyInPortVectorDense
from lava.proc.lif.models import (
    AbstractPyLifModelFixed,
    PyLifModelBitAcc,
    PyLifModelFloat,
    PyLifRefractoryModelFloat,
)
from lava.proc.sdn.models import PyDeltaModelFixed, PySigmaDeltaModelFixed, PySigmaModelFixed

from conversions.lava.runtime.channels import ModelSend
from conversions.lava.runtime.model_building import Actor
from conversions.lava.runtime.neuron_constants import (
    RESETTING,
    SIGMA_DELTA_KINDS,
    STATES,
    TERNARY,
    are_alike,
    fixed_constants,
    float_constants,
    sigma_delta_constants,
    states_of,
)
from ssdp_neuro.engine.kernels.lava_models import (
    fixed_point_step,
    floating_point_step,
    refractory_step,
)
from ssdp_neuro.engine.kernels.lava_sigma_delta import (
    SIGMA_DELTA,
    fixed_sigma_delta,
    float_sigma_delta,
)

KINDS = (
    PyLifModelBitAcc,
    PyLifModelFloat,
    PyLifRefractoryModelFloat,
    *RESETTING,
    *TERNARY,
    *SIGMA_DELTA_KINDS,
)
FIXED = (AbstractPyLifModelFixed, PySigmaModelFixed, PyDeltaModelFixed, PySigmaDeltaModelFixed)


class NeuronTurn:
    """Called in every step.

    Where values or messages are not as the loop needs them, the model's own method is called.

    Parameters
    ----------
    actor
        The neurons, with their ports joined.
    by_model
        What the model does without this.
    """

    def __init__(self, actor: Actor, by_model: Callable[[], None]) -> None:
        self._model = model = actor.model
        self._values = model.__dict__
        self._by_model = by_model
        self._is_fixed = isinstance(model, FIXED)
        self._message = np.int32 if self._is_fixed else np.float64
        self._inputs = [end._queue for end in model.a_in.csp_ports]
        self._ends = list(model.s_out.csp_ports)
        self._outputs = [end._queue for end in self._ends if type(end) is ModelSend]
        self._others = [end for end in self._ends if type(end) is not ModelSend]
        self._is_resetting = type(model) in RESETTING
        self._ready: Any = None
        tell = model.on_var_update

        def on_var_update() -> None:
            self._ready = None
            tell()

        model.__dict__["on_var_update"] = on_var_update

    @staticmethod
    def fits(kind: type) -> bool:
        """Whether the loop can stand for a model of this class."""
        return kind in KINDS

    def __call__(self) -> None:
        """Receive, compute and send."""
        if self._ready is None:
            self._ready = self._prepared()
        if self._ready is False or not self._can_go_on():
            self._by_model()
            return
        state, step, constants = self._ready
        values = self._values
        values["time_step"] += 1
        if self._is_resetting:
            model = self._model
            if values["time_step"] % model.reset_interval == model.reset_offset:
                for array in state:
                    array *= 0
        spikes = np.empty(self._shape, self._message)
        step(*state, self._received(), *constants, spikes.reshape(-1))
        self._send(spikes)

    def _can_go_on(self) -> bool:
        for link in self._inputs:
            if not link.messages:
                return False
        for link in self._outputs:
            if len(link.messages) >= link.size:
                return False
        values = self._values  # a model's arrays are replaced only from outside
        are_held = True
        for name, array in self._held:  # costs less than all(...)
            are_held = are_held and values[name] is array
        return are_held

    def _received(self) -> np.ndarray:
        if self._is_single:
            return self._inputs[0].messages.popleft().reshape(-1)
        total = self._silence
        for link, transform in zip(self._inputs, self._transforms, strict=True):
            message = link.messages.popleft()
            total = total + (message if transform is None else transform(message))
        return total.reshape(-1)

    def _send(self, spikes: np.ndarray) -> None:
        for number, link in enumerate(self._outputs):
            message = spikes if number == 0 else spikes.copy()
            same = link.dtype == message.dtype
            link.messages.append(message if same else message.astype(link.dtype))
        for end in self._others:
            end.send(spikes)

    def _prepared(self) -> Any:
        """Arguments of the loop; False if the model itself must compute."""
        model, fixed = self._model, self._is_fixed
        names = states_of(model)
        arrays = [getattr(model, name) for name in names]
        self._held = list(zip(names, arrays, strict=True))
        self._shape = arrays[0].shape
        if not (are_alike(self._message, *arrays) and self._fit_ports(fixed)):
            return False
        flat = {name: array.reshape(-1) for name, array in self._held}
        step: Any
        if type(model) in SIGMA_DELTA_KINDS:
            found = sigma_delta_constants(model, self._message)
            if found is None:
                return False
            state = [flat.get(name, np.zeros_like(found[0])) for name in STATES[SIGMA_DELTA]]
            # of numbers with fractions nothing is shifted
            return (state, fixed_sigma_delta, found) if fixed else (
                state, float_sigma_delta, found[:4])  # fmt: skip
        constants = fixed_constants(model) if fixed else float_constants(model)
        if constants is None:
            return False
        step = fixed_point_step if fixed else floating_point_step
        if type(model) is PyLifRefractoryModelFloat:
            step = self._refractory
        return list(flat.values()), step, constants

    def _fit_ports(self, fixed: bool) -> bool:
        model, shape = self._model, self._shape
        if type(model.a_in) is not PyInPortVectorDense or tuple(model.a_in._shape) != shape:
            return False
        kinds = "i" if fixed else "f"
        for link in self._inputs:
            if link.dtype.kind != kinds or link.dtype.itemsize != (4 if fixed else 8):
                return False
        if any(tuple(link.shape) != shape for link in self._outputs):
            return False
        transformer = model.a_in._transformer
        if type(transformer) is IdentityTransformer:
            self._transforms: list[Any] = [None] * len(self._inputs)
        else:
            self._transforms = [
                lambda data, end=end: transformer.transform(data, end)
                for end in model.a_in.csp_ports
            ]
        self._is_single = len(self._inputs) == 1 and self._transforms[0] is None
        if any(t is None and tuple(link.shape) != shape
               for link, t in zip(self._inputs, self._transforms, strict=True)):  # fmt: skip
            return False
        self._silence = np.zeros(shape, np.int32 if fixed else np.float64)
        return True

    def _refractory(
        self,
        u: Any,
        v: Any,
        a: Any,
        bias: Any,
        keep_u: Any,
        keep_v: Any,
        low: Any,
        high: Any,
        s: Any,
    ) -> None:
        model = self._model
        end = model.refractory_period_end.reshape(-1)
        now = model.time_step
        refractory_step(u, v, a, bias, keep_u, keep_v, high, end, now, model.refractory_period, s)
