"""Classes that differ in nothing but when their inputs fire, and what the rule learns of them.

Every input fires once in each sample (some at random not at all), so neither counts nor who fired
tells the classes apart. The task is made for the rule: it shows what a kernel of latencies is for,
not how often real data are so. Its constants were chosen on seeds 100 to 102.
"""

from __future__ import annotations

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


class LatencyTask:
    """Latencies of all samples, int ``(samples, inputs)``; ``N_STEPS`` where an input is silent.

    An input's mean latency is any in each class or, with ``fine``, any within one half of the time
    that all classes share.
    """

    def __init__(self, seed: int, *, fine: bool = False, jitter: float = JITTER) -> None:
        self.rng = np.random.default_rng(seed)
        self.means = self.rng.uniform(0, LAST, (N_CLASSES, N_INPUTS))
        if fine:
            self.means = HALF * self.rng.integers(0, 2, N_INPUTS) + self.means * 0.4
        self.train_labels = np.arange(N_TRAIN) % N_CLASSES
        self.test_labels = np.arange(N_TEST) % N_CLASSES
        self.train, self.test = (
            self._draw(labels, jitter) for labels in (self.train_labels, self.test_labels)
        )

    def _draw(self, labels: np.ndarray, jitter: float) -> np.ndarray:
        drawn = np.rint(self.rng.normal(self.means[labels], jitter)).clip(0, LAST)
        return np.where(self.rng.random(drawn.shape) < LOST, N_STEPS, drawn).astype(int)


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
    rule: DaSsdpParams, seed: int, *, threshold: int = 120, voltage_decay: int = 256
) -> FixedPointNetwork:
    """All inputs to one neuron a class, with small random weights to begin with."""
    neurons = LifPopulation(
        name="classes",
        shape=(N_CLASSES,),
        current_decay=4095,
        voltage_decay=voltage_decay,
        threshold=threshold,
    )
    weights = np.random.default_rng(seed).integers(0, 6, (N_CLASSES, N_INPUTS))
    return FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(N_INPUTS,)), neurons],
        projections=[
            DenseProjection(source="in", target="classes", weights=weights, plasticity=rule)
        ],
    )


def learned_accuracy(
    seed: int,
    *,
    fine: bool = False,
    jitter: float = JITTER,
    shuffled: bool = False,
    threshold: int = 120,
    voltage_decay: int = 256,
    **rule: float,
) -> float:
    """Share of the test samples that are right after learning on the chip.

    Parameters
    ----------
    seed
        Of the task, the first weights and the stochastic rounding.
    fine, jitter
        Of the task.
    shuffled
        Whether the latencies of each training sample are dealt to its inputs anew.
    threshold, voltage_decay
        Of the neurons.
    rule
        Of :func:`latency_rule`.
    """
    task = LatencyTask(seed, fine=fine, jitter=jitter)
    train = task.rng.permuted(task.train, axis=1) if shuffled else task.train
    params = latency_rule(**rule)  # type: ignore[arg-type]
    learned = learn(
        latency_network(params, seed, threshold=threshold, voltage_decay=voltage_decay),
        latency_spikes(train),
        Teaching(labels=task.train_labels, seed=seed, epochs=EPOCHS),
        n_steps=N_STEPS,
    )
    run = simulate(learned.network, latency_spikes(task.test), n_steps=N_STEPS)
    return accuracy(decide(run.raster("classes")), task.test_labels)


def ridge_accuracy(
    seed: int, *, latencies: bool = False, fine: bool = False, jitter: float = JITTER
) -> float:
    """The same of ridge regression in real numbers on who fired, or on when."""
    task = LatencyTask(seed, fine=fine, jitter=jitter)
    seen = [part / N_STEPS if latencies else part < N_STEPS for part in (task.train, task.test)]
    train, test = (np.column_stack([part, np.ones(len(part))]).astype(float) for part in seen)
    square = train.T @ train + 0.1 * np.eye(N_INPUTS + 1)
    weights = np.linalg.solve(square, train.T @ np.eye(N_CLASSES)[task.train_labels])
    return float(np.mean((test @ weights).argmax(1) == task.test_labels))
