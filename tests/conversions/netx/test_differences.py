"""What SLAYER and netx do differently, one by one, and what is refused."""

import h5py
import numpy as np
import pytest
import torch

from conversions import NetxMeaning, from_netx, to_netx
from hw_models import (
    ConversionError,
    DenseProjection,
    FixedPointNetwork,
    LifPopulation,
    NetworkFileError,
    ResetMode,
    SparseProjection,
    same_record,
)
from ssdp_neuro import simulate
from tests.conversions.netx.networks import chain, images
from tests.conversions.netx.netx_run import run_netx
from tests.conversions.netx.slayer_models import NEURON, Net, block, digits, slayer

TRAINED, LOADED = NetxMeaning


def exported(path, *blocks, image=False, seed=0, batches=12):
    """A model with random weights and what it normalizes by; its file."""
    torch.manual_seed(seed)
    model = Net(*blocks, image=image)
    with torch.no_grad():
        for _ in range(batches):
            model.each(digits()[0][:32])
        for one in model.modules():
            if hasattr(one, "running_mean"):  # a negative bias: no neuron fires by itself
                one.running_mean.abs_().add_(0.1)
    model.rasters(digits()[0][:1])
    return model, model.export(path / "model.net")


def changed(path, **values):
    """The same file with other values; None to take one away."""
    with h5py.File(path, "r+") as file:
        for name, value in values.items():
            place = name.replace("__", "/")
            if place in file:
                del file[place]
            if value is not None:
                file[place] = value
    return path


def spikes_of(network, image=False):
    spikes = digits()[0][-4:].reshape(4, -1, *((1, 8, 8) if image else (64,)))
    n_steps = spikes.shape[1]
    run = simulate(network, spikes, n_steps=n_steps)
    return spikes, [run.raster(population.name) for population in network.neurons]


def notes_of(report):
    return " ".join(report.notes)


@pytest.fixture
def plain(tmp_path):
    """A dense layer, with nothing special."""
    return exported(tmp_path, block.Dense(NEURON, 64, 20, weight_scale=3))[1]


def test_from_netx__delays_of_a_convolution(tmp_path):
    neuron = {**NEURON, "norm": slayer.neuron.norm.MeanOnlyBatchNorm}
    model, path = exported(
        tmp_path,
        block.Conv(neuron, 1, 3, 3, weight_scale=4, delay=True),
        block.Conv(NEURON, 3, 4, 3, weight_scale=4),
        block.Pool(NEURON, 2, weight_scale=1.1),
        image=True,
    )
    with torch.no_grad():
        model.blocks[0].delay.delay.copy_(torch.tensor([2.5, 0.5, 3.0]))
    model.export(path)
    network, report = from_netx(path, input_shape=(1, 8, 8))
    assert "its delays, which netx drops, are kept" in notes_of(report)
    assert set(network.projections[1].delays.tolist()) == {0, 2, 3}
    spikes, rasters = spikes_of(network, image=True)
    made = model.rasters(spikes.reshape(4, -1, 64))
    assert made[2].any()
    assert (rasters[1] == made[1]).all()
    assert (rasters[2] == made[2]).all()
    with pytest.raises(ConversionError, match=r"layer 2 \(pool\): netx has no pooling"):
        from_netx(path, input_shape=(1, 8, 8), meaning=LOADED)
    changed(path, layer__2=None)
    network, report = from_netx(path, input_shape=(1, 8, 8), meaning=LOADED)
    assert "netx drops its delays" in notes_of(report)
    spikes, rasters = spikes_of(network, image=True)
    in_lava = run_netx(path, spikes[0], (1, 8, 8))
    assert in_lava[1].any()
    assert all((ours[0] == lava).all() for ours, lava in zip(rasters, in_lava, strict=True))


