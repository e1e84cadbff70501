import copy

import pytest
import torch

from ssdp_neuro.training import (
    DASSDP,
    SSDP,
    ConstantUpdate,
    GateAtOne,
    RandomUpdate,
    ShuffledLatencies,
)
from ssdp_neuro.training.plasticity.controls import _shuffled
from ssdp_neuro.training.plasticity.spike_tap import SpikePattern
from tests.ssdp_neuro.training.plasticity.test_da_ssdp_rule import Task

CONTROLS = (GateAtOne, ConstantUpdate, RandomUpdate, ShuffledLatencies)


def change(rule, seed=20, **settings):
    """Of the first step after the warm-up."""
    task = Task(rule, **settings)
    for warm in range(8):
        task.step(warm)
        assert not task.layer.weight.any()
    return task.change(seed)


def test_controls__change_weights_when_the_rule_does():
    made = {rule: change(rule) for rule in (DASSDP, *CONTROLS)}
    for rule in CONTROLS:
        assert made[rule].any(), rule
        assert not torch.equal(made[rule], made[DASSDP]), rule


def test_gate_at_one__is_ssdp_after_the_same_warm_up():
    assert torch.equal(change(GateAtOne), change(SSDP))


def test_constant_update__has_the_mean_of_the_rule():
    made = change(ConstantUpdate)
    assert (made == made[0, 0]).all()
    assert float(made[0, 0]) == pytest.approx(float(change(DASSDP).mean()), rel=1e-5)


def test_random_update__has_the_norm_of_the_rule_and_no_relation():
    true, made = change(DASSDP), change(RandomUpdate)
    assert float(made.norm()) == pytest.approx(float(true.norm()), rel=1e-5)
    assert abs(float(torch.corrcoef(torch.stack([true.flatten(), made.flatten()]))[0, 1])) < 0.3
    assert torch.equal(made, change(RandomUpdate))
    assert not torch.equal(made, change(RandomUpdate, seed=21))


def test_shuffled__moves_latencies_among_those_that_fired():
    generator = torch.Generator().manual_seed(0)
    flag = torch.rand(6, 30, 2, generator=generator) < 0.5
    latency = torch.randint(0, 9, flag.shape, generator=generator).masked_fill(~flag, 9)
    made = _shuffled(SpikePattern(flag, latency, 9), generator)
    assert torch.equal(made.flag, flag)
    assert torch.equal(made.latency < 9, flag)
    assert torch.equal(made.latency.sort(1).values, latency.sort(1).values)
    assert (made.latency != latency)[flag].float().mean() > 0.5


@pytest.mark.parametrize("rule", CONTROLS)
def test_controls__resume_exactly(rule):
    task, resumed = Task(rule), Task(rule)
    for seed in range(10):
        task.step(seed)
    resumed.layer.load_state_dict(task.layer.state_dict())
    resumed.rule.load_state_dict(copy.deepcopy(task.rule.state_dict()))
    for seed in range(10, 13):
        assert task.step(seed)
        assert resumed.step(seed)
    assert torch.equal(task.layer.weight, resumed.layer.weight)


@pytest.mark.parametrize("rule", [RandomUpdate, ShuffledLatencies])
def test_controls__leave_the_random_state_of_torch_alone(rule):
    state = torch.get_rng_state()
    task = Task(rule)
    torch.set_rng_state(state)
    for seed in range(10):
        task.step(seed)
    assert torch.equal(torch.get_rng_state(), state)
