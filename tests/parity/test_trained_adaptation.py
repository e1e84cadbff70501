"""Trained layers whose threshold rises, on the chip: integers equal everywhere, and losses."""

import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from conversions import Executor, from_torch, to_nir, verify
from conversions.nir import from_nir
from conversions.nir.metadata import facts_in
from conversions.real_network import NeuronDynamics, RealReset
from hw_models import LOIHI1, ConversionError, ResetMode, same_record
from hw_models.weight_grid import WeightGrid
from ssdp_neuro import oracle, simulate
from ssdp_neuro.training import Adaptation, CubaLif, SpikingNetwork, quantize, save_model

pytestmark = pytest.mark.kernel


def adaptive(seed, kept=0.93, strength=0.3, n_hidden=30, **settings):
    random = np.random.default_rng(seed)

    def linear(n_in, n_out):
        made = nn.Linear(n_in, n_out, bias=False)
        made.weight.data = torch.tensor(random.normal(0.05, 0.25, (n_out, n_in))).float()
        return made

    neuron = {"current_decay": 2500, "voltage_decay": 500, **settings}
    return SpikingNetwork(
        OrderedDict(
            to_hidden=linear(12, n_hidden),
            hidden=CubaLif(**neuron, adaptation=Adaptation(kept=kept, strength=strength)),
            to_output=linear(n_hidden, 4),
            output=CubaLif(current_decay=1000, voltage_decay=200, reset=ResetMode.SUBTRACT),
        ),
        input_shape=(12,),
    ).eval()


def spikes_for(seed, n_samples=6, n_steps=50):
    return np.random.default_rng(seed).random((n_samples, n_steps, 12)) < 0.3


def recorded(model, spikes):
    with torch.no_grad():
        found = model.record(torch.tensor(spikes, dtype=torch.float32))
    return {name: fired.flatten(2).numpy() != 0 for name, fired in found.items()}


def random_settings(seed):
    random = np.random.default_rng(seed)
    return {
        "kept": random.uniform(0.2, 0.999),
        "strength": 10 ** random.uniform(-1.5, 0.5),
        "refractory": int(random.integers(0, 3)),
        "reset": ResetMode.ZERO if random.random() < 0.5 else ResetMode.SUBTRACT,
        "latency": int(random.integers(0, 2)),
    }


@pytest.mark.parametrize("seed", range(6))
def test_quantized_layers__spike_as_engine_and_oracle_do(seed):
    model, spikes = adaptive(seed, **random_settings(seed)), spikes_for(seed)
    plain = copy.deepcopy(model)
    plain.hidden.adaptation = None
    quantize(model)
    quantize(plain, {name: getattr(model, name).grid for name in ("hidden", "output")})
    wanted = recorded(model, spikes)
    constant = recorded(plain, spikes)["hidden"]
    assert (wanted["hidden"] != constant).sum() > 0.02 * constant.sum() > 2
    network, report = from_torch(model)
    assert network.population("hidden").adapts
    assert any(
        "raises the threshold" in note and note.count("exactly") == 2 for note in report.notes
    )
    for run in (simulate(network, spikes, n_steps=50), oracle.simulate(network, spikes, 50)):
        for name, fired in wanted.items():
            shift = report.shifts[name]
            assert (run.raster(name)[:, shift:] == fired[:, : 50 - shift]).all()


@pytest.mark.lava
def test_quantized_layers__spike_as_lava_does():
    model, spikes = adaptive(0), spikes_for(0, 2, 30)
    quantize(model)
    network, _ = from_torch(model)
    outcome = verify(network, spikes, 30)
    assert outcome.equal, outcome
    sent = sum(int(fired.sum()) for fired in recorded(model, spikes).values())
    assert outcome.spikes[Executor.LAVA] == sent + int(spikes.sum())


def test_quantized_layer__its_rise_saturates_where_the_register_does():
    """Up to 2**17 units: 65536 at rest, and 130000 more with every spike."""
    model = adaptive(0, kept=0.8, strength=1.55, n_hidden=5, current_decay=0, voltage_decay=0)
    for synapses in (model.to_hidden, model.to_output):
        synapses.weight.data[:] = 1.0
    threshold = 2**16
    grid = WeightGrid(weight_exponent=7, threshold=threshold, real_threshold=1.0)
    quantize(model, {"hidden": grid})
    rise, _ = model.hidden.adaptation.registers(threshold)
    spikes = np.ones((1, 60, 12), bool)
    currents = torch.full((1, 60, 5), 3000.0)
    state, most = None, 0.0
    for now in currents.unbind(1):
        fired, state = model.hidden.step(now, state)
        most = max(most, float((state.adapted + fired * (rise << 6)).max()))
    assert most > 2**23, "or nothing saturates"
    network, _ = from_torch(model)
    wanted = recorded(model, spikes)
    assert wanted["hidden"].sum() > 10
    assert (simulate(network, spikes, n_steps=60).raster("hidden") == wanted["hidden"]).all()


