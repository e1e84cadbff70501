"""From NIR's differential equations to steps: the ways that frameworks take.

NIR gives ``tau dv/dt = (v_leak - v) + r I`` and no time step. With ``kept`` the share of v
that a step leaves, every framework computes

    v <- kept * v + (1 - kept) * v_leak + scale * r * I

and they differ in ``kept`` (:class:`Method`), in ``scale`` (:class:`InputScale`), in what
happens at equality, and in the unit in which their writers put time constants:

==============  ========  ===========  ====================================  ==========
preset          dt        kept         scale                                 at equality
==============  ========  ===========  ====================================  ==========
``SNNTORCH``    1e-4      1 - dt/tau   1 - kept; the writer sets r so that   silent
                                       the product is 1
``SPIKINGJELLY``  1e-4    1 - dt/tau   1 - kept; the writer sets r so that   fires
                                       the product is 1 or 1/tau
``NORSE``       1e-6      1 - dt/tau   1 - kept; 1 of synapses and of        silent
                                       integrators without a leak
``SINABS``      1         exp(-1/tau)  1 - kept (``norm_input=True``, the    fires
                                       default of LIF); 1 of readouts
                                       (ExpLeak) and integrators
==============  ========  ===========  ====================================  ==========

Norse's writer divides its ``dt`` (0.001 if not given) by the inverse time constant, so what
stands in the file is ``dt_written / tau_inv`` and the step that recovers the layer is
``dt_written * dt_of_the_layer``: 1e-6 for the defaults of both, 1e-3 for ``to_nir(dt=1)``.
Sinabs' writer loses ``norm_input``; ``SINABS_UNSCALED`` is for LIF layers without it.
SpikingJelly's and snnTorch's writers use 1e-4 s for a step.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import RangeError, TypeMismatchError
from hw_models.choices import member
from hw_models.errors import brief


class Method(enum.Enum):
    """What a step leaves of a leaky quantity."""

    EULER = "euler"
    EXPONENTIAL = "exponential"

    def kept(self, tau: Any, dt: float) -> np.ndarray:
        """``1 - dt / tau`` or ``exp(-dt / tau)``, float64."""
        ratio = dt / np.asarray(tau, dtype=np.float64)
        return 1.0 - ratio if self is Method.EULER else np.exp(-ratio)

    def leaked(self, tau: Any, dt: float) -> np.ndarray:
        """One minus :meth:`kept`, without its rounding where almost nothing leaks."""
        ratio = dt / np.asarray(tau, dtype=np.float64)
        return ratio if self is Method.EULER else -np.expm1(-ratio)

    def tau(self, kept: Any, dt: float) -> np.ndarray:
        """The time constant that leaves ``kept`` (0..1); so long that nothing leaks for 1."""
        share = np.asarray(kept, dtype=np.float64)
        with np.errstate(divide="ignore"):
            tau = dt / (1.0 - share) if self is Method.EULER else dt / np.abs(np.log(share))
        shortest = dt / 1024  # exp(-1024) is 0
        return np.clip(tau, shortest, dt * NO_LEAK)


NO_LEAK = 2.0**60  # 1 - 2**-60 is 1 in float64


class InputScale(enum.Enum):
    """What an input is multiplied by, besides r or w_in, when it arrives."""

    LEAK = "1 - kept"  # dt / tau, or dt where there is no time constant
    ONE = "1"


@dataclass(frozen=True, kw_only=True)
class Discretization:
    """How a framework turns NIR's parameters into steps; see the table of this module.

    Parameters
    ----------
    dt
        Time step, in the unit of the file's time constants (seconds, by NIR); positive.
    method
        What a step leaves.
    neuron_scale, readout_scale
        Input of the membrane of LIF and CubaLIF, and of LI and CubaLI.
    integrator_scale
        Input of IF and I, which have no time constant: dt or 1.
    synapse_scale
        Input of the current of CubaLIF and CubaLI.
    fires_at_threshold
        Whether ``v == v_threshold`` fires; by NIR it does not.
    starts_at_leak
        Whether a sample starts from ``v_leak``, as in Norse, and not from ``v_reset`` (a
        readout from 0).

    Raises
    ------
    RangeError, TypeMismatchError
        If a field does not fit.

    Examples
    --------
    >>> Discretization(dt=1e-4).kept(1e-3).round(6).item()
    0.9
    """

    dt: float
    method: Method = Method.EULER
    neuron_scale: InputScale = InputScale.LEAK
    readout_scale: InputScale = InputScale.LEAK
    integrator_scale: InputScale = InputScale.LEAK
    synapse_scale: InputScale = InputScale.LEAK
    fires_at_threshold: bool = False
    starts_at_leak: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.dt, bool) or not isinstance(self.dt, (int, float, np.number)):
            raise TypeMismatchError(f"Discretization.dt: {self.dt!r}; a number is needed")
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise RangeError(f"Discretization.dt: {self.dt}; a positive number is needed")
        object.__setattr__(self, "dt", float(self.dt))
        member("Discretization.method", self.method, Method)
        for field in SCALES:
            member(f"Discretization.{field}", getattr(self, field), InputScale)
        for field in ("fires_at_threshold", "starts_at_leak"):
            if not isinstance(getattr(self, field), bool):
                raise TypeMismatchError(f"Discretization.{field}: a boolean is needed")

    def kept(self, tau: Any) -> np.ndarray:
        """Share that a step leaves of a quantity with this time constant."""
        return self.method.kept(tau, self.dt)

    def leaked(self, tau: Any) -> np.ndarray:
        """Share that a step takes of it."""
        return self.method.leaked(tau, self.dt)


SCALES = ("neuron_scale", "readout_scale", "integrator_scale", "synapse_scale")

SNNTORCH = Discretization(dt=1e-4)
SPIKINGJELLY = Discretization(dt=1e-4, fires_at_threshold=True)
NORSE = Discretization(
    dt=1e-6,
    integrator_scale=InputScale.ONE,
    synapse_scale=InputScale.ONE,
    starts_at_leak=True,
)
SINABS = Discretization(
    dt=1.0,
    method=Method.EXPONENTIAL,
    readout_scale=InputScale.ONE,
    integrator_scale=InputScale.ONE,
    synapse_scale=InputScale.ONE,
    fires_at_threshold=True,
)
SINABS_UNSCALED = Discretization(
    dt=1.0,
    method=Method.EXPONENTIAL,
    neuron_scale=InputScale.ONE,
    readout_scale=InputScale.ONE,
    integrator_scale=InputScale.ONE,
    synapse_scale=InputScale.ONE,
    fires_at_threshold=True,
)

WRITERS = {
    "snntorch": SNNTORCH,
    "spikingjelly": SPIKINGJELLY,
    "norse": NORSE,
    "sinabs": SINABS,
    "sinabs-unscaled": SINABS_UNSCALED,
}
"""By the word of the framework that wrote a graph, as the command line has it."""


def discretization_of(where: str, value: Any) -> Discretization:
    """A Discretization, or the one of a framework's word.

    Raises
    ------
    TypeMismatchError
        If ``value`` is something else; lists the words.
    """
    if isinstance(value, Discretization):
        return value
    if isinstance(value, str) and value in WRITERS:
        return WRITERS[value]
    words = ", ".join(map(repr, WRITERS))
    raise TypeMismatchError(
        f"{where}: {brief(value)}; a Discretization is needed, or one of {words}"
    )
