import itertools

import numpy as np
import pytest

from conversions import NetxMeaning, from_netx, to_netx
from hw_models import same_record
from ssdp_neuro import simulate
from tests.conversions.netx.netx_run import run_netx
from tests.conversions.netx.slayer_models import MODELS, N_STEPS, digits, trained

SAMPLES = 6


def spikes_for(model):
    spikes = digits()[0][-SAMPLES:]
    return spikes.reshape(SAMPLES, N_STEPS, 1, 8, 8) if model.image else spikes


def images_first(model, tmp_path):
    """The file, and the input shape that it does not say."""
    model.rasters(digits()[0][:1])  # shapes are known after a run
    shape = (1, 8, 8) if model.image else None
    return model.export(tmp_path / "model.net"), shape


@pytest.mark.parametrize("name", MODELS)
def test_from_netx__spikes_as_the_blocks_of_slayer(name, tmp_path):
    model = trained(name)
    path, shape = images_first(model, tmp_path)
    network, report = from_netx(path, input_shape=shape)
    spikes = spikes_for(model)
    run = simulate(network, spikes, n_steps=N_STEPS)
    made = model.rasters(spikes.reshape(SAMPLES, N_STEPS, 64))
    assert len(made) == len(network.neurons)
    for population, block, expected in zip(
        network.neurons, _with_neurons(model), made, strict=True
    ):
        assert expected.any()
        steps = _delays(block, population)
        for sample, neuron in itertools.product(range(SAMPLES), range(population.n_neurons)):
            sent = run.raster(population.name)[sample, : N_STEPS - steps[neuron], neuron]
            assert (sent == expected[sample, steps[neuron] :, neuron]).all()
    assert report.shifts == dict.fromkeys((p.name for p in network.populations), 0)


def _with_neurons(model):
    return [one for one in model.blocks if getattr(one, "neuron", None) is not None]


def _delays(block, population):
    """Steps by which a block's own spikes are late, which is in the next synapses here."""
    if block.delay is None:
        return np.zeros(population.n_neurons, dtype=int)
    steps = np.floor(block.delay.delay.detach().numpy()).astype(int)
    assert steps.any()
    return np.repeat(steps, population.n_neurons // len(steps))


@pytest.mark.parametrize("name", MODELS)
def test_from_netx__spikes_as_netx_in_lava(name, tmp_path):
    model = trained(name)
    path, shape = images_first(model, tmp_path)
    network, _ = from_netx(path, input_shape=shape, meaning=NetxMeaning.AS_LOADED)
    spikes = spikes_for(model)
    spikes = spikes.reshape(2, 3 * N_STEPS, *spikes.shape[2:])  # samples follow each other
    run = simulate(network, spikes, n_steps=3 * N_STEPS)
    for sample in range(2):
        rasters = run_netx(path, spikes[sample], shape)
        assert [raster.any() for raster in rasters].count(True) == len(network.neurons)
        for population, raster in zip(network.neurons, rasters, strict=True):
            assert (run.raster(population.name)[sample] == raster).all()


@pytest.mark.parametrize("name", MODELS)
def test_to_netx__gives_back_the_records_and_loads_in_netx(name, tmp_path):
    model = trained(name)
    path, shape = images_first(model, tmp_path)
    network, _ = from_netx(path, input_shape=shape, meaning=NetxMeaning.AS_LOADED)
    written = tmp_path / "written.net"
    assert to_netx(network, written) == ()
    again, _ = from_netx(written)
    assert same_record(again, network)
    spikes = spikes_for(model)[:1]
    run = simulate(network, spikes, n_steps=N_STEPS)
    rasters = run_netx(written, spikes[0], None)
    for population, raster in zip(network.neurons, rasters, strict=True):
        assert (run.raster(population.name)[0] == raster).all()
