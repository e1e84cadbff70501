import copy

import pytest
import torch
from torch import nn

from hw_models import InputError, RangeError, ShapeError
from ssdp_neuro.training import (
    DASSDP,
    LossChoice,
    Positions,
    Preset,
    SaturationWarning,
    SpikeChoice,
    da_ssdp_update,
    first_spike,
    synchrony,
)
from ssdp_neuro.training.plasticity.first_spike import last_spike


class Pass(nn.Module):
    def forward(self, x):
        return x.clone()


class Task:
    """Spikes that are more synchronous where the loss is lower, batch after batch."""

    def __init__(self, rule=DASSDP, **settings):
        self.pre, self.layer, self.post = Pass(), nn.Linear(20, 10), Pass()
        with torch.no_grad():
            self.layer.weight.zero_()
        settings = {"warm_up_steps": 8, "trend_steps": 4, **settings}
        self.rule = rule([(self.pre, self.layer, self.post)], **settings)

    def batch(self, seed, n_samples=16):
        generator = torch.Generator().manual_seed(seed)
        rate = 0.05 + 0.25 * torch.rand(n_samples, 1, 1, generator=generator)
        before, after = (
            (torch.rand(n_samples, 6, n, generator=generator) < rate).float() for n in (20, 10)
        )
        loss = 2.0 - 3.0 * rate.flatten() + 0.1 * torch.rand(n_samples, generator=generator)
        return before, after, loss

    def step(self, seed):
        before, after, loss = self.batch(seed)
        self.pre(before), self.post(after)
        return self.rule.step(loss)

    def change(self, seed):
        old = self.layer.weight.detach().clone()
        self.step(seed)
        return self.layer.weight.detach() - old


def pooled_fit(batches, losses=None):
    """k, mu and sd of all recorded pairs, by the textbook."""
    s = torch.cat([synchrony(first_spike(b)[0], first_spike(a)[0]) for b, a, _ in batches])
    loss = torch.cat([x[2] for x in batches] if losses is None else losses).double()
    k = -float(torch.corrcoef(torch.stack([s, loss]))[0, 1])
    return k, float(s.mean()), float(s.std(correction=0))


@pytest.mark.parametrize("preset", [Preset.PAPER, Preset.REFERENCE])
def test_step__warms_up_fits_and_gates(preset):
    task = Task(preset=preset, warm_up_steps=5, trend_steps=None)
    batches = [task.batch(seed) for seed in range(5)]
    for seed in range(5):
        assert task.step(seed) is False
        assert not task.layer.weight.any()
        assert task.rule.gates[0].frozen is (seed == 4)
    means = [loss.mean().expand(16) for *_, loss in batches]
    k, mu, sd = pooled_fit(batches, means if preset is Preset.REFERENCE else None)
    fit = task.rule.fits[0]
    assert (fit.k, fit.mu, fit.sd) == pytest.approx((k, mu, sd), abs=1e-6)

    before, after, _ = task.batch(9)
    pick = last_spike if preset is Preset.REFERENCE else first_spike
    sides = (*pick(before), *pick(after))
    gate = (1 + k * (synchrony(sides[0], sides[2]) - mu) / sd).clamp(0, 2)
    assert gate.std() > 0.01
    wanted = da_ssdp_update(
        *sides,
        gate=gate,
        a_plus=1.5e-3,
        a_baseline=5e-4 if preset is Preset.REFERENCE else 1e-4,
        sigma=1.0,
        n_steps=6,
    )
    assert (task.change(9) - wanted).abs().max() < 1e-9


def test_presets__differ_as_documented():
    reference, paper, corrected = (preset.value for preset in Preset)
    assert reference.spike is SpikeChoice.LAST
    assert reference.loss is LossChoice.BATCH_MEAN
    assert (reference.a_baseline, paper.a_baseline, corrected.a_baseline) == (5e-4, 1e-4, 1e-4)
    assert {p.value.a_plus for p in Preset} == {1.5e-3}
    assert {p.value.sigma for p in Preset} == {1.0}
    assert paper.significance is paper.trend_steps is None
    assert corrected.significance is not None
    assert corrected.trend_steps is not None
    assert Task().rule.settings.significance == corrected.significance


def test_warm_up__in_blocks_ignores_a_shared_trend():
    task, pooled = Task(warm_up_steps=40), Task(warm_up_steps=40, trend_steps=None)
    for rule_task in (task, pooled):
        for seed in range(40):
            before, after, loss = rule_task.batch(seed)
            keep = torch.rand(before.shape, generator=torch.Generator().manual_seed(seed))
            rule_task.pre(before * (keep < (seed + 1) / 40)), rule_task.post(after)
            rule_task.rule.step(0.0 * loss + torch.rand(16) - 0.5 * seed)
    assert pooled.rule.fits[0].k > 0.5
    assert task.rule.fits[0].k < 0.4


