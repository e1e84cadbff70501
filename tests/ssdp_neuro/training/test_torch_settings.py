"""What the caller has set in PyTorch makes no difference to training."""

import contextlib

import numpy as np
import pytest
import torch

from hw_models import InputError, NetworkFileError
from ssdp_neuro.data import from_arrays
from ssdp_neuro.training import config_of, feed_forward, fit, load_model, recurrent, save_model
from ssdp_neuro.training.run.choices import ModelKind
from tests.ssdp_neuro.training.run.made_runs import (
    N_CLASSES,
    N_INPUTS,
    OwnNetwork,
    toy_config,
    toy_split,
    weights,
)

SHORT = {"training__epochs": 2, "model__quantize_from_epoch": 1}


@contextlib.contextmanager
def double_by_default():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextlib.contextmanager
def on_meta_by_default():
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


SETTINGS = {
    "double": double_by_default,
    "half": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "device": on_meta_by_default,
}


def trained(config, **settings):
    return fit(config, data=toy_split(), show_progress=False, **settings)


@pytest.mark.parametrize("name", SETTINGS)
def test_fit__what_pytorch_is_set_to_makes_no_difference(name, tmp_path):
    config = toy_config(**SHORT, training__device="cpu", model__bias=True)
    usual = trained(config)
    with SETTINGS[name]():
        before = torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()
        result = trained(config, out=tmp_path)
        after = torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()
    assert before == after
    assert weights(result.model) == weights(usual.model)
    assert result.history == usual.history
    assert load_model(tmp_path / "best.safetensors") is not None


@pytest.mark.parametrize("kind", ModelKind)
def test_make_model__the_same_weights_whatever_the_default_type(kind):
    from ssdp_neuro.training.run.model_choice import make_model
    from ssdp_neuro.training.run.settings.model import ModelSettings

    settings = ModelSettings(kind=kind, hidden=(8,))
    usual = make_model(settings, (1, 8, 8), 3, seed=1)
    with double_by_default():
        other = make_model(settings, (1, 8, 8), 3, seed=1)
    assert {p.dtype for p in other.parameters()} == {torch.float32}
    assert weights(other) == weights(usual)


@pytest.mark.parametrize("name", SETTINGS)
def test_fit__in_memory_what_pytorch_is_set_to_makes_no_difference(name):
    data = toy_split().train
    spikes = data.spikes(np.arange(90))

    def made():
        model = recurrent((N_INPUTS, 8, N_CLASSES), gain=3.0, current_decay=4095, voltage_decay=9)
        config = config_of({"training": {"epochs": 2, "batch_size": 32, "threads": 1}})
        fit(config, model=model, data=from_arrays(spikes, data.labels), show_progress=False)
        return weights(model), model.decide(spikes).tolist()

    usual = made()
    with SETTINGS[name]():
        values, decided = made()
    assert values == usual[0]
    assert decided == usual[1]


def test_fit__a_model_of_another_type_is_given_that_type():
    plain = {"rule__kind": "none", "model__quantize_from_epoch": None, "training__epochs": 2}

    class Seen(OwnNetwork):
        def forward(self, spikes):
            assert spikes.dtype == torch.zeros(()).dtype == self.layer.weight.dtype
            return super().forward(spikes)

    model = Seen().double()
    result = trained(toy_config(**plain), model=model)
    assert result.model.layer.weight.dtype == torch.float64
    assert result.history[1].loss < result.history[0].loss


def test_fit__a_network_for_the_chip_is_float32(tmp_path):
    model = feed_forward((N_INPUTS, 8, N_CLASSES), current_decay=4095, voltage_decay=9).double()
    with pytest.raises(InputError, match=r"float64; .*model\.float\(\)"):
        trained(toy_config(**SHORT), model=model)
    with pytest.raises(NetworkFileError, match=r"float64; model\.float\(\) is needed"):
        save_model(model, tmp_path / "m.safetensors")
    spikes = toy_split().test.spikes(np.arange(5))
    assert model.decide(spikes).tolist() == model.float().decide(spikes).tolist()


@pytest.mark.parametrize(("batch_size", "most"), [(7, 7), (30, 30), (500, 256)])
def test_fit__measures_no_more_samples_at_once_than_a_step_has(batch_size, most):
    seen = []

    class Counted(OwnNetwork):
        def forward(self, spikes):
            if not self.training:
                seen.append(len(spikes))
            return super().forward(spikes)

    config = toy_config(
        rule__kind="none",
        model__quantize_from_epoch=None,
        training__epochs=1,
        training__batch_size=batch_size,
    )
    fit(config, data=toy_split(600, validation=300, test=40), model=Counted(), show_progress=False)
    assert sum(seen) == 340
    assert max(seen) == most
