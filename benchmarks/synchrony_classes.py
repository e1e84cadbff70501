"""Classes that differ only in which inputs fire together, learned by every rule; a made task.

100 inputs fire exactly once in 40 steps, each at any time; 20 of them, another 20 for each class,
fire in the same step (with jitter), which is any step too. So neither counts nor single latencies
say anything of the class. Five leaky neurons of the chip with 8-bit weights read it.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.few_shot_study.stdp import StdpParams, stdp_update
from hw_models import (
    DaSsdpParams,
    DenseProjection,
    EpropParams,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    Rounding,
    ThirdFactor,
)
from ssdp_neuro import Teaching, data, learn, simulate
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.engine.simulator import Simulator
from ssdp_neuro.engine.third_factors import winner
from ssdp_neuro.rules import DaSsdp, SadpParams

N_INPUTS, N_STEPS, N_CLASSES, N_TOGETHER = 100, 40, 5, 20
LAST = N_STEPS - 4  # no input fires later, so that every spike is felt
N_TEST, EPOCHS = 200, 12
WEIGHT_UNIT = 1 / 64
FLAT = 1e6


class SynchronyTask:
    """Spikes of all samples, bool ``(samples, N_STEPS, N_INPUTS)``, and their labels."""

    def __init__(self, seed: int, *, shots: int = 5, jitter: float = 1.0) -> None:
        self.rng = np.random.default_rng(seed)
        self.together = np.stack(
            [self.rng.permutation(N_INPUTS)[:N_TOGETHER] for _ in range(N_CLASSES)]
        )
        self.labels = np.arange(shots * N_CLASSES) % N_CLASSES
        self.test_labels = np.arange(N_TEST) % N_CLASSES
        self.latencies = self._draw(self.labels, jitter)
        self.test_latencies = self._draw(self.test_labels, jitter)

    def _draw(self, labels: np.ndarray, jitter: float) -> np.ndarray:
        latencies = self.rng.integers(0, LAST, (len(labels), N_INPUTS))
        for row, label in zip(latencies, labels, strict=True):
            drawn = self.rng.normal(self.rng.integers(4, LAST - 4), jitter, N_TOGETHER)
            row[self.together[label]] = np.rint(drawn).clip(0, LAST - 1)
        return latencies


def spikes_of(latencies: np.ndarray) -> np.ndarray:
    """One spike of an input at its latency."""
    return latencies[:, None, :] == np.arange(N_STEPS)[:, None]


def network(seed: int, threshold: int, rule: Any = None) -> FixedPointNetwork:
    """All inputs to one neuron a class; the same first weights for a seed."""
    neurons = LifPopulation(
        name="out", shape=(N_CLASSES,), current_decay=4095, voltage_decay=2048, threshold=threshold
    )
    weights = np.random.default_rng(seed).integers(0, 12, (N_CLASSES, N_INPUTS))
    synapses = DenseProjection(source="in", target="out", weights=weights, plasticity=rule)
    return FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(N_INPUTS,)), neurons],
        projections=[synapses],
    )


def tested(learned: FixedPointNetwork, task: SynchronyTask) -> float:
    """Share of the test samples that are right."""
    run = simulate(learned, spikes_of(task.test_latencies), N_STEPS)
    return accuracy(decide(run.raster("out")), task.test_labels)


def ssdp_rule(
    amplitude: float, sigma: float, third_factor: ThirdFactor, warm_up: int = 0
) -> DaSsdpParams:
    """SSDP in integers, latencies of 6 bits."""
    rule = DaSsdp(a_plus=amplitude, a_baseline=0.0, sigma=sigma, n_steps=N_STEPS)
    params, _ = rule.to_fixed(
        latency_bits=6,
        weight_unit=WEIGHT_UNIT,
        rounding=Rounding.STOCHASTIC,
        third_factor=third_factor,
        teacher_latency=N_STEPS // 2 if third_factor is ThirdFactor.TEACHER else 0,
        warm_up=warm_up,
    )
    return params


def error_gated(
    task: SynchronyTask,
    seed: int,
    *,
    threshold: int,
    amplitude: float,
    sigma: float = 1.0,
    shuffled: bool = False,
) -> float:
    """SSDP gated by the teacher's error; or with a flat kernel, or from shuffled latencies."""
    rule = ssdp_rule(amplitude, sigma, ThirdFactor.TEACHER)
    seen = task.rng.permuted(task.latencies, axis=1) if shuffled else task.latencies
    told = Teaching(labels=task.labels, seed=seed, epochs=EPOCHS)
    made = network(seed, threshold, rule)
    return tested(learn(made, spikes_of(seen), told, n_steps=N_STEPS).network, task)