def test_warm_up__a_short_last_block_joins_the_one_before():
    fits = []
    for steps, block in ((11, 10), (11, None)):
        task = Task(warm_up_steps=steps, trend_steps=block)
        for seed in range(steps):
            task.step(seed)
        fits.append(task.rule.fits[0])
    assert fits[0] == fits[1]
    halves = Task(warm_up_steps=11, trend_steps=5)
    for seed in range(11):
        halves.step(seed)
    last = [
        first_spike(x)[0]
        for x in (
            torch.cat(p)
            for p in zip(*(halves.batch(seed)[:2] for seed in range(5, 11)), strict=True)
        )
    ]
    assert halves.rule.fits[0].mu == pytest.approx(float(synchrony(*last).mean()))


def test_warm_up__of_small_batches_is_that_of_the_whole():
    whole, parts = (Task(warm_up_steps=2, trend_steps=None) for _ in range(2))
    for task, n_parts in ((whole, 1), (parts, 4)):
        parameters = task.layer.parameters()
        optimizer = torch.optim.SGD(parameters, lr=0.0)
        task.rule.remove()
        task.rule = DASSDP(
            [(task.pre, task.layer, task.post)],
            warm_up_steps=2,
            trend_steps=None,
            optimizer=optimizer,
        )
        for seed in range(4):
            before, after, loss = task.batch(seed)
            for part in range(n_parts):
                some = slice(16 // n_parts * part, 16 // n_parts * (part + 1))
                task.pre(before[some]), task.post(after[some])
                task.layer(before[some]).sum().backward()
                if part == n_parts - 1:
                    optimizer.step()
                task.rule.step(loss[some])
            optimizer.zero_grad()
    assert whole.rule.fits[0].n_samples == parts.rule.fits[0].n_samples == 32
    assert whole.rule.fits[0].k == pytest.approx(parts.rule.fits[0].k)
    assert (whole.layer.weight - parts.layer.weight).abs().max() < 1e-7
    assert whole.layer.weight.any()


def test_warm_up__warns_of_saturated_synchrony():
    pre, layer, post = Pass(), nn.Conv2d(3, 2, 1), Pass()
    with DASSDP([(pre, layer, post)], warm_up_steps=1) as rule:
        pre(torch.ones(4, 5, 3, 2, 2)), post(torch.ones(4, 5, 2, 2, 2))
        with pytest.warns(SaturationWarning):
            rule.step(torch.rand(4))


def test_synchrony__of_positions_is_the_mean_over_them():
    pre, layer, post = Pass(), nn.Conv2d(2, 3, 3, padding=1), Pass()
    generator = torch.Generator().manual_seed(0)
    before, after = ((torch.rand(4, 5, n, 6, 6, generator=generator) < 0.1) for n in (2, 3))
    with DASSDP([(pre, layer, post)], warm_up_steps=1, positions=Positions.EACH) as rule:
        pre(before), post(after)
        (there,) = (tap.take() for key, tap in rule._taps.items() if key[0] == id(pre))
        (here,) = (tap.take() for key, tap in rule._taps.items() if key[0] == id(post))
        made = rule.connections[0].synchrony(there, here)
    fired = [first_spike(x)[0].double() for x in (before, after)]
    patches = nn.functional.unfold(fired[0], 3, padding=1)
    wanted = torch.einsum("bil,bjl->b", patches, fired[1].flatten(2)) / (18 * 3 * 36)
    assert torch.allclose(made, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("stop", [3, 8, 11])
def test_state_dict__resumes_exactly(stop, tmp_path):
    task = Task()
    for seed in range(stop):
        task.step(seed)
    torch.save(task.rule.state_dict(), tmp_path / "rule.pt")
    resumed = Task()
    resumed.layer.load_state_dict(task.layer.state_dict())
    resumed.rule.load_state_dict(torch.load(tmp_path / "rule.pt", weights_only=True))
    for seed in range(stop, 14):
        assert task.step(seed) is resumed.step(seed)
    assert torch.equal(task.layer.weight, resumed.layer.weight)
    assert task.layer.weight.any()
    assert task.rule.fits == resumed.rule.fits
    states = [copy.deepcopy(dict(t.rule.gates.state_dict())) for t in (task, resumed)]
    for name, value in states[0].items():
        assert torch.equal(states[1][name], value) if torch.is_tensor(value) else True
    assert states[0]["0._extra_state"] == states[1]["0._extra_state"] == {"frozen": True}


def test_state_dict__is_a_copy():
    task = Task()
    task.step(0)
    kept = task.rule.state_dict()
    before = kept["gates"]["0.block"].clone()
    task.step(1)
    assert torch.equal(kept["gates"]["0.block"], before)


def test_rule__has_no_parameter_and_no_gradient():
    task = Task()
    assert list(task.rule.gates.parameters()) == []
    for seed in range(10):
        task.step(seed)
    assert task.layer.weight.grad is None
    assert task.layer.weight.is_leaf


def test_step__refuses_losses_that_do_not_fit():
    task = Task()
    before, after, loss = task.batch(0)
    for wrong, error in ((None, InputError), (loss.mean(), ShapeError), (loss[1:], ShapeError)):
        task.pre(before), task.post(after)
        with pytest.raises(error, match="loss"):
            task.rule.step(wrong)
    with pytest.raises(RangeError, match="warm_up_steps"):
        Task(warm_up_steps=0)
