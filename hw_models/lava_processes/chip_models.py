"""What programs for the chip name to describe models that only the chip runs.

Lava's ``lava.magma.core.model.c`` (models in C for Loihi 2's embedded processors) and
``lava.magma.core.model.nc`` (models in microcode for its neuro cores) belong to an extension that
only Intel gives out. A program names them to describe such models beside its models in Python.
With these classes the descriptions can be read; nothing runs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from lava.magma.core.model.model import AbstractProcessModel


class AbstractCProcessModel(AbstractProcessModel):
    """A model in C."""


class CLoihiProcessModel(AbstractCProcessModel):
    """A model in C for an embedded processor of Loihi."""


class AbstractNcProcessModel(AbstractProcessModel):
    """A model for a neuro core."""


class NcProcessModel(AbstractNcProcessModel):
    """A model for a neuro core."""


class NcLoihiProcessModel(AbstractNcProcessModel):
    """A model for a neuro core of Loihi."""


class LavaCDataType(Enum):
    """Types of numbers in C."""

    INT8 = auto()
    INT16 = auto()
    INT32 = auto()
    INT64 = auto()
    UINT8 = auto()
    UINT16 = auto()
    UINT32 = auto()
    UINT64 = auto()
    FLOAT32 = auto()
    FLOAT64 = auto()


@dataclass
class LavaCType:
    """What a port or a Var is in a model in C: fields as of ``LavaPyType``."""

    cls: Any
    d_type: Any
    precision: int | None = None


@dataclass
class LavaNcType:
    """What a port or a Var is on a neuro core: fields as of ``LavaPyType``."""

    cls: Any
    d_type: Any
    precision: int | None = None


class AbstractCPort:
    """A port of a model in C."""


class CInPort(AbstractCPort):
    """Receives."""


class COutPort(AbstractCPort):
    """Sends."""


class CRefPort(AbstractCPort):
    """Reads and writes Vars of another Process."""


class CVarPort(AbstractCPort):
    """Lets others read and write a Var."""


class AbstractNcPort:
    """A port of a model for a neuro core."""


class NcInPort(AbstractNcPort):
    """Receives."""


class NcOutPort(AbstractNcPort):
    """Sends."""


class NcRefPort(AbstractNcPort):
    """Reads and writes Vars of another Process."""


class NcVarPort(AbstractNcPort):
    """Lets others read and write a Var."""


class NcVar:
    """A Var on a neuro core."""


class NetL2:
    """The network of a core, to which a model adds what it is made of."""


class Nodes:
    """Nodes in such a network."""
