import copy
import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import nn

import conversions
from conversions.conversion_report import GridChoice
from conversions.pytorch.model_conversion import from_torch
from hw_models import (
    LOIHI1,
    LOIHI2,
    ConversionError,
    ConvProjection,
    DenseProjection,
    InputError,
    NameClashError,
    ResetMode,
    ShapeError,
    TypeMismatchError,
    check,
)
from hw_models.chips import Figure
from hw_models.weight_grid import WeightGrid
from ssdp_neuro import simulate
from ssdp_neuro.decision import decide
from ssdp_neuro.training import CubaLif, SpikingNetwork, load_model, quantize, save_model
from tests.ssdp_neuro.training.models import conv_model, dense_model

NEURON = {"current_decay": 1023, "voltage_decay": 256}


def spikes_for(model, *, seed=0, samples=12, steps=15, rate=0.4):
    shape = (samples, steps, *model.input_shape)
    return np.random.default_rng(seed).random(shape) < rate


def recorded(model, spikes):
    with torch.no_grad():
        fired = model.record(torch.tensor(spikes, dtype=torch.float32))
    return {name: spikes.flatten(2).numpy() != 0 for name, spikes in fired.items()}


MODELS = {
    "dense": dense_model,
    "memoryless": lambda: dense_model(current_decay=4095, voltage_decay=4095, gain=4.0),
    "no leak": lambda: dense_model(current_decay=0, voltage_decay=0),
    "subtract": lambda: dense_model(reset=ResetMode.SUBTRACT, threshold=0.37),
    "deep": lambda: dense_model((7, 8, 9, 10, 3), threshold=2.1),
    "convolution": conv_model,
}


@pytest.mark.parametrize("name", MODELS)
def test_from_torch__a_quantized_model_spikes_as_the_engine(name):
    model = MODELS[name]()
    quantize(model)
    spikes = spikes_for(model)
    network, report = from_torch(model, calibration=spikes)
    run = simulate(network, spikes, n_steps=15)
    before = recorded(model, spikes)
    for population, fired in before.items():
        assert fired.any()
        assert (run.raster(population) == fired).all()
    assert [layer.spike_agreement for layer in report.layers] == [1.0] * len(before)
    assert {layer.choice for layer in report.layers} == {GridChoice.TRAINED}
    assert report.decisions_changed == 0
    assert check(network, LOIHI2) == ()


BIASES = {
    "potential": {"current_decay": 4095, "voltage_decay": 100, "bias": 1.53},
    "current": {"current_decay": 300, "voltage_decay": [5, 900, 2048, 0], "bias": 2.71},
    "each": {"reset": ResetMode.SUBTRACT, "bias": [1.37, -6.1, 0.21, 9.03], "refractory": 2},
    "learned": {"learn_voltage_decay": True, "bias": [40.3, 1.1, -1.1, 0.999]},
}


def biased(latency, n_layers=3, **settings):
    """Layers of four neurons; the middle one is recurrent."""
    neurons = {**NEURON, "reset": ResetMode.SUBTRACT, "latency": latency, **settings}
    model = dense_model((4,) * (n_layers + 1), gain=4.0, **neurons)
    if n_layers == 3:
        model.hidden2.recurrent = nn.Linear(4, 4, bias=False)
        nn.init.constant_(model.hidden2.recurrent.weight, -0.3)
    return model


@pytest.mark.parametrize("latency", [0, 1])
@pytest.mark.parametrize("name", BIASES)
def test_from_torch__a_bias_of_any_size_is_the_register_that_was_trained(name, latency):
    model = biased(latency, **BIASES[name])
    quantize(model, weight_bits=(8, 4, 2))
    spikes = spikes_for(model, samples=3, steps=200)
    network, report = from_torch(model)
    late = max(report.shifts.values())
    assert late == 3 * (1 - latency)
    run = simulate(network, np.pad(spikes, ((0, 0), (0, late), (0, 0))), n_steps=200 + late)
    before = recorded(model, spikes)
    assert not all(fired.all() for fired in before.values())
    for population, fired in before.items():
        begins = report.shifts[population]
        assert fired.any()
        assert (run.raster(population)[:, begins : begins + 200] == fired).all()
        assert not run.raster(population)[:, :begins].any()
    assert max(layer.bias_error for layer in report.layers) < 1e-9


def test_from_torch__refuses_a_trained_bias_that_nothing_holds_exactly():
    model = biased(0, 1, current_decay=300, voltage_decay=4095, bias=1.53)
    quantize(model)
    with pytest.raises(ConversionError, match=r"output.bias: .* fire before .* network step 1"):
        from_torch(model)
    model.output.latency = 1
    assert from_torch(model)[1].layers[0].bias_error < 1e-9


