import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from hw_models import MissingFileError, NetworkFileError, ResetMode
from ssdp_neuro.training import (
    Adaptation,
    ArcTangent,
    CubaLif,
    DelayedLinear,
    DelayWindow,
    Lif,
    MultiGaussian,
    SpikingNetwork,
    Triangular,
    load_model,
    quantize,
    save_model,
)
from tests.ssdp_neuro.training.models import conv_model, dense_model, spikes_for


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("make", [dense_model, conv_model])
def test_checkpoint__a_loaded_model_is_the_same(tmp_path, make, quantized):
    model = make(threshold=0.3, surrogate=ArcTangent(3.0))
    if quantized:
        quantize(model)
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert str(loaded) == str(model)
    assert loaded.output.surrogate == ArcTangent(3.0)
    assert loaded.output.grid == model.output.grid
    assert (loaded.output.grid is not None) == quantized
    for one, other in zip(loaded.parameters(), model.parameters(), strict=True):
        assert torch.equal(one, other)
        assert one.requires_grad
    spikes = spikes_for(model)
    assert torch.equal(loaded(spikes), model(spikes))


def test_checkpoint__every_layer_kind_survives(tmp_path):
    model = SpikingNetwork(
        nn.Identity(),
        nn.Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), dilation=1, groups=2),
        CubaLif(current_decay=7, voltage_decay=9, threshold=2.5, reset=ResetMode.SUBTRACT),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(24, 3),
        CubaLif(current_decay=1, voltage_decay=2),
        input_shape=(4, 4, 4),
    )
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert str(loaded) == str(model)
    assert loaded.input_shape == (4, 4, 4)
    assert torch.equal(loaded[5].bias, model[5].bias)


def rich_model():
    torch.manual_seed(1)
    return SpikingNetwork(
        OrderedDict(
            to_hidden=DelayedLinear(6, 5, delays=[3, 0, 2, 1, 0, 63]),
            hidden=CubaLif(
                current_decay=[0, 10, 2000, 4095, 7],
                voltage_decay=300,
                refractory=2,
                latency=0,
                detach_reset=True,
                learn_current_decay=True,
                bias=[0.1, 0.2, -0.1, 0.0, 0.3],
                recurrent=DelayedLinear(5, 5, delays=np.arange(25).reshape(5, 5) % 4),
                surrogate=MultiGaussian(gain=0.5),
            ),
            to_output=nn.Linear(5, 3, bias=False),
            output=Lif(
                voltage_decay=100,
                learn_voltage_decay=True,
                recurrent=DelayedLinear(
                    3,
                    3,
                    delays=[[0.2], [1.7], [4.0]],
                    learned=True,
                    longest=4,
                    window=DelayWindow.TRIANGULAR,
                ),
                surrogate=Triangular(height=0.3),
            ),
        ),
        input_shape=(6,),
    )


@pytest.mark.parametrize("quantized", [False, True])
def test_checkpoint__everything_a_layer_can_have_survives(tmp_path, quantized):
    model = rich_model()
    if quantized:
        quantize(model)
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert str(loaded.hidden) == str(model.hidden)
    assert str(loaded.output.recurrent) == str(model.output.recurrent)
    for one, other in zip(loaded.parameters(), model.parameters(), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(loaded.buffers(), model.buffers(), strict=True):
        assert torch.equal(one, other)
    for name in ("refractory", "latency", "detach_reset", "surrogate", "grid"):
        assert getattr(loaded.hidden, name) == getattr(model.hidden, name)
        assert getattr(loaded.output, name) == getattr(model.output, name)
    spikes = spikes_for(model)
    fired = model.eval()(spikes)
    assert model.record(spikes)["hidden"].sum() > 0
    assert torch.equal(loaded(spikes), fired)


def test_checkpoint__an_adaptive_threshold_survives(tmp_path):
    model = dense_model(adaptation=Adaptation(kept=0.5, strength=0.3))
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.hidden.adaptation == Adaptation(kept=0.5, strength=0.3)


def test_load_model__reads_the_first_version(tmp_path):
    path, metadata, tensors = stored(tmp_path)
    model = json.loads(metadata["model"])
    names = {"name", "kind", "current_decay", "voltage_decay", "threshold", "reset"}
    assert set(model["layers"][1]) == names | {"surrogate", "grid"}
    save_file(tensors, path, metadata={**metadata, "version": "1"})
    spikes = spikes_for(dense_model())
    assert torch.equal(load_model(path)(spikes), dense_model()(spikes))


def test_save_model__refuses_a_layer_it_cannot_store(tmp_path):
    model = SpikingNetwork(nn.Linear(2, 2), nn.Tanh(), CubaLif(current_decay=1, voltage_decay=1))
    with pytest.raises(NetworkFileError, match="1: Tanh cannot be stored"):
        save_model(model, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def stored(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(dense_model(), path)
    with safe_open(path, framework="pt") as file:
        return path, file.metadata(), load_file(path)


def test_load_model__refuses_truncated_missing_and_foreign_files(tmp_path):
    path, _, tensors = stored(tmp_path)
    whole = path.read_bytes()
    for size in (0, 7, 100, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(NetworkFileError, match="not a readable safetensors file"):
            load_model(path)
    with pytest.raises(MissingFileError, match=r"none\.safetensors: no such file"):
        load_model(tmp_path / "none.safetensors")
    save_file(tensors, path)
    with pytest.raises(NetworkFileError, match="format None in the metadata"):
        load_model(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda meta, model, tensors: meta.update(version="4"),
            "version '4'; .* 1, 2 and 3",
        ),
        (lambda meta, model, tensors: model.update(layers=3), "damaged model"),
        (lambda meta, model, tensors: model.pop("input_shape"), "input_shape"),
        (lambda meta, model, tensors: model["layers"][0].update(kind="RNN"), "unknown kind 'RNN'"),
        (lambda meta, model, tensors: model["layers"][0].update(out_features=10**9), "size mism"),
        (lambda meta, model, tensors: model["layers"][1].update(current_decay=-1), "current_decay"),
        (lambda meta, model, tensors: model["layers"][1].update(reset="MAYBE"), "MAYBE"),
        (lambda meta, model, tensors: model["layers"][1].update(grid={"threshold": 0}), "grid|arg"),
        (lambda meta, model, tensors: tensors.pop("to_hidden.weight"), "to_hidden.weight"),
        (lambda meta, model, tensors: tensors["to_hidden.weight"].fill_(torch.inf), "finite"),
        (lambda meta, model, tensors: tensors.update(extra=torch.zeros(1)), "extra"),
    ],
)
def test_load_model__names_the_damage(tmp_path, change, message):
    path, metadata, tensors = stored(tmp_path)
    model = json.loads(metadata["model"])
    change(metadata, model, tensors)
    save_file(tensors, path, metadata={**metadata, "model": json.dumps(model)})
    with pytest.raises(NetworkFileError, match=message):
        load_model(path)