def ungated(task: SynchronyTask, seed: int, *, threshold: int, amplitude: float) -> float:
    """SSDP without a third factor; neurons get the class that they were most active in."""
    made = network(seed, threshold, ssdp_rule(amplitude, 1.0, ThirdFactor.CONSTANT))
    told = Teaching(seed=seed, epochs=EPOCHS)
    return by_class(learn(made, spikes_of(task.latencies), told, n_steps=N_STEPS).network, task)


def dopamine_gated(task: SynchronyTask, seed: int, *, threshold: int, amplitude: float) -> float:
    """DA-SSDP: a gate fitted to synchrony and loss on the samples shown first."""
    n = len(task.labels)
    made = network(seed, threshold, ssdp_rule(amplitude, 1.0, ThirdFactor.DOPAMINE, n))
    counts = simulate(made, spikes_of(task.latencies), N_STEPS).spike_counts("out").astype(int)
    own = counts[np.arange(n), task.labels]
    counts[np.arange(n), task.labels] = -1
    told = Teaching(losses=counts.max(1) - own, seed=seed, epochs=EPOCHS + 1)
    return by_class(learn(made, spikes_of(task.latencies), told, n_steps=N_STEPS).network, task)


def by_class(learned: FixedPointNetwork, task: SynchronyTask) -> float:
    """Share that is right where each neuron stands for the class of most of its spikes."""
    shown = simulate(learned, spikes_of(task.latencies), N_STEPS).spike_counts("out")
    spikes = np.stack([shown[task.labels == c].sum(0) for c in range(N_CLASSES)])
    run = simulate(learned, spikes_of(task.test_latencies), N_STEPS)
    decided = decide(run.raster("out"))
    return accuracy(np.where(decided < 0, -1, spikes.argmax(0)[decided]), task.test_labels)


def label_gates(counts: np.ndarray, first: np.ndarray, label: int) -> np.ndarray:
    """The teacher's error of error-gated SSDP: +1, -1 or 0 for each neuron."""
    gates = np.where((counts > 0) & (counts >= counts[label]), -1, 0)
    gates[label] = 0 if winner(counts, first) == label else 1
    return gates


def reward_gates(counts: np.ndarray, first: np.ndarray, label: int) -> np.ndarray:
    """A reward for the neuron that acted."""
    gates, acted = np.zeros(N_CLASSES, dtype=int), winner(counts, first)
    if acted >= 0:
        gates[acted] = 1 if acted == label else -1
    return gates


Update = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]


def by_trains(
    task: SynchronyTask, seed: int, threshold: int, update: Update, gates: Callable[..., np.ndarray]
) -> float:
    """Rules of spike trains: the engine runs a sample, then ``update`` changes ``(post, pre)``."""
    # a plastic projection keeps its weights where they can be changed
    rule = ssdp_rule(0.1, 1.0, ThirdFactor.CONSTANT)
    simulator = Simulator(network(seed, threshold, rule), n_threads=1, own_weights=True)
    weights, spikes = simulator.plastic_weights("in->out"), spikes_of(task.latencies)
    for seen in range(EPOCHS * len(spikes)):
        place = seen % len(spikes)
        run = simulator.run(spikes[place], n_steps=N_STEPS, progress=False)
        post = run.raster("out")
        gate = gates(run.spike_counts("out"), run.first_spikes("out"), task.labels[place])
        weights[:, :N_CLASSES] = update(weights[:, :N_CLASSES].T, spikes[place], post, gate, seen).T
    return tested(simulator.current_network(), task)


def stdp(
    task: SynchronyTask,
    seed: int,
    *,
    threshold: int,
    shift: int,
    time_constant: float = 2.0,
    depression: int = 60,
    gates: Callable[..., np.ndarray] = label_gates,
) -> float:
    """Pair STDP of all spikes, with the same gates or a reward."""
    params = StdpParams(
        potentiation=128, depression=depression, time_constant=time_constant, shift=shift
    )

    def update(weights, pre, post, gate, seen):
        made = weights.T
        for sign in (1, -1):
            key = {"gate": 128 * sign, "seed": seed, "sample": 2 * seen + (sign < 0)}
            made = stdp_update(made, params, pre, post & (gate == sign), **key)
        return made.T

    return by_trains(task, seed, threshold, update, gates)