def equal_in_the_engine(model, spikes, **settings):
    """Whether every layer spikes in the converted network as in PyTorch."""
    network, report = from_torch(model, **settings)
    late, n_steps = max(report.shifts.values()), spikes.shape[1]
    run = simulate(network, np.pad(spikes, ((0, 0), (0, late), (0, 0))), n_steps=n_steps + late)
    return all(
        (run.raster(name)[:, report.shifts[name] :][:, :n_steps] == fired).all()
        for name, fired in recorded(model, spikes).items()
    )


def test_from_torch__refuses_a_clock_beside_a_current_that_remembers():
    """Half of a clock's units and of a current is not half of their sum, truncated."""
    model = biased(0, 1, current_decay=2047, voltage_decay=4095, bias=1.0)
    quantize(model, {"output": WeightGrid(weight_exponent=0, threshold=10)})
    nn.init.constant_(model.output.bias.value, 46 / model.output.grid.scale)  # whole when halved
    with pytest.raises(ConversionError, match=r"output.bias: .* fire before .* network step 1"):
        from_torch(model)
    model.output.latency = 1
    assert equal_in_the_engine(model, spikes_for(model, samples=40, steps=500))


SMALL = dataclasses.replace(
    LOIHI2,
    name="small",
    bias_mantissa_bits=Figure(6, "made up"),
    bias_exponent_bits=Figure(4, "made up"),
)


@pytest.mark.parametrize("name", BIASES)
def test_from_torch__biases_are_trained_in_the_register_of_a_chip_of_ones_own(name, tmp_path):
    model = biased(1, **BIASES[name])
    quantize(model, chip=SMALL)
    spikes = spikes_for(model, steps=100)
    assert equal_in_the_engine(model, spikes, chip=SMALL)
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    assert again.output.grid == model.output.grid
    assert equal_in_the_engine(again, spikes, chip=SMALL)
    quantize(model)
    with pytest.raises(ConversionError, match=r"bias: trained .* 13 bits .* small, 6 and 4"):
        from_torch(model, chip=SMALL)


def test_from_torch__records_say_what_the_modules_say():
    network, _ = from_torch(conv_model())
    assert [p.name for p in network.populations] == ["input", "maps", "output"]
    assert [p.shape for p in network.populations] == [(2, 6, 6), (3, 3, 3), (5,)]
    maps, kernels = network.population("maps"), network.projection("kernels")
    assert (maps.current_decay[0], maps.voltage_decay[0]) == (2047, 100)
    assert maps.reset is ResetMode.SUBTRACT
    assert isinstance(kernels, ConvProjection)
    assert (kernels.stride, kernels.padding) == ((2, 2), (1, 1))
    assert isinstance(network.projection("synapses"), DenseProjection)


def test_from_torch__leaves_the_model_as_it_is():
    model = conv_model()
    model.train()
    before = copy.deepcopy(model.state_dict())
    from_torch(model, calibration=spikes_for(model))
    assert model.training
    assert model.output.grid is None
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_from_torch__report_compares_what_ran():
    model = dense_model((30, 40, 5))
    spikes = spikes_for(model)
    labels = np.arange(12) % 5
    network, report = from_torch(model, calibration=(spikes, labels))
    before = recorded(model, spikes)
    run = simulate(network, spikes, n_steps=15)
    was, now = decide(before["output"]), decide(run.raster("output"))
    assert report.n_samples == 12
    assert report.accuracy_before == (was == labels).mean()
    assert report.accuracy_after == (now == labels).mean()
    assert report.decisions_changed == (was != now).mean()
    for layer in report.layers:
        wanted, fired = before[layer.population], run.raster(layer.population)
        assert layer.choice is GridChoice.CALIBRATED
        assert layer.rate_before == wanted.mean()
        assert layer.rate_after == fired.mean()
        matched = 2 * (wanted & fired).sum() / (wanted.sum() + fired.sum())
        assert layer.spike_agreement == pytest.approx(matched)
        assert 0.9 < layer.spike_agreement <= 1


def test_from_torch__report_measures_the_weights():
    model = dense_model((30, 40, 5), threshold=0.5)
    network, report = from_torch(model)
    layer = report.layers[0]
    projection = network.projection("to_hidden")
    assert layer.weight_exponent == projection.weight_exponent
    assert layer.threshold == network.population("hidden").threshold[0]
    units = projection.weights * 2.0**layer.weight_exponent / layer.threshold
    errors = np.abs(units - model.to_hidden.weight.detach().numpy() / 0.5)
    assert layer.largest_rounding_error == pytest.approx(errors.max(), rel=1e-6)
    assert layer.mean_rounding_error == pytest.approx(errors.mean(), rel=1e-6)
    assert layer.largest_rounding_error <= 0.5 * layer.step * (1 + 1e-9)
    assert layer.saturated_share == 0
    assert report.n_samples == 0
    assert any("not compared" in note for note in report.notes)