@pytest.mark.parametrize("has_bias", [False, True])
def test_from_netx__delays_of_the_last_layer(has_bias, tmp_path):
    norm = slayer.neuron.norm.MeanOnlyBatchNorm if has_bias else None
    model, path = exported(
        tmp_path, block.Dense({**NEURON, "norm": norm}, 64, 20, weight_scale=3, delay=True)
    )
    with torch.no_grad():
        model.blocks[0].delay.delay.copy_(torch.arange(20) / 5)
    model.export(path)
    network, _ = from_netx(path)
    assert [p.name for p in network.neurons] == ["dense0", *["dense0 delayed"] * has_bias]
    spikes, rasters = spikes_of(network)
    (made,) = model.rasters(spikes)
    assert made.any()
    assert (rasters[-1][:, has_bias:] == made[:, : made.shape[1] - has_bias]).all()
    loaded, _ = from_netx(path, meaning=LOADED)
    spikes, rasters = spikes_of(loaded)
    assert (rasters[0][0] == run_netx(path, spikes[0])[0]).all()


@pytest.mark.parametrize("decay", [1.0, 0.3])
def test_from_netx__a_normalization_by_a_power_of_two(decay, tmp_path):
    neuron = {**NEURON, "current_decay": decay, "norm": slayer.neuron.norm.WgtScaleBatchNorm}
    model, path = exported(tmp_path, block.Dense(neuron, 64, 20, weight_scale=0.5), batches=30)
    network, report = from_netx(path)
    assert network.projections[0].weight_exponent > 0
    assert "which netx ignores" in notes_of(report)
    assert ("rounded" in " ".join(report.notes[1:])) == (decay != 1.0)
    spikes, rasters = spikes_of(network)
    (made,) = model.rasters(spikes)
    assert made.any()
    differing = (rasters[0] != made).mean()
    assert differing == 0 if decay == 1.0 else differing < 0.002
    assert from_netx(path, weight_exp_bits=0)[0].projections[0].weight_exponent == 0
    loaded, report = from_netx(path, meaning=LOADED)
    assert "netx ignores it" in notes_of(report)
    spikes, rasters = spikes_of(loaded)
    assert (rasters[0][0] == run_netx(path, spikes[0])[0]).all()


def test_from_netx__feedback_with_delays(tmp_path):
    _, path = exported(tmp_path, block.Recurrent(dict(NEURON), 64, 20, weight_scale=2))
    delays = np.arange(20) % 4
    changed(path, layer__0__delay=delays)
    network, report = from_netx(path)
    assert "its delays are kept as SLAYER has them" in notes_of(report)
    assert network.projection("dense_rec0->dense_rec0").delays is None
    with pytest.raises(ConversionError, match="delays of 64 inputs to the feedback of 20 neurons"):
        from_netx(path, meaning=LOADED)
    square = np.random.default_rng(0).integers(-10, 20, (20, 20)) * 2
    changed(path, layer__0__weight=square)
    loaded, report = from_netx(path, meaning=LOADED)
    assert "drops the exponent" in notes_of(report)
    spikes = np.random.default_rng(1).random((20, 20)) < 0.3
    raster = simulate(loaded, spikes[None], n_steps=20).raster("dense_rec0")[0]
    (in_lava,) = run_netx(path, spikes)
    assert in_lava.any()
    assert (raster == in_lava).all()


def test_from_netx__a_bias_that_fires_at_once(plain):
    changed(plain, layer__0__bias=np.repeat([65, 64], 10))
    network, report = from_netx(plain)
    assert "the bias of 10 of its neurons makes them fire at once" in notes_of(report)
    spikes = np.zeros((1, 3, 64), dtype=bool)
    raster = simulate(network, spikes, n_steps=3).raster("dense0")[0]
    assert raster[0].tolist() == [True] * 10 + [False] * 10
    loaded, report = from_netx(plain, meaning=LOADED)
    assert len(report.notes) == 1
    raster = simulate(loaded, spikes, n_steps=3).raster("dense0")[0]
    assert (raster == run_netx(plain, spikes[0])[0]).all()


def test_from_netx__refractory_delay(plain):
    changed(plain, layer__0__neuron__refDelay=4)
    network, report = from_netx(plain)
    assert network.neurons[0].refractory == 3
    assert "refDelay 4 is kept" in notes_of(report)
    network, report = from_netx(plain, meaning=LOADED)
    assert network.neurons[0].refractory == 0
    assert "refDelay 4; netx ignores it" in notes_of(report)


