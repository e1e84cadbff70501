"""Rules of synchrony by the settings of a config, on the layers of a network."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from hw_models import InputError
from ssdp_neuro.rules.names import RuleName
from ssdp_neuro.training.networks.stages import stages
from ssdp_neuro.training.networks.transformer import SpikingTransformer
from ssdp_neuro.training.plasticity.controls import (
    ConstantUpdate,
    GateAtOne,
    RandomUpdate,
    ShuffledLatencies,
)
from ssdp_neuro.training.plasticity.da_ssdp_rule import DASSDP
from ssdp_neuro.training.plasticity.spike_tap import InputOf
from ssdp_neuro.training.plasticity.ssdp import SSDP, Triple
from ssdp_neuro.training.run.section import nearest
from ssdp_neuro.training.run.settings.rule import RuleSection

RULES: dict[RuleName, type[SSDP]] = {
    RuleName.SSDP: SSDP,
    RuleName.DA_SSDP: DASSDP,
    RuleName.GATE_AT_ONE: GateAtOne,
    RuleName.CONSTANT: ConstantUpdate,
    RuleName.RANDOM: RandomUpdate,
    RuleName.SHUFFLED_LATENCIES: ShuffledLatencies,
}
SEEDED = (RuleName.RANDOM, RuleName.SHUFFLED_LATENCIES)
ALL = "all"


def make_rule(
    settings: RuleSection, model: nn.Module, optimizer: torch.optim.Optimizer, seed: int
) -> SSDP | None:
    """The rule that the settings name; ``None`` without one.

    Raises
    ------
    InputError
        If a layer is not one of the network's.
    """
    if settings.kind is RuleName.NONE:
        return None
    changes: dict[str, Any] = settings.changes()
    if settings.kind in SEEDED:
        changes["seed"] = seed
    return RULES[settings.kind](
        chosen_connections(settings, model),
        warm_up_steps=settings.warm_up_steps,
        preset=settings.preset,
        optimizer=optimizer,
        **changes,
    )


def chosen_connections(settings: RuleSection, model: nn.Module) -> list[Triple]:
    """The connections that the rule acts on, from input to output."""
    found = connections_of(model)
    if settings.layers == (ALL,):
        return list(found.values())
    for name in settings.layers:
        if name not in found:
            raise InputError(f"[rule] layers: {name!r}{nearest(name, found)}")
    chosen = settings.layers or (list(found)[-1],)
    return [found[name] for name in found if name in chosen]


def connections_of(model: nn.Module) -> dict[str, Triple]:
    """What each layer of neurons is driven through, by its name, from input to output.

    Recurrent synapses are ``NAME.recurrent``. Of a transformer these are the projections
    behind the attention of each block.

    Raises
    ------
    InputError
        If the network is of another kind.
    """
    if isinstance(model, SpikingTransformer):
        blocks: Any = enumerate(model.blocks)
        return {
            f"blocks.{i}.fire_again": (block.attended, block.project.linear, block.fire_again)
            for i, block in blocks
        }
    if not isinstance(model, nn.Sequential):
        raise InputError(
            f"[rule]: the connections of a {type(model).__name__} are not known; give fit() a rule"
        )
    before: Any = InputOf(model)
    found: dict[str, Triple] = {}
    for stage in stages(model):
        neurons = stage.neurons
        if neurons.recurrent is not None:
            found[f"{stage.neurons_path}.recurrent"] = (neurons, neurons.recurrent, neurons)
        found[stage.neurons_path] = (before, stage.synapses, neurons)
        before = neurons
    return found