def test_quantized_layer__its_rise_loses_what_integers_lose():
    """Less than 1/64 unit in a step, which adds up where most of a rise is kept."""
    model = adaptive(0, kept=0.998, strength=0.5)
    model.to_hidden.weight.data *= 60.0
    grid = WeightGrid(weight_exponent=0, threshold=4, real_threshold=1.0)
    quantize(model, {"hidden": grid})
    network, _ = from_torch(model)
    spikes = spikes_for(0, 6, 400)
    wanted = recorded(model, spikes)["hidden"]
    assert wanted.sum() > 1000
    assert (simulate(network, spikes, n_steps=400).raster("hidden") == wanted).all()


def test_quantized_layer__lets_the_gradient_through_the_threshold():
    neurons = CubaLif(current_decay=4095, voltage_decay=4095, adaptation=Adaptation(strength=2.0))
    neurons.grid = WeightGrid(weight_exponent=0, threshold=200, real_threshold=1.0)
    given = torch.full((1, 3, 1), 300.0, requires_grad=True)
    neurons(given)[:, 2].sum().backward()
    assert given.grad[0, 0, 0] < 0  # an earlier spike makes the next one less likely
    assert given.grad[0, 1, 0] > 0


def test_real_layers__convert_and_the_report_says_what_was_rounded():
    model, spikes = adaptive(1), spikes_for(1)
    network, report = from_torch(model, calibration=spikes, verify_each=True)
    neurons = network.population("hidden")
    assert neurons.threshold_decay.tolist() == [4096 - round(0.93 * 4096)]
    felt = neurons.threshold_rise * (4096 - neurons.threshold_decay) / 4096
    assert felt == pytest.approx(0.3 * neurons.threshold, rel=1e-2)
    (note,) = (note for note in report.notes if "raises the threshold" in note)
    low, high = neurons.threshold_rise.min(), neurons.threshold_rise.max()
    assert f"by {low}..{high} units" in note
    assert "3809/4096" in note
    assert note.count("rounded by up to") == 2
    wanted = recorded(model, spikes)["hidden"]
    found = simulate(network, spikes, n_steps=50).raster("hidden")
    constant = copy.deepcopy(model)
    constant.hidden.adaptation = None
    assert (found != wanted).sum() < 0.05 * wanted.sum()
    assert (recorded(constant, spikes)["hidden"] != wanted).sum() > 0.2 * wanted.sum()
    (row,) = (row for row in report.layers if row.population == "hidden")
    assert row.decay_error >= abs(0.93 - 3809 / 4096) - 1e-12
    assert row.spike_agreement > 0.95
    changed = [one.spikes_changed for one in report.passes if one.spikes_changed is not None]
    assert len(changed) > 2
    assert max(changed) < 0.1 * wanted.sum(), "networks between passes rise as much"


@pytest.mark.parametrize("reset", [ResetMode.ZERO, ResetMode.SUBTRACT])
def test_real_dynamics__are_those_of_the_layer(reset):
    """In numbers that float64 holds exactly; the reset is by the threshold at rest in both."""
    layer = CubaLif(
        current_decay=2047,
        voltage_decay=1024,
        adaptation=Adaptation(kept=0.5, strength=0.5),
        reset=reset,
        refractory=1,
    )
    dynamics = NeuronDynamics(
        current_kept=0.5,
        voltage_kept=0.75,
        threshold=1.0,
        threshold_rise=1.0,
        rise_kept=0.5,
        reset=RealReset[reset.name],
        refractory=1,
        latency=1,
    )
    currents = np.random.default_rng(0).integers(0, 32, (3, 20, 4)) / 32
    fired, _ = dynamics.run(currents)
    assert fired.sum() > 20
    assert (layer(torch.tensor(currents)).numpy() == fired).all()


def test_compare_and_nir__take_adaptive_models(tmp_path):
    model = adaptive(0)
    quantize(model)
    save_model(model, tmp_path / "model.safetensors")
    network, _ = from_torch(model)
    graph = to_nir(network)
    assert any("raises the threshold" in str(line) for line in facts_in(graph.metadata).losses)
    again = from_nir(graph)
    again = again[0] if isinstance(again, tuple) else again
    assert same_record(again.population("hidden"), network.population("hidden"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"kept": 0.0}, "a step keeps: 0;"),
        ({"kept": 0.9999}, "a step keeps: 0.9999;"),
        ({"strength": 1e-7}, "threshold_rise: "),
        ({"strength": 1e6}, ""),
    ],
)
def test_adaptation__that_integers_have_not_is_refused_by_name(settings, says):
    model = adaptive(0, **settings)
    for convert in (quantize, from_torch):
        with pytest.raises(ConversionError, match="hidden.*" + says):
            convert(model)
    assert model.hidden.grid is None
    assert model.output.grid is None


def test_adaptation__is_refused_for_a_chip_without_it():
    with pytest.raises(ConversionError, match=r"hidden\.adaptation: thresholds that rise"):
        quantize(adaptive(0), chip=LOIHI1)
    with pytest.raises(Exception, match="threshold_rise"):
        from_torch(adaptive(0), chip=LOIHI1)
