"""What a spike does to the potential: NIR gives at most a value, the rest must be said.

NIR's ``v_reset`` cannot tell subtraction from reset, and early releases of NIR have not even
that. snnTorch writes 0 whatever the mechanism, Norse and Sinabs write nothing, SpikingJelly
writes its value and refuses soft reset.

==============================================  ====================
source                                          reset
==============================================  ====================
snnTorch Leaky, RLeaky, Synaptic, RSynaptic
  ``subtract``                                  ``DELAYED_SUBTRACT``
  ``subtract``, ``reset_delay=False``           ``SUBTRACT`` (*)
  ``zero`` of Leaky                             ``ZERO``
  ``zero`` of RLeaky, Synaptic, RSynaptic       ``DELAYED_ZERO``
  the same with ``reset_delay=False``           ``ZERO``
  ``none``                                      ``NONE``
SpikingJelly                                    ``ZERO``
Norse                                           ``ZERO``
Sinabs ``MembraneSubtract`` (default)           ``SUBTRACT``
Sinabs ``MembraneReset``                        ``ZERO``
==============================================  ====================

(*) A potential still above threshold after its reset needs twice the threshold to fire in the
next step of snnTorch, once on the chip.
"""

from __future__ import annotations

import enum
from typing import Any

from conversions.real_network import RealReset
from hw_models import ResetMode
from hw_models.choices import choice


class SpikeReset(enum.Enum):
    """What a spike does to the membrane potential.

    ``ZERO`` sets it to v_reset and ``SUBTRACT`` lowers it by the threshold, in the step of
    the spike. ``DELAYED_SUBTRACT`` lowers it in the next step, after it has decayed, and
    ``DELAYED_ZERO`` makes the next step's potential v_reset, whatever arrives in it.
    ``NONE`` leaves it.
    """

    ZERO = "zero"
    SUBTRACT = "subtract"
    DELAYED_ZERO = "delayed-zero"
    DELAYED_SUBTRACT = "delayed-subtract"
    NONE = "none"

    @property
    def real(self) -> tuple[RealReset, int]:
        """The same as a real network's reset and refractory steps.

        A potential that is zero one step late is one that is zero at once and held for a
        step: it sends no spike in between, either way.
        """
        if self is SpikeReset.DELAYED_ZERO:
            return RealReset.ZERO, 1
        return RealReset[self.name], 0


def spike_reset(given: Any) -> SpikeReset:
    """A SpikeReset of one, of its word, of a RealReset or of a ResetMode.

    Raises
    ------
    TypeMismatchError
        If it is something else.
    """
    if isinstance(given, (RealReset, ResetMode)):
        return SpikeReset[given.name]
    return choice("reset", given, SpikeReset)