def test_from_netx__delays_beyond_those_of_netx(plain):
    changed(plain, layer__0__delay=np.full(64, 63))
    assert (from_netx(plain)[0].projections[0].delays == 63).all()
    loaded, report = from_netx(plain, meaning=LOADED)
    assert (loaded.projections[0].delays == 62).all()
    assert "netx clamps them to 62" in notes_of(report)
    changed(plain, layer__0__delay=np.full(64, 64))
    with pytest.raises(ConversionError, match=r"layer 0 \(dense\).delay: 64..64; 0..63"):
        from_netx(plain)


def test_from_netx__neurons_of_the_input(tmp_path):
    input_neuron = {**NEURON, "current_decay": 1.0, "threshold": 0.3}
    model, path = exported(
        tmp_path,
        block.Input(input_neuron, weight=0.4, bias=0.1),
        block.Dense(NEURON, 64, 20, weight_scale=3),
    )
    network, _ = from_netx(path)
    assert [p.name for p in network.neurons] == ["input neurons", "dense1"]
    spikes, rasters = spikes_of(network)
    for raster, made in zip(rasters, model.rasters(spikes), strict=True):
        assert made.any()
        assert (raster == made).all()
    assert from_netx(path, meaning=LOADED)[1].shifts == {
        "input": 0,
        "input neurons": 1,
        "dense1": 1,
    }
    changed(path, layer__0__neuron__iDecay=2000)
    with pytest.raises(ConversionError, match="iDecay 4096"):
        from_netx(path)


@pytest.mark.parametrize("has_neurons", [True, False])
def test_from_netx__an_affine_readout(has_neurons, tmp_path):
    model, path = exported(
        tmp_path,
        block.Dense(NEURON, 64, 20, weight_scale=3),
        block.Affine(NEURON, 20, 5, weight_scale=3, dynamics=has_neurons),
    )
    network, _ = from_netx(path)
    spikes = digits()[0][-4:]
    model.rest()
    with torch.no_grad():
        made = model.each(spikes)[-1].movedim(-1, 1).double().numpy() * 64 * 64
    n_steps = spikes.shape[1]
    run = simulate(network, spikes, n_steps=n_steps, probes=[("dense1", "v")])
    assert made.any()
    assert (run.probe("dense1", "v")[:, 1:] == made[:, : n_steps - 1]).all()
    assert network.neurons[1].threshold.tolist() == [131071]


