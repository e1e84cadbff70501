"""The rule in real numbers and the integer rule: one rule, for every kind of projection."""

import numpy as np
import pytest
import torch
from torch import nn

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    SynchronyStatistics,
)
from ssdp_neuro import learn, simulate
from ssdp_neuro.rules import DaSsdp
from ssdp_neuro.rules.da_ssdp import least_correlation
from ssdp_neuro.training import SSDP, DelayedLinear, DopamineGate

pytestmark = pytest.mark.kernel

N_STEPS, N_IN, N_HIDDEN = 24, 20, 16
REAL = {"a_plus": 20.0, "a_baseline": 9.0, "sigma": 3.0}  # weights in mantissas


class Replay(nn.Module):
    """Gives recorded spikes, as a layer of neurons would."""

    def forward(self, spikes):
        return spikes.clone()


def network(kind, rng, plasticity, delays):
    rules = {name: plasticity if name == kind else None for name in ("feed-forward", "recurrent")}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(N_IN,)),
            LifPopulation(
                name="hidden",
                shape=(N_HIDDEN,),
                current_decay=2047,
                voltage_decay=200,
                threshold=rng.integers(100, 900, N_HIDDEN),  # some stay silent
            ),
        ],
        projections=[
            DenseProjection(
                source="in",
                target="hidden",
                weights=rng.integers(-20, 60, (N_HIDDEN, N_IN)),
                delays=rng.integers(0, 12, (N_HIDDEN, N_IN)) if delays else None,
                plasticity=rules["feed-forward"],
                name="feed-forward",
            ),
            DenseProjection(
                source="hidden",
                target="hidden",
                weights=rng.integers(-20, 40, (N_HIDDEN, N_HIDDEN)),
                delays=rng.integers(0, 12, (N_HIDDEN, N_HIDDEN)) if delays else None,
                plasticity=rules["recurrent"],
                name="recurrent",
            ),
        ],
    )


@pytest.mark.parametrize("delays", [False, True])
@pytest.mark.parametrize("kind", ["feed-forward", "recurrent"])
def test_rule__is_one_in_real_numbers_and_integers(kind, delays):
    rule, report = DaSsdp(n_steps=N_STEPS, **REAL).to_fixed(latency_bits=5, weight_unit=1.0)
    # a change is rounded once, and the table before it
    allowed = 0.5 + report.change_error * REAL["a_plus"] + 1e-4
    changes = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        net = network(kind, rng, rule, delays)
        spikes = rng.random((N_STEPS, N_IN)) < 0.04
        run = simulate(net, spikes, n_steps=N_STEPS)
        learned = learn(net, spikes, n_steps=N_STEPS).network.projection(kind)
        made = learned.weights - net.projection(kind).weights.astype(int)

        post = Replay()
        pre = post if kind == "recurrent" else Replay()
        sizes = net.projection(kind).weights.shape[::-1]
        layer = (
            DelayedLinear(*sizes, delays=net.projection(kind).delays)
            if delays
            else nn.Linear(*sizes)
        )
        nn.init.zeros_(layer.weight)
        with SSDP([(pre, layer, post)], **REAL) as real:
            for module, name in {pre: net.projection(kind).source, post: "hidden"}.items():
                module(torch.from_numpy(run.raster(name)[None].copy()))
            real.step()
        real_change = layer.weight.detach().numpy()
        assert np.abs(made - real_change).max() <= allowed
        changes.append(real_change)
    assert np.max(changes) > 10
    assert np.min(changes) < -3


@pytest.mark.parametrize("n_samples", [2, 3, 10, 60, 400])
def test_dopamine_gate__is_one_in_real_numbers_and_integers(n_samples):
    believed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        pairs = rng.integers(100, 400, n_samples)
        losses = rng.integers(0, 2000, n_samples) - rng.integers(0, 8) * pairs
        real = DopamineGate()
        real.record(torch.from_numpy(pairs / 1000), torch.from_numpy(losses / 7))
        made = real.fit()
        counted = SynchronyStatistics()
        for pair, loss in zip(pairs, losses, strict=True):
            counted = counted.add(pair, loss)
        least = least_correlation(n_samples, 1e-3)
        fit = counted.fit(least)
        if abs(abs(made.pearson) * 2**15 - least) > 1:
            assert fit.correlation / 2**15 == pytest.approx(made.k, abs=2**-15)
            gates = real(torch.tensor([0.1, 0.2, 0.3, 0.4])).tolist()
            twin = [fit.gate(pair) / 128 for pair in (100, 200, 300, 400)]
            assert twin == pytest.approx(np.clip(gates, 0, 255 / 128), abs=0.01)
        believed += made.k != 0
    assert (believed > 0) is (n_samples > 3)
    assert believed < 40
