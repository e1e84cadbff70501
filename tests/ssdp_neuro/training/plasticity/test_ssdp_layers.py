"""The rule on layers of each kind: convolutions, tokens, delays, recurrent and pruned ones."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune

from hw_models import RangeError
from ssdp_neuro.training import (
    DASSDP,
    SSDP,
    DelayedLinear,
    Positions,
    SpikeChoice,
    first_spike,
)
from tests.ssdp_neuro.training.models import conv_model
from tests.ssdp_neuro.training.plasticity.rule_steps import (
    RULE,
    Pass,
    change_of,
    same,
    spikes,
    wanted_change,
)


@pytest.mark.parametrize("kernel", [1, 3])
def test_conv__first_arrival_is_per_channel_and_alike_for_all_taps(kernel):
    pre, post = Pass(), Pass()
    layer = nn.Conv2d(3, 4, kernel, padding=kernel // 2)
    before, after = spikes(5, 6, 3, 7, 7, rate=0.01), spikes(5, 6, 4, 7, 7, rate=0.01, seed=1)
    with SSDP([(pre, layer, post)], **RULE) as rule:
        pre(before), post(after)
        made = change_of(layer.weight, rule.step)
    somewhere = [x.flatten(3).amax(3) for x in (before, after)]
    wanted = wanted_change(*somewhere)
    assert same(made, wanted[:, :, None, None].expand(4, 3, kernel, kernel))


@pytest.mark.parametrize("parts", [2**22, 100])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(1, 1, 0), (3, 1, 1), (3, 2, 0)])
def test_conv__each_position_is_a_sample(kernel, stride, padding, parts, monkeypatch):
    monkeypatch.setattr("ssdp_neuro.training.plasticity.connection.POSITION_ELEMENTS", parts)
    pre, post = Pass(), Pass()
    layer = nn.Conv2d(2, 3, kernel, stride=stride, padding=padding)
    before = spikes(4, 5, 2, 7, 7)
    side = layer(before[:, 0]).shape[-1]
    after = spikes(4, 5, 3, side, side, seed=1)
    with SSDP([(pre, layer, post)], positions=Positions.EACH, **RULE) as rule:
        pre(before), post(after)
        made = change_of(layer.weight, rule.step)
    padded = functional.pad(before, [padding] * 4)
    wanted = torch.zeros_like(layer.weight)
    for y in range(side):
        for x in range(side):
            rows, columns = (slice(i * stride, i * stride + kernel) for i in (y, x))
            read = padded[..., rows, columns].flatten(2)
            wanted += wanted_change(read, after[..., y, x]).view_as(wanted) / side**2
    assert same(made, wanted)


@pytest.mark.parametrize("positions", Positions)
def test_linear__over_tokens(positions):
    pre, layer, post = Pass(), nn.Linear(6, 5), Pass()
    before, after = spikes(4, 5, 3, 6, rate=0.1), spikes(4, 5, 3, 5, rate=0.1, seed=1)
    with SSDP([(pre, layer, post)], positions=positions, **RULE) as rule:
        pre(before), post(after)
        made = change_of(layer.weight, rule.step)
    if positions is Positions.FIRST_ARRIVAL:
        wanted = wanted_change(before.amax(2), after.amax(2))
    else:
        wanted = sum(wanted_change(before[:, :, i], after[:, :, i]) for i in range(3)) / 3
    assert same(made, wanted)


def test_linear__after_flatten_reads_every_pixel():
    model = conv_model()
    x = spikes(4, 8, 2, 6, 6, rate=0.5)
    recorded = model.record(x)
    triples = [(model.maps, model.synapses, model.output)]
    with SSDP(triples, **RULE) as rule:
        model(x)
        made = change_of(model.synapses.weight, rule.step)
    assert same(made, wanted_change(recorded["maps"].flatten(2), recorded["output"]))


def test_recurrent__times_are_those_of_firing():
    neurons, layer = Pass(), nn.Linear(5, 5)
    train = spikes(4, 6, 5)
    with SSDP([(neurons, layer, neurons)], **RULE) as rule:
        neurons(train)
        made = change_of(layer.weight, rule.step)
    assert same(made, wanted_change(train, train))


def each_synapse(before, after, delays):
    """The change synapse by synapse, by spikes that are moved by hand."""
    wanted = torch.zeros(after.shape[2], before.shape[2])
    for i in range(before.shape[2]):
        for j in range(after.shape[2]):
            delay = int(delays[j, i])
            late = functional.pad(before[:, :, i : i + 1], (0, 0, delay, 0))[:, : before.shape[1]]
            wanted[j, i] = wanted_change(late, after[:, :, j : j + 1]).item()
    return wanted


@pytest.mark.parametrize("shape", [(5, 6), (6,), ()])
def test_delays__are_counted(shape):
    generator = torch.Generator().manual_seed(2)
    delays = torch.randint(0, 9, shape, generator=generator).expand(5, 6)
    pre, layer, post = Pass(), DelayedLinear(6, 5, delays=delays.numpy()), Pass()
    before, after = spikes(4, 8, 6), spikes(4, 8, 5, seed=1)
    with DASSDP([(pre, layer, post)], warm_up_steps=1, significance=None, **RULE) as rule:
        pre(before), post(after)
        seen = []
        record = rule.gates[0].record
        rule.gates[0].record = lambda s, loss: (seen.append(s), record(s, loss))
        rule.step(torch.rand(4))
        rule.gates[0].k.zero_()
        pre(before), post(after)
        made = change_of(layer.weight, rule.step)
    assert same(made, each_synapse(before, after, delays))
    arrives = first_spike(before)[1][:, None, :] + delays < 8
    both = arrives & first_spike(after)[0][:, :, None]
    assert torch.allclose(seen[0], both.double().mean((1, 2)))


def test_delays__a_spike_in_time_is_synchronous():
    pre, layer, post = Pass(), DelayedLinear(6, 5, delays=3), Pass()
    before, after = torch.zeros(1, 8, 6), torch.zeros(1, 8, 5)
    before[:, 0], after[:, 3] = 1, 1
    with SSDP([(pre, layer, post)], a_plus=0.1) as rule:
        pre(before), post(after)
        made = change_of(layer.weight, rule.step)
    assert same(made, torch.full((5, 6), 0.1))
    with pytest.raises(RangeError, match=r"SpikeChoice\.FIRST"):
        SSDP([(pre, layer, post)], spike=SpikeChoice.LAST)


@pytest.mark.parametrize("positions", Positions)
@pytest.mark.parametrize("kind", ["linear", "delayed", "conv"])
def test_pruned__only_kept_weights_change_and_count(kind, positions):
    layer = {
        "linear": lambda: nn.Linear(6, 5),
        "delayed": lambda: DelayedLinear(6, 5, delays=torch.arange(30).view(5, 6).numpy() % 4),
        "conv": lambda: nn.Conv2d(6, 5, 3, padding=1),
    }[kind]()
    room = (3, 3) if kind == "conv" else ()
    plain, pre, post = copy.deepcopy(layer), Pass(), Pass()
    mask = (
        torch.rand(layer.weight.shape, generator=torch.Generator().manual_seed(3)) < 0.5
    ).float()
    prune.custom_from_mask(layer, "weight", mask)
    before, after = spikes(4, 8, 6, *room, rate=0.1), spikes(4, 8, 5, *room, rate=0.1, seed=1)
    changes = []
    for each in (plain, layer):
        with SSDP([(pre, each, post)], positions=positions, **RULE) as rule:
            pre(before), post(after)
            weight = each.weight if each is plain else each.weight_orig
            changes.append(change_of(weight, rule.step))
            patterns = [
                tap.reading.pattern(x)
                for tap, x in zip(rule._taps.values(), (before, after), strict=True)
            ]
            seen = rule.connections[0].synchrony(*patterns)
    assert same(changes[1], changes[0] * mask)
    if kind == "linear":
        both = first_spike(before)[0][:, None, :] & first_spike(after)[0][:, :, None]
        assert torch.allclose(seen, (both * mask).double().sum((1, 2)) / mask.sum())
    if kind == "conv" and positions is Positions.EACH:
        patches = functional.unfold(first_spike(before)[0].double(), 3, padding=1)
        fired = first_spike(after)[0].double().flatten(2)
        both = torch.einsum("bil,bjl,ji->b", patches, fired, mask.flatten(1).double())
        assert torch.allclose(seen, both / 9 / mask.sum())