REFUSED = {
    "type": ({"layer__0__type": np.array([b"average"])}, "type 'average'; supported are input"),
    "neuron": ({"layer__0__neuron__type": b"SDNN"}, "neurons of type 'SDNN'; supported are CUBA"),
    "graded": ({"layer__0__neuron__gradedSpike": True}, "gradedSpike"),
    "decay": ({"layer__0__neuron__iDecay": 0}, "neuron/iDecay: 0; 1..4096"),
    "fraction": ({"layer__0__weight": np.full((20, 64), 0.5)}, "weight: 0.5 at index (0, 0)"),
    "range": ({"layer__0__weight": np.full((20, 64), 999)}, "weights 999..999 times 2**0"),
    "missing": ({"layer__0__weight": None}, "'weight' is missing"),
    "shape": ({"layer__0__weight": np.ones((7, 64))}, "shape (7, 64); (20, inputs)"),
    "complex": ({"layer__0__weight": None, "layer__0__weight__real": 1}, "complex weights"),
    "unknown": ({"layer__0__neuron__scaleRef": 1}, "neuron/scaleRef is not known"),
    "exponent": ({"layer__0__neuron__wgtExp": 2}, "neuron/wgtExp: 2; netx does not use it"),
    "delays": ({"layer__0__delay": np.ones(3)}, "3 delays; 20 (neurons), 64 (inputs), 1 or"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_from_netx__refuses(name, plain):
    values, words = REFUSED[name]
    with pytest.raises(ConversionError) as refused:
        from_netx(changed(plain, **values))
    assert words in str(refused.value)
    assert str(refused.value).startswith("layer 0")


def test_from_netx__leaves_out_what_only_training_uses_and_says_so(plain):
    before, _ = from_netx(plain)
    fields = {f"layer__0__neuron__{name}": 1 for name in ("scaleRho", "tauRho")}
    after, report = from_netx(changed(plain, **fields, layer__0__neuron__wgtExp=0))
    assert "neuron/scaleRho, neuron/tauRho are of the training only" in " ".join(report.notes)
    for one, other in zip(before.neurons, after.neurons, strict=True):
        assert (one.threshold == other.threshold).all()
        assert (one.voltage_decay == other.voltage_decay).all()


def test_from_netx__needs_the_shape_of_images(tmp_path):
    _, path = exported(tmp_path, block.Conv(NEURON, 1, 3, 3), image=True, batches=1)
    with pytest.raises(ConversionError, match="no input layer; input_shape is needed"):
        from_netx(path)
    with pytest.raises(ConversionError, match=r"\(1, H, W\) is needed"):
        from_netx(path, input_shape=(2, 8, 8))


def test_from_netx__refuses_files_of_other_kinds(tmp_path):
    path = tmp_path / "x.net"
    path.write_bytes(b"no")
    with pytest.raises(NetworkFileError, match="not a readable netx file"):
        from_netx(path)
    with h5py.File(path, "w") as file:
        file["other"] = 1
    with pytest.raises(NetworkFileError, match="without netx's group 'layer'"):
        from_netx(path)
    with h5py.File(path, "w") as file:
        file["layer/1/type"] = b"dense"
    with pytest.raises(NetworkFileError, match=r"1; groups 0, 1, \.\.\. are needed"):
        from_netx(path)
    with h5py.File(path, "w") as file:
        file["layer/0"] = h5py.ExternalLink("elsewhere.h5", "/x")
    with pytest.raises(NetworkFileError, match="is a link"):
        from_netx(path)


def _with(network, **settings):
    hidden = network.population("hidden")
    fields = {name: getattr(hidden, name) for name in hidden.__dataclass_fields__}
    return network.replace(LifPopulation(**{**fields, **settings}))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (lambda: _with(chain(), reset=ResetMode.SUBTRACT), "hidden.reset: ResetMode.SUBTRACT"),
        (lambda: _with(chain(), refractory=2), "hidden.refractory: 2"),
        (lambda: _with(chain(), v=[0, 9, 0, 0]), "hidden.v: does not begin from 0"),
        (lambda: _with(chain(), u=-1), "hidden.u: does not begin from 0"),
        (lambda: _with(chain(), bias_mantissa=3), "hidden: bias 3; netx has multiples of 64"),
        (lambda: chain(weights=[[0, 0], [0, 0]]), "in: all weights are 0, on which netx fails"),
        (lambda: chain(delays=True).replace(
            DenseProjection(source="out", target="out", weights=np.eye(3, dtype=int) * 8,
                            delays=np.ones((3, 3), dtype=int))), "netx has no delays in a layer"),
        (lambda: FixedPointNetwork(populations=chain().populations,
                                   projections=chain().projections[1:2]), "out: not on the way"),
    ],
)  # fmt: skip
def test_to_netx__refuses(network, words, tmp_path):
    with pytest.raises(ConversionError) as refused:
        to_netx(network(), tmp_path / "x.net")
    assert words in str(refused.value)
    assert not (tmp_path / "x.net").exists()


def test_to_netx__lists_of_synapses_and_pooling_as_netx_has_them(tmp_path):
    network = chain(recurrent=False)
    dense = network.projection("in")
    post, pre = np.nonzero(dense.weights)
    sparse = SparseProjection(source="pixels", target="hidden", pre=pre, post=post,
                              weights=dense.weights[post, pre], name="in")  # fmt: skip
    notes = to_netx(network.replace(sparse), tmp_path / "x.net")
    assert notes == ("in: listed synapses are written as a full matrix.",)
    assert same_record(from_netx(tmp_path / "x.net")[0], network)
    assert to_netx(images(), tmp_path / "x.net") == ()


def test_from_netx__damaged_attributes_are_refused_or_left_out(tmp_path):
    network = images()
    for value in (np.zeros(0), np.array([1.5]), "x", np.array([2**40]), np.array([-1])):
        for name in ("shape", "weight_exponent", "bias_mantissa", "bias_exponent"):
            to_netx(network, tmp_path / "x.net")
            with h5py.File(tmp_path / "x.net", "r+") as file:
                file["layer/1"].attrs[f"ssdp_neuro {name}"] = value
            read, _ = from_netx(tmp_path / "x.net")
            assert (read.population("maps").bias == network.population("maps").bias).all()
