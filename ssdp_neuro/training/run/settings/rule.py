"""Section ``[rule]``: the rule of synchrony beside the optimizer."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from hw_models import InputError
from hw_models.choices import member
from hw_models.integers import integer
from ssdp_neuro.rules.names import RuleName
from ssdp_neuro.training.plasticity.rule_settings import LossChoice, Positions, Preset, SpikeChoice
from ssdp_neuro.training.run.settings.real_number import number

# those of the rules that change weights beside an optimizer; the last four are controls
TrainingRule = Literal[
    RuleName.NONE,
    RuleName.SSDP,
    RuleName.DA_SSDP,
    RuleName.GATE_AT_ONE,
    RuleName.CONSTANT,
    RuleName.RANDOM,
    RuleName.SHUFFLED_LATENCIES,
]


@dataclass(frozen=True, kw_only=True)
class RuleSection:
    """The rule of synchrony that also changes weights, after each step of the optimizer.

    Parameters
    ----------
    kind
        Which rule, or which control; the one switch.
    preset
        Constants to start from.
    layers
        Names of the neurons whose incoming weights it changes; the last ones if empty,
        and all with ["all"].
    warm_up_steps
        Optimizer steps before it changes anything; the gate is fitted on them. From 1.
    a_plus
        Largest change by a pair that fired, in the unit of the weights; the preset's if
        left out.
    a_baseline
        Change of every other pair; the preset's if left out.
    sigma
        Width of the latency kernel, steps; the preset's if left out.
    scale_by_learning_rate
        Whether changes follow the learning rate; the preset's if left out.
    spike
        Which spike of the window stands for the neuron; the preset's if left out.
    loss
        Which loss the warm-up sees; the preset's if left out.
    positions
        What stands for a neuron with many positions (pixels, tokens); the preset's if left
        out.
    trend_steps
        Optimizer steps per block of the warm-up, within which synchrony and loss are
        compared, 0 for one block; the preset's if left out.
    significance
        Largest probability of a chance relation at which it is believed, 1 to believe
        always; the preset's if left out.
    minimum_spread
        Spread of synchrony, as a share of its mean, that must be exceeded; the preset's if
        left out.
    """

    kind: TrainingRule = RuleName.NONE
    preset: Preset = Preset.CORRECTED
    layers: tuple[str, ...] = ()
    warm_up_steps: int = 1000
    a_plus: float | None = None
    a_baseline: float | None = None
    sigma: float | None = None
    scale_by_learning_rate: bool | None = None
    spike: SpikeChoice | None = None
    loss: LossChoice | None = None
    positions: Positions | None = None
    trend_steps: int | None = None
    significance: float | None = None
    minimum_spread: float | None = None

    def __post_init__(self) -> None:
        if member("[rule] kind", self.kind, RuleName) not in get_args(TrainingRule):
            raise InputError(f"[rule] kind: {self.kind.value!r} learns on the chip only")
        member("[rule] preset", self.preset, Preset)
        if self.spike is not None:
            member("[rule] spike", self.spike, SpikeChoice)
        if self.loss is not None:
            member("[rule] loss", self.loss, LossChoice)
        if self.positions is not None:
            member("[rule] positions", self.positions, Positions)
        integer("[rule] warm_up_steps", self.warm_up_steps, 1, 2**63 - 1)
        for field in ("a_plus", "a_baseline", "minimum_spread"):
            if getattr(self, field) is not None:
                number(f"[rule] {field}", getattr(self, field), least=0)
        if self.sigma is not None:
            number("[rule] sigma", self.sigma, above=0)
        if self.significance is not None:
            number("[rule] significance", self.significance, above=0, most=1)
        if self.trend_steps is not None:
            integer("[rule] trend_steps", self.trend_steps, 0, 2**31 - 1)

    def changes(self) -> dict[str, Any]:
        """Fields of the rule's settings that differ from the preset."""
        others = ("kind", "preset", "layers", "warm_up_steps")
        names = [field.name for field in fields(self) if field.name not in others]
        changes = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        # what RuleSettings calls None, which TOML has not
        for name, all_of_it in (("trend_steps", 0), ("significance", 1)):
            if name in changes and changes[name] == all_of_it:
                changes[name] = None
        return changes
