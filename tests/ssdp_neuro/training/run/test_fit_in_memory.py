"""Training on arrays, with no folder and no part to choose or measure by."""

import dataclasses

import numpy as np
import pytest
import torch

from hw_models import LOIHI2, SsdpError
from hw_models.chips import Figure
from ssdp_neuro.data import from_arrays
from ssdp_neuro.training import TrainingError, config_of, fit, quantize
from ssdp_neuro.training.networks.stages import weight_of
from tests.ssdp_neuro.training.models import dense_model


def toy(seed=0, samples=120, steps=10):
    """Three classes, each with its own four of twelve inputs busy."""
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % 3
    rates = np.where(np.arange(12)[None] // 4 == labels[:, None], 0.6, 0.1)
    return rng.random((samples, steps, 12)) < rates[:, None], labels


def quick(model, spikes, labels, *, seed=0, learning_rate=6e-3):
    config = config_of(
        {
            "optimizer": {"learning_rate": learning_rate},
            "training": {"epochs": 10, "batch_size": 32, "seed": seed, "threads": 1},
        }
    )
    return fit(config, model=model, data=from_arrays(spikes, labels), show_progress=False)


def test_fit__a_data_set_alone_is_all_trained_on():
    unseen = toy(seed=1)
    result = quick(dense_model((12, 30, 3)), *toy(), learning_rate=2e-2)
    assert result.test_accuracy is None
    assert result.validation_accuracy is None
    assert len(result.history) == 10
    assert result.history[-1].loss < 0.5 * result.history[0].loss
    assert (result.model.decide(unseen[0]) == unseen[1]).mean() > 0.9
    assert result.to_dict()["test_accuracy"] is None


@pytest.mark.parametrize("rate_epochs", [0, 10])
def test_fit__learns_in_mixed_precision(rate_epochs):
    """PyTorch keeps weights in half precision until the outermost autocast ends."""
    config = config_of(
        {
            "model": {"hidden": [30], "voltage_decay": 0, "latency": 0},
            "optimizer": {"learning_rate": 2e-2},
            "training": {"epochs": 10, "amp": True, "rate_epochs": rate_epochs, "threads": 1},
        }
    )
    history = fit(config, data=from_arrays(*toy()), show_progress=False).history
    assert history[-1].loss < 0.5 * history[0].loss


def test_fit__same_seed_same_weights_in_memory():
    weights = []
    for seed in (0, 0, 1):
        model = dense_model((12, 8, 3))
        torch.manual_seed(np.random.default_rng().integers(2**31))  # must not matter
        quick(model, *toy(), seed=seed)
        weights.append(weight_of(model.to_hidden))
    assert (weights[0] == weights[1]).all()
    assert (weights[0] != weights[2]).any()


def test_fit__trains_a_quantized_model():
    spikes, labels = toy()
    model = dense_model((12, 20, 3))
    quantize(model)
    before = model.to_hidden.weight.detach().clone()
    history = quick(model, spikes, labels, learning_rate=2e-2).history
    assert history[-1].loss < history[0].loss
    assert (model.to_hidden.weight != before).any()
    assert torch.equal(model.to_hidden.weight, model.to_hidden.weight.round())


def test_fit__integer_epochs_have_the_registers_of_the_chip():
    small = dataclasses.replace(LOIHI2, name="small", bias_mantissa_bits=Figure(4, "made up"))
    config = config_of(
        {
            "model": {"hidden": [8], "bias": True, "quantize_from_epoch": 1},
            "training": {"epochs": 2, "threads": 1},
        }
    )
    for chip, bits in ((small, 4), ("loihi2", 13)):
        model = fit(config, data=from_arrays(*toy()), chip=chip, show_progress=False).model
        assert model.hidden.grid.bias_bits == (bits, 3)
    with pytest.raises(SsdpError, match=r"fit.chip: 'loihi3'"):
        fit(config, data=from_arrays(*toy()), chip="loihi3", show_progress=False)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.arange(119) % 3, r"labels \(119,\)"),
        (np.arange(120) / 3, "float64"),
        (np.arange(120) % 4, "gives 3 classes .* has 4"),
        (np.arange(120) % 3 - 1, "label -1 of sample 0"),
        ([], r"label of shape \(0,\)"),
    ],
    ids=["too few", "not integers", "a class too many", "negative", "none"],
)
def test_fit__refuses_labels_that_do_not_fit(labels, words):
    with pytest.raises(SsdpError, match=words):
        quick(dense_model((12, 8, 3)), toy()[0], labels)


def test_fit__stops_at_a_loss_that_is_no_number_in_memory():
    model = dense_model((12, 8, 3))
    model.output = torch.nn.Identity()  # spikes are 0 or 1 whatever the weights, currents not
    with torch.no_grad():
        model.to_output.weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match="loss"):
        quick(model, *toy())


def test_fit__progress_goes_to_stderr(capsys):
    config = config_of({"training": {"epochs": 1, "threads": 1}})
    fit(config, model=dense_model((12, 8, 3)), data=from_arrays(*toy()))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "training" in captured.err
