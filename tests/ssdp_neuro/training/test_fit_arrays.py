import numpy as np
import pytest
import torch

from hw_models import InputError, RangeError
from ssdp_neuro.training import fit_arrays, quantize
from ssdp_neuro.training.networks.stages import weight_of
from tests.ssdp_neuro.training.models import dense_model


def toy(seed=0, samples=120, steps=10):
    """Three classes, each with its own four of twelve inputs busy."""
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % 3
    rates = np.where(np.arange(12)[None] // 4 == labels[:, None], 0.6, 0.1)
    return rng.random((samples, steps, 12)) < rates[:, None], labels


def quick(model, spikes, labels, **settings):
    return fit_arrays(model, spikes, labels, epochs=10, show_progress=False, **settings)


def test_fit_arrays__learns_the_toy_and_says_so():
    spikes, labels = toy()
    unseen = toy(seed=1)
    model = dense_model((12, 30, 3))
    history = quick(model, spikes, labels, validation=unseen, learning_rate=2e-2)
    assert len(history.losses) == len(history.accuracies) == 10
    assert history.losses[-1] < 0.5 * history.losses[0]
    assert history.accuracies[-1] > 0.9
    assert (model.decide(unseen[0]) == unseen[1]).mean() == history.accuracies[-1]


def test_fit_arrays__same_seed_same_weights():
    weights = []
    for seed in (0, 0, 1):
        model = dense_model((12, 8, 3))
        torch.manual_seed(np.random.default_rng().integers(2**31))  # must not matter
        quick(model, *toy(), seed=seed)
        weights.append(weight_of(model.to_hidden))
    assert (weights[0] == weights[1]).all()
    assert (weights[0] != weights[2]).any()


def test_fit_arrays__trains_a_quantized_model():
    spikes, labels = toy()
    model = dense_model((12, 20, 3))
    quantize(model)
    before = model.to_hidden.weight.detach().clone()
    history = quick(model, spikes, labels, learning_rate=2e-2)
    assert history.losses[-1] < history.losses[0]
    assert (model.to_hidden.weight != before).any()
    assert torch.equal(model.to_hidden.weight, model.to_hidden.weight.round())


@pytest.mark.parametrize(
    "labels",
    [np.arange(119) % 3, np.arange(120) / 3, np.arange(120) % 4, np.arange(120) % 3 - 1, []],
    ids=["too few", "not integers", "a class too many", "negative", "none"],
)
def test_fit_arrays__refuses_labels_that_do_not_fit(labels):
    with pytest.raises(InputError, match="fit_arrays: label"):
        quick(dense_model((12, 8, 3)), toy()[0], labels)


def test_fit_arrays__stops_at_a_loss_that_is_no_number():
    model = dense_model((12, 8, 3))
    model.output = torch.nn.Identity()  # spikes are 0 or 1 whatever the weights, currents not
    with torch.no_grad():
        model.to_output.weight.fill_(float("nan"))
    with pytest.raises(RangeError, match="loss became nan"):
        quick(model, *toy())


def test_fit_arrays__progress_goes_to_stderr(capsys):
    fit_arrays(dense_model((12, 8, 3)), *toy(), epochs=1, title="a title")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "a title" in captured.err
