import numpy as np
import pytest
import torch

from hw_models import RangeError, ShapeError, TypeMismatchError
from ssdp_neuro.rules import eprop


def test_van_rossum_gradient__is_that_of_the_distance():
    """By differences, over spikes as if they were real numbers."""
    rng = np.random.default_rng(0)
    spikes, targets = rng.random((2, 30, 3)) < 0.2
    error = eprop.van_rossum_error(spikes, targets, 0.8)
    # a spike of step t acts on the traces of all later steps
    later = np.triu(0.8 ** np.abs(np.subtract.outer(np.arange(30), np.arange(30))))
    exact = later @ error
    for step, neuron in [(0, 0), (10, 1), (29, 2)]:
        ends = []
        for sign in (1, -1):
            moved = spikes.astype(float)
            moved[step, neuron] += sign
            ends.append(eprop.van_rossum_distance(moved, targets, 0.8))
        assert np.isclose(exact[step, neuron], (ends[0] - ends[1]) / 2, rtol=1e-12)


def test_filtered_eligibility__equals_the_exact_signal():
    """The filter on e or, turned in time, on L: the same sum."""
    rng = np.random.default_rng(1)
    neuron = eprop.AdaptiveLif()
    run = eprop.run_neurons(neuron, rng.normal(0.3, 0.3, (3, 5)), rng.random((40, 5)) < 0.3)
    targets = rng.random(run.spikes.shape) < 0.1
    error = eprop.van_rossum_error(run.spikes, targets, 0.7)
    exact = eprop.filtered(error[::-1], 0.7)[::-1]
    found = eprop.gradient(neuron, run, error, kappa=0.7)
    assert np.allclose(found, eprop.gradient(neuron, run, exact), rtol=1e-10)


def test_class_error__is_what_autograd_says():
    rng = np.random.default_rng(2)
    weights, spikes = rng.normal(size=(4, 6)), rng.random((5, 20, 6)) < 0.3
    labels = rng.integers(0, 4, 5)
    outputs = eprop.leaky_readout(weights, spikes, 0.9)
    matrix = torch.tensor(weights, requires_grad=True)
    same = eprop.leaky_readout(matrix, torch.tensor(spikes, dtype=torch.float64), 0.9)
    assert np.allclose(outputs, same.detach().numpy(), rtol=1e-12)
    wanted = torch.tensor(labels)[:, None].expand(-1, 20)
    torch.nn.functional.cross_entropy(
        same.reshape(-1, 4), wanted.reshape(-1), reduction="sum"
    ).backward()
    errors = eprop.output_errors(outputs, labels)
    assert np.allclose(eprop.readout_gradient(errors, spikes, 0.9), matrix.grad, rtol=1e-9)
    assert np.allclose(eprop.class_error(outputs, labels, weights), errors @ weights)
    assert np.allclose(eprop.output_errors(1e4 * outputs, labels).sum(-1), 0.0)  # no overflow


def test_feedback__is_symmetric_random_or_becomes_the_readout():
    rng = np.random.default_rng(3)
    readout = rng.normal(0.0, 0.2, (5, 50))
    symmetric = eprop.feedback_weights("symmetric", readout)
    assert (symmetric == readout).all()
    symmetric[0, 0] = 9
    assert readout[0, 0] != 9
    drawn = eprop.feedback_weights(eprop.Feedback.RANDOM, readout, seed=1)
    assert (drawn == eprop.feedback_weights("random", readout, seed=1)).all()
    assert (drawn != eprop.feedback_weights("random", readout, seed=2)).all()
    assert 0.15 < drawn.std() < 0.25
    tensor = eprop.feedback_weights("random", torch.from_numpy(readout), seed=1)
    assert np.allclose(tensor, drawn)
    back = eprop.feedback_weights("adaptive", readout, seed=1)
    for _ in range(400):
        change = rng.normal(0.0, 0.01, readout.shape)
        readout = eprop.adapted_feedback(readout, change, 0.02)
        back = eprop.adapted_feedback(back, change, 0.02)
    assert np.abs(readout - back).max() < 1e-3


def test_signals__have_the_sign_of_too_many_spikes():
    spikes = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert (eprop.spike_error(spikes, spikes[::-1]) == [[1, -1], [-1, 1]]).all()
    assert (eprop.constant_signal(-1, spikes) == -1).all()
    batch = np.stack([spikes, spikes])
    signal = eprop.reward_signal([2.0, 0.5], 1.0, batch)
    assert signal[:, 0, 0].tolist() == [-1.0, 0.5]
    assert signal.shape == batch.shape


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: eprop.filtered([[1.0]], 1.0), RangeError),
        (lambda: eprop.spike_error([[1.0]], [[1.0], [0.0]]), ShapeError),
        (lambda: eprop.output_errors([[1.0, 2.0]], 2), RangeError),
        (lambda: eprop.output_errors(np.zeros((2, 3, 4)), [0]), ShapeError),
        (lambda: eprop.class_error(np.zeros((3, 4)), 0, np.zeros((3, 2))), ShapeError),
        (lambda: eprop.feedback_weights("mirrored", [[1.0]]), TypeMismatchError),
        (lambda: eprop.adapted_feedback([1.0], [1.0], 1.0), RangeError),
        (lambda: eprop.reward_signal([1.0, 2.0], 0.0, np.zeros((3, 4, 2))), ShapeError),
        (lambda: eprop.leaky_readout([[1.0]], np.zeros((3, 2)), 0.5), ShapeError),
    ],
)
def test_bad_values__are_refused(make, error):
    with pytest.raises(error):
        make()
