"""Classes that differ in nothing but when their inputs fire, and what the rule learns of them.

Every input fires once in each sample (some at random not at all), so neither counts nor who fired
tells the classes apart. The task is made for the rule: it shows what a kernel of latencies is for,
not how often real data are so. Its constants were chosen on seeds 100 to 102.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hw_models import (
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    Rounding,
    ThirdFactor,
)
from ssdp_neuro import Teaching, learn, simulate
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.rules import DaSsdp

N_STEPS, N_INPUTS, N_CLASSES = 112, 64, 3
LAST = N_STEPS - 8  # no input fires later, so that every spike is felt
N_TRAIN, N_TEST, EPOCHS = 30, 150, 3
JITTER, LOST = 3.0, 0.1  # standard deviation in steps; share of spikes
HALF = 64  # steps; a code of one bit tells early from late by it
WEIGHT_UNIT = 1 / 64
SHIFTS = {8: 0, 5: 2, 4: 3, 3: 4, 1: 6}  # steps of a code, as a power of two, by the code's bits
FLAT = 1e6  # a sigma with which every distance counts the same


@dataclass(frozen=True)
class LatencySamples:
    """Latencies int ``(samples, inputs)``, ``N_STEPS`` where an input is silent, and their classes.

    ``rng`` deals latencies to other inputs where they are shuffled.
    """

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    rng: np.random.Generator

    @property
    def n_classes(self) -> int:
        """Classes of the training samples, which have all."""
        return int(self.train_labels.max()) + 1


def latency_task(seed: int, *, fine: bool = False, jitter: float = JITTER) -> LatencySamples:
    """The made task.

    An input's mean latency is any in each class or, with ``fine``, any within one half of the time
    that all classes share.
    """
    rng = np.random.default_rng(seed)
    means = rng.uniform(0, LAST, (N_CLASSES, N_INPUTS))
    if fine:
        means = HALF * rng.integers(0, 2, N_INPUTS) + means * 0.4

    def drawn(labels: np.ndarray) -> np.ndarray:
        steps = np.rint(rng.normal(means[labels], jitter)).clip(0, LAST)
        return np.where(rng.random(steps.shape) < LOST, N_STEPS, steps).astype(int)

    labels, test_labels = np.arange(N_TRAIN) % N_CLASSES, np.arange(N_TEST) % N_CLASSES
    return LatencySamples(drawn(labels), labels, drawn(test_labels), test_labels, rng)


def latency_spikes(latencies: np.ndarray) -> np.ndarray:
    """One spike of an input at its latency, bool ``(samples, N_STEPS, inputs)``."""
    return latencies[:, None, :] == np.arange(N_STEPS)[:, None]


def latency_rule(
    *,
    bits: int = 8,
    sigma: float = 8.0,
    kernel_bits: int = 8,
    amplitude: float = 0.15,
    teacher_latency: int = 60,
) -> DaSsdpParams:
    """Error-gated SSDP in integers; ``amplitude`` in weights of ``1 / WEIGHT_UNIT`` mantissas."""
    rule = DaSsdp(a_plus=amplitude, a_baseline=0.0, sigma=sigma, n_steps=N_STEPS)
    params, _ = rule.to_fixed(
        latency_bits=max(bits, 3),  # the field's least; one bit of it is used at a shift of 6
        latency_shift=SHIFTS[bits],
        weight_unit=WEIGHT_UNIT,
        rounding=Rounding.STOCHASTIC,
        third_factor=ThirdFactor.TEACHER,
        teacher_latency=teacher_latency,
        kernel_bits=kernel_bits,
    )
    return params


def latency_network(
    rule: DaSsdpParams,
    seed: int,
    *,
    threshold: int = 120,
    voltage_decay: int = 256,
    n_classes: int = N_CLASSES,
    n_inputs: int = N_INPUTS,
) -> FixedPointNetwork:
    """All inputs to one neuron a class, with small random weights to begin with."""
    neurons = LifPopulation(
        name="classes",
        shape=(n_classes,),
        current_decay=4095,
        voltage_decay=voltage_decay,
        threshold=threshold,
    )
    weights = np.random.default_rng(seed).integers(0, 6, (n_classes, n_inputs))
    return FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(n_inputs,)), neurons],
        projections=[
            DenseProjection(source="in", target="classes", weights=weights, plasticity=rule)
        ],
    )


def learned_share(
    task: LatencySamples,
    seed: int,
    *,
    shuffled: bool = False,
    threshold: int = 120,
    voltage_decay: int = 256,
    epochs: int = EPOCHS,
    **rule: float,
) -> float:
    """Share of the test samples that are right after learning on the chip.

    Parameters
    ----------
    task
        What is learned and tested.
    seed
        Of the first weights and the stochastic rounding.
    shuffled
        Whether the latencies of each training sample are dealt to its inputs anew.
    threshold, voltage_decay
        Of the neurons.
    epochs
        How often the training samples are shown.
    rule
        Of :func:`latency_rule`.
    """
    train = task.rng.permuted(task.train, axis=1) if shuffled else task.train
    network = latency_network(
        latency_rule(**rule),  # type: ignore[arg-type]
        seed,
        threshold=threshold,
        voltage_decay=voltage_decay,
        n_classes=task.n_classes,
        n_inputs=train.shape[1],
    )
    told = Teaching(labels=task.train_labels, seed=seed, epochs=epochs)
    learned = learn(network, latency_spikes(train), told, n_steps=N_STEPS)
    run = simulate(learned.network, latency_spikes(task.test), n_steps=N_STEPS)
    return accuracy(decide(run.raster("classes")), task.test_labels)


def ridge_share(
    train: np.ndarray,
    train_labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    penalty: float = 0.1,
) -> float:
    """The same of ridge regression in real numbers on values ``(samples, inputs)``."""
    seen, asked = (
        np.column_stack([part, np.ones(len(part))]).astype(float) for part in (train, test)
    )
    square = seen.T @ seen + penalty * np.eye(seen.shape[1])
    wanted = np.eye(int(train_labels.max()) + 1)[train_labels]
    weights = np.linalg.solve(square, seen.T @ wanted)
    return float(np.mean((asked @ weights).argmax(1) == test_labels))


def learned_accuracy(
    seed: int, *, fine: bool = False, jitter: float = JITTER, **settings: float
) -> float:
    """:func:`learned_share` of the made task, drawn from the same seed.

    Parameters
    ----------
    seed
        Of the task too.
    fine, jitter
        Of :func:`latency_task`.
    settings
        Of :func:`learned_share`.
    """
    task = latency_task(seed, fine=fine, jitter=jitter)
    return learned_share(task, seed, **settings)  # type: ignore[arg-type]


def ridge_accuracy(
    seed: int, *, latencies: bool = False, fine: bool = False, jitter: float = JITTER
) -> float:
    """The same of ridge regression in real numbers on who fired, or on when."""
    task = latency_task(seed, fine=fine, jitter=jitter)
    train, test = (
        part / N_STEPS if latencies else part < N_STEPS for part in (task.train, task.test)
    )
    return ridge_share(train, task.train_labels, test, task.test_labels)
