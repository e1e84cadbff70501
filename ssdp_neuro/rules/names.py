"""The rules of synchrony by name, wherever they learn: on the chip, or beside an optimizer."""

from __future__ import annotations

import enum

from hw_models import ThirdFactor


class RuleName(enum.Enum):
    """A rule, or one of the controls that DA-SSDP is compared with.

    On the chip rules differ in their third factor alone; see :data:`THIRD_FACTORS`.
    """

    NONE = "none"
    SSDP = "ssdp"
    DA_SSDP = "da-ssdp"
    ERROR_SSDP = "error-ssdp"
    REWARD_SSDP = "reward-ssdp"
    GATE_AT_ONE = "gate-at-one"
    CONSTANT = "constant"
    RANDOM = "random"
    SHUFFLED_LATENCIES = "shuffled-latencies"


# those that learn on the chip
THIRD_FACTORS = {
    RuleName.SSDP: ThirdFactor.CONSTANT,
    RuleName.DA_SSDP: ThirdFactor.DOPAMINE,
    RuleName.ERROR_SSDP: ThirdFactor.TEACHER,
    RuleName.REWARD_SSDP: ThirdFactor.REWARD,
}