def sadp(
    task: SynchronyTask, seed: int, *, threshold: int, shift: int, bin_width: int = 2
) -> float:
    """SADP with the same gates: agreement of whole trains, towards or away from it."""
    params = SadpParams(potentiation=255, depression=60, shift=shift, bin_width=bin_width)

    def update(weights, pre, post, gate, seen):
        moved = params.update(weights, pre, post, seed=seed, sample=seen).astype(int) - weights
        return np.clip(weights + moved * gate[:, None], -128, 127)

    return by_trains(task, seed, threshold, update, label_gates)


def eprop(
    task: SynchronyTask, seed: int, *, threshold: int, shift: int, psi_shift: int, wanted: int
) -> float:
    """Integer e-prop of the readout, in the engine."""
    rule = EpropParams(
        shift=shift, wanted=wanted, decay_shift=1, impulse=64, psi_shift=psi_shift, psi_levels=8
    )
    told = Teaching(labels=task.labels, seed=seed, epochs=EPOCHS)
    made = network(seed, threshold, rule)
    return tested(learn(made, spikes_of(task.latencies), told, n_steps=N_STEPS).network, task)


def prototypes(task: SynchronyTask, seed: int) -> float:
    """Nearest mean of the latencies."""
    means = np.stack([task.latencies[task.labels == c].mean(0) for c in range(N_CLASSES)])
    distance = ((task.test_latencies[:, None] - means) ** 2).sum(2)
    return float(np.mean(distance.argmin(1) == task.test_labels))


def offline(task: SynchronyTask, seed: int, *, learning_rate: float) -> float:
    """Surrogate gradients through time on the same samples, in real numbers."""
    from ssdp_neuro.training import config_of, feed_forward, fit

    model = feed_forward(
        (N_INPUTS, N_CLASSES), seed=seed, gain=1.0, current_decay=4095, voltage_decay=2048
    )
    shown = data.from_arrays(spikes_of(task.latencies), task.labels)
    config = config_of(
        {
            "optimizer": {"learning_rate": learning_rate, "weight_decay": 0.01},
            "training": {"epochs": 60, "batch_size": 5, "seed": seed, "threads": 1},
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit(config, model=model, data=shown, show_progress=False)
    return accuracy(model.decide(spikes_of(task.test_latencies)), task.test_labels)


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule at work on the task: how it learns, and what is tried for its constants."""

    learn: Callable[..., float]
    candidates: tuple[dict[str, Any], ...] = ({},)


def grid(**lists: Any) -> tuple[dict[str, Any], ...]:
    """All combinations."""
    made: list[dict[str, Any]] = [{}]
    for name, values in lists.items():
        made = [{**one, name: value} for one in made for value in values]
    return tuple(made)


THRESHOLDS = (40, 60)
AMPLITUDES = grid(threshold=(*THRESHOLDS, 90), amplitude=(0.03, 0.06, 0.12))
RULES = {
    "error-gated SSDP": Rule(error_gated, AMPLITUDES),
    "the same, flat kernel": Rule(error_gated, tuple({**c, "sigma": FLAT} for c in AMPLITUDES)),
    "the same, shuffled latencies": Rule(
        error_gated, tuple({**c, "shuffled": True} for c in AMPLITUDES)
    ),
    "SSDP, no third factor": Rule(ungated, AMPLITUDES),
    "DA-SSDP": Rule(dopamine_gated, AMPLITUDES),
    "SADP, label gates": Rule(sadp, grid(threshold=THRESHOLDS, shift=(13, 14, 15))),
    "pair STDP, label gates": Rule(stdp, grid(threshold=THRESHOLDS, shift=(21, 22, 23))),
    "reward-modulated STDP": Rule(
        stdp, grid(threshold=THRESHOLDS, shift=(21, 22, 23), gates=(reward_gates,))
    ),
    "e-prop": Rule(
        eprop, grid(threshold=(40, 90), shift=(13, 15), psi_shift=(8, 10), wanted=(15, 60))
    ),
    "prototypes of latencies": Rule(prototypes),
    "offline, surrogate gradients": Rule(offline, grid(learning_rate=(0.01, 0.02))),
}
