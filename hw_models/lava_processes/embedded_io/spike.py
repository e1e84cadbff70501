"""Adapters between a host and neuro cores, where there are no neuro cores.

What comes in goes out in the same step, as in the models for CPUs that Lava's tutorials put in
the place of these adapters. The timing of a chip is not that of this model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class PyToNxAdapter(AbstractProcess):
    """From a model in Python to neuro cores.

    Parameters
    ----------
    shape
        Of both ports, ``inp`` and ``out``.
    num_message_bits
        Of a message on the chip; what is sent here is as it came.
    """

    def __init__(self, shape: tuple[int, ...], num_message_bits: int = 0, **options: Any) -> None:
        super().__init__(shape=shape, num_message_bits=num_message_bits, **options)
        self.inp, self.out = InPort(shape=shape), OutPort(shape=shape)


class NxToPyAdapter(AbstractProcess):
    """From neuro cores to a model in Python.

    Parameters
    ----------
    shape, num_message_bits
        As of :class:`PyToNxAdapter`.
    """

    def __init__(self, shape: tuple[int, ...], num_message_bits: int = 0, **options: Any) -> None:
        super().__init__(shape=shape, num_message_bits=num_message_bits, **options)
        self.inp, self.out = InPort(shape=shape), OutPort(shape=shape)


class _PassingOn(PyLoihiProcessModel):
    def run_spk(self) -> None:
        self.out.send(self.inp.recv())


class _PassingIntegers(_PassingOn):
    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)


class _PassingReals(_PassingOn):
    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=PyToNxAdapter, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyToNxModelFixed(_PassingIntegers):
    """Passes integers on."""


@implements(proc=PyToNxAdapter, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyToNxModelFloat(_PassingReals):
    """Passes real numbers on."""


@implements(proc=NxToPyAdapter, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class NxToPyModelFixed(_PassingIntegers):
    """Passes integers on."""


@implements(proc=NxToPyAdapter, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class NxToPyModelFloat(_PassingReals):
    """Passes real numbers on."""
