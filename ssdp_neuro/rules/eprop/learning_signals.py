"""Learning signals of e-prop: the derivative of an error by each spike, as far as is known then.

All are ``(..., T, n)``, positive where there should be fewer spikes.

References
----------
Bellec et al., Nat. Commun. 11, 2020; van Rossum, Neural Comput. 13(4), 2001.
"""

from __future__ import annotations

from typing import Any

from hw_models import RangeError, ShapeError
from hw_models.arrays import integer_array
from ssdp_neuro.rules.eprop.array_kind import (
    functions_of,
    is_tensor,
    real_values,
    same_kind,
    stacked,
    zeros,
)


def spike_error(spikes: Any, targets: Any) -> Any:
    """Error in each step: spikes less those wanted, ``(..., T, n)``.

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError
    """
    return _difference(spikes, targets)


def filtered(values: Any, kappa: float) -> Any:
    """Exponential trace along time, ``y <- kappa y + value``; same shape.

    Parameters
    ----------
    values : real, shape (..., T, n)
    kappa
        Share that remains after a step, 0 to below 1.

    Examples
    --------
    >>> filtered([[1], [0], [1]], 0.5)[:, 0].tolist()
    [1.0, 0.5, 1.25]
    """
    _check_kappa(kappa)
    given = real_values("values", values, 2)
    trace: Any = 0.0
    steps = []
    for step in range(given.shape[-2]):
        trace = kappa * trace + given[..., step, :]
        steps.append(trace)
    return stacked(steps)


def van_rossum_error(spikes: Any, targets: Any, kappa: float) -> Any:
    """Difference of the two filtered trains, ``(..., T, n)``.

    With the same ``kappa`` for the eligibility, :func:`gradient` then gives the gradient of
    :func:`van_rossum_distance` as e-prop sees it; without, an approximation that learns as well.
    """
    return filtered(_difference(spikes, targets), kappa)


def van_rossum_distance(spikes: Any, targets: Any, kappa: float) -> Any:
    """Half the summed square of that difference, ``(...)``."""
    return 0.5 * (van_rossum_error(spikes, targets, kappa) ** 2).sum(-1).sum(-1)


def leaky_readout(weights: Any, spikes: Any, kappa: float) -> Any:
    """Outputs that integrate spikes and do not fire, ``(..., T, n_outputs)``.

    Parameters
    ----------
    weights : real, shape (n_outputs, n)
    spikes : real, shape (..., T, n)
    kappa
        Share of an output that remains after a step.
    """
    matrix, given = real_values("weights", weights, 2), real_values("spikes", spikes, 2)
    same_kind("weights and spikes", matrix, given)
    if matrix.ndim != 2 or matrix.shape[1] != given.shape[-1]:
        raise ShapeError(
            f"weights: shape {tuple(matrix.shape)}; (n_outputs, {given.shape[-1]}) is needed"
        )
    return filtered(given @ matrix.T, kappa)


def readout_gradient(errors: Any, spikes: Any, kappa: float) -> Any:
    """Gradient by the weights of :func:`leaky_readout`, ``(n_outputs, n)``, exact.

    Parameters
    ----------
    errors : real, shape (..., T, n_outputs)
        Derivative of the error by each output, as :func:`output_errors` gives for classes.
    spikes : real, shape (..., T, n)
    """
    wrong, traces = real_values("errors", errors, 2), filtered(spikes, kappa)
    same_kind("errors and spikes", wrong, traces)
    if wrong.shape[:-1] != traces.shape[:-1]:
        raise ShapeError(f"errors: shape {tuple(wrong.shape)}; {traces.shape[:-1]} come before n")
    flat = wrong.reshape(-1, wrong.shape[-1])
    return flat.T @ traces.reshape(-1, traces.shape[-1])


def output_errors(outputs: Any, labels: Any) -> Any:
    """Derivative of the cross-entropy of each step by its outputs: softmax less the one wanted.

    Parameters
    ----------
    outputs : real, shape (..., T, n_classes)
    labels : integers, shape (...)

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError
    """
    given = real_values("outputs", outputs, 2)
    n_classes = given.shape[-1]
    plain = labels.cpu().numpy() if is_tensor(labels) else labels
    wanted = integer_array("labels", plain, 0, n_classes - 1, "int64")
    if wanted.shape != tuple(given.shape[:-2]):
        raise ShapeError(f"labels: shape {wanted.shape}; {tuple(given.shape[:-2])} is needed")
    functions = functions_of(given)
    # the largest is taken off: exponentials of large numbers overflow
    powers = functions.exp(given - functions.amax(given, -1)[..., None])
    one_hot = zeros(given, *wanted.shape, n_classes).reshape(-1, n_classes)
    for row, label in enumerate(wanted.reshape(-1).tolist()):
        one_hot[row, label] = 1.0
    return powers / powers.sum(-1)[..., None] - one_hot.reshape(*wanted.shape, 1, n_classes)


def class_error(outputs: Any, labels: Any, feedback: Any) -> Any:
    """Errors of the outputs in each step, sent back to the neurons, ``(..., T, n)``.

    Parameters
    ----------
    outputs, labels
        As for :func:`output_errors`.
    feedback : real, shape (n_classes, n)
        Of :func:`ssdp_neuro.rules.eprop.feedback_weights`.
    """
    errors, matrix = output_errors(outputs, labels), real_values("feedback", feedback, 2)
    same_kind("feedback and outputs", matrix, errors)
    if matrix.ndim != 2 or matrix.shape[0] != errors.shape[-1]:
        raise ShapeError(f"feedback: shape {tuple(matrix.shape)}; ({errors.shape[-1]}, n)")
    return errors @ matrix


def constant_signal(value: float, spikes: Any) -> Any:
    """The same in all steps; -1 says "more of this". Shape of the spikes."""
    given = real_values("spikes", spikes, 2)
    return zeros(given, *given.shape) + real_values("value", value)[()].item()


def reward_signal(rewards: Any, expected: Any, spikes: Any) -> Any:
    """Reward of a sample less what was expected, for all its steps and neurons, sign turned.

    Parameters
    ----------
    rewards, expected : real, shape (...)
        One for each sample, and the running mean that it is compared with.
    spikes : real, shape (..., T, n)
    """
    given = real_values("spikes", spikes, 2)
    surprise = real_values("rewards", rewards) - real_values("expected", expected)
    if tuple(surprise.shape) not in {(), tuple(given.shape[:-2])}:
        raise ShapeError(
            f"rewards: shape {tuple(surprise.shape)}; one number or {tuple(given.shape[:-2])}"
        )
    same_kind("rewards and spikes", surprise, given)
    return zeros(given, *given.shape) - surprise[..., None, None]


def _difference(spikes: Any, targets: Any) -> Any:
    given, wanted = real_values("spikes", spikes, 2), real_values("targets", targets, 2)
    same_kind("spikes and targets", given, wanted)
    if given.shape != wanted.shape:
        raise ShapeError(f"targets: shape {tuple(wanted.shape)}; {tuple(given.shape)} is needed")
    return given - wanted


def _check_kappa(kappa: float) -> None:
    if not 0 <= kappa < 1:
        raise RangeError(f"kappa: {kappa}; allowed 0 to below 1")