def test_from_torch__calibration_tames_an_outlier():
    model = dense_model((30, 40, 5), gain=3.0)
    with torch.no_grad():
        model.to_hidden.weight[3, 4] = -20.0
    spikes = spikes_for(model)
    before = recorded(model, spikes)["hidden"]
    mismatch = {}
    for name, data in (("covering", None), ("calibrated", spikes)):
        network, report = from_torch(model, calibration=data)
        fired = simulate(network, spikes, n_steps=15).raster("hidden")
        mismatch[name] = (fired != before).sum()
    assert mismatch["calibrated"] < mismatch["covering"]
    assert report.layers[0].saturated_share > 0


def test_from_torch__warns_of_a_current_that_can_wrap():
    model = dense_model((600, 4), gain=0.0, current_decay=0, threshold=1.0)
    nn.init.constant_(model.to_output.weight, 0.5)
    _, report = from_torch(model)
    assert report.layers[0].largest_current > 1
    assert any("output: the current can wrap" in note for note in report.notes)


def test_from_torch__takes_a_plain_sequential():
    modules = [nn.Flatten(), nn.Dropout(), nn.Linear(6, 3, bias=False), CubaLif(**NEURON)]
    network, _ = from_torch(nn.Sequential(*modules), input_shape=(2, 3))
    assert [p.name for p in network.populations] == ["input", "3"]
    assert network.population("input").shape == (2, 3)
    with pytest.raises(ShapeError, match="input_shape"):
        from_torch(nn.Sequential(*modules))


def test_from_torch__is_exposed_without_importing_torch_first():
    assert conversions.from_torch is from_torch


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ([nn.Linear(4, 2, bias=False), nn.ReLU()], r"no layer of neurons .* 1 \(ReLU\); supported"),
        (
            [nn.Linear(4, 2), nn.ReLU(), CubaLif(**NEURON)],
            r"1 \(ReLU\): relu; it is on the way to the neurons '2' \(CubaLif\). Supported",
        ),
    ],
)
def test_from_torch__refuses_by_path_and_says_what_is_supported(modules, message):
    with pytest.raises(ConversionError, match=message):
        from_torch(nn.Sequential(*modules), input_shape=(1, 4, 4))


def test_from_torch__refuses_what_is_no_model():
    with pytest.raises(ConversionError, match=r"no layer of neurons .* model \(Linear\)"):
        from_torch(nn.Linear(2, 2))
    with pytest.raises(TypeMismatchError, match=r"from_torch.model: int; an nn.Module"):
        from_torch(3)
    with pytest.raises(TypeMismatchError, match=r"OrderedDict; .* \(weights alone do not say"):
        from_torch(nn.Linear(2, 2).state_dict())


def test_from_torch__refuses_a_name_that_is_taken():
    model = SpikingNetwork(nn.Linear(2, 2, bias=False))
    model.add_module("input", CubaLif(**NEURON))
    with pytest.raises(NameClashError, match="input"):
        from_torch(model)


def test_from_torch__refuses_a_network_that_the_chip_cannot_hold():
    model = dense_model((5000, 2))
    with pytest.raises(ConversionError, match=r"does not fit Loihi 1: output.sources"):
        from_torch(model, chip=LOIHI1)


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        (np.zeros((3, 12), bool), "shape"),
        (np.zeros((3, 5, 11), bool), "shape"),
        (np.zeros((0, 5, 12), bool), "shape"),
        (np.full((3, 5, 12), 2), "other than 0 and 1"),
        (np.full((3, 5, 12), np.nan), "other than 0 and 1"),
        (np.full((3, 5, 12), "1"), "other than 0 and 1"),
        ((np.zeros((3, 5, 12), bool), [0, 1]), "labels"),
        ((np.zeros((3, 5, 12), bool), [0.0, 1.0, 2.0]), "labels"),
    ],
)
def test_from_torch__refuses_calibration_data_that_do_not_fit(calibration, message):
    with pytest.raises(InputError, match=f"calibration: .*{message}"):
        from_torch(dense_model(), calibration=calibration)


def test_conversion_report__is_plain_in_json_and_complete_in_text():
    model = dense_model()
    spikes = spikes_for(model)
    _, report = from_torch(model, calibration=(spikes, np.zeros(12, int)))
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["layers"][0]["population"] == "hidden"
    assert plain["layers"][0]["choice"] == "calibrated"
    headings, *rows = report.rows()
    assert len(rows) == 2
    assert {len(row) for row in rows} == {len(headings)}
    assert report.table().row_count == len(headings) - 1
    assert len(report.table().columns) == 3
    assert all(heading in str(report) for heading in headings)
    assert any("before" in line for line in report.summary())
    assert all(note in report.summary() for note in report.notes)
