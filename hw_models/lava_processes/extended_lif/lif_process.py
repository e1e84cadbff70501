"""Ports and state of LIF neurons beyond Lava's LIF and LIFReset."""

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from hw_models.learning_schedule import SampleClock


class ExtendedLIF(AbstractProcess):
    """Current-based LIF with per-neuron parameters and more kinds of reset.

    The equations are those of :class:`hw_models.LifPopulation`; with its defaults this is
    Lava's ``LIF``. After every step its ``v_out`` sends the membrane potential, its
    ``threshold_out`` what the potential was compared with, on the same scale.

    Parameters
    ----------
    shape
        Shape of the population.
    du, dv, vth
        Decays in 1/4096 and threshold; one value or an array of that shape.
    bias_mant, bias_exp
        Bias mantissa and exponent; one value or an array of that shape.
    rise, da
        By how much a spike raises the threshold, and the decay of that in 1/4096; one value or an
        array of that shape.
    u, v
        Current and membrane potential before the first step; one value or an array.
    subtract
        A spike takes ``vth << 6`` off the membrane potential instead of clearing it.
    refractory
        Steps after a spike in which the membrane potential is held and no spike is sent.
    reset_interval, reset_offset
        State is cleared at the start of steps ``t`` (from 1) with
        ``t % reset_interval == reset_offset % reset_interval``; never if the interval is 0.
    clock
        Samples that know nothing of each other: state is ``u`` and ``v`` when one begins, what
        arrives then is of the one before and is dropped, ``t`` counts from 1 in each, and
        between samples the neurons rest. None for one endless sample.
    name
        Name of the Process.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        du: Any = 0,
        dv: Any = 0,
        vth: Any = 10,
        bias_mant: Any = 0,
        bias_exp: Any = 0,
        rise: Any = 0,
        da: Any = 0,
        u: Any = 0,
        v: Any = 0,
        subtract: bool = False,
        refractory: int = 0,
        reset_interval: int = 0,
        reset_offset: int = 0,
        clock: SampleClock | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            shape=shape,
            u=u,
            v=v,
            subtract=subtract,
            refractory=refractory,
            reset_interval=reset_interval,
            reset_offset=reset_offset,
            clock=clock,
            name=name,
        )
        self.a_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)
        self.v_out = OutPort(shape=shape)
        self.threshold_out = OutPort(shape=shape)
        self.u = Var(shape=shape, init=u)
        self.v = Var(shape=shape, init=v)
        self.adapted = Var(shape=shape, init=0)
        self.refractory_left = Var(shape=shape, init=0)
        self.du = Var(shape=shape, init=du)
        self.dv = Var(shape=shape, init=dv)
        self.vth = Var(shape=shape, init=vth)
        self.bias_mant = Var(shape=shape, init=bias_mant)
        self.bias_exp = Var(shape=shape, init=bias_exp)
        self.rise = Var(shape=shape, init=rise)
        self.da = Var(shape=shape, init=da)
