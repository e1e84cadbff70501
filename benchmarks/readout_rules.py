"""A readout that learns by each rule of the table: inputs straight to one neuron a class.

Each function takes a :class:`ReadoutTask`, a seed and the rule's constants; it returns what has
learned, which its :class:`Rule` reads. All see the same samples in the same order, from the same
first weights of 8 bits.
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
    ResetEligibility,
    Rounding,
    ThirdFactor,
)
from ssdp_neuro import Teaching, data, learn, simulate
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.engine.simulator import Simulator
from ssdp_neuro.engine.third_factors import winner
from ssdp_neuro.rules import DaSsdp, SadpParams

WEIGHT_UNIT = 1 / 64
FLAT = 1e6


class ReadoutTask:
    """Samples to learn from and others to test.

    Parameters
    ----------
    spikes, test_spikes : bool ``(samples, T, inputs)``
    labels, test_labels : int ``(samples,)``
    stages
        What is added to the shift of every change, and for how many epochs.
    voltage_decay, first_weights
        Of the neurons; the lowest first weight, and what is above the highest.
    rng
        Of what is shuffled.
    """

    def __init__(
        self,
        spikes: np.ndarray,
        labels: np.ndarray,
        test_spikes: np.ndarray,
        test_labels: np.ndarray,
        *,
        stages: tuple[tuple[int, int], ...],
        voltage_decay: int,
        first_weights: tuple[int, int],
        rng: np.random.Generator,
    ) -> None:
        self.spikes, self.labels = spikes, labels
        self.test_spikes, self.test_labels = test_spikes, test_labels
        self.stages, self.voltage_decay, self.rng = stages, voltage_decay, rng
        self.first_weights = first_weights
        self.n_steps, self.n_inputs = spikes.shape[1:]
        self.n_classes = int(labels.max()) + 1

    def shuffled(self) -> np.ndarray:
        """The samples with trains exchanged between the inputs that fire, at random."""
        made = self.spikes.copy()
        for sample in made:
            fired = np.flatnonzero(sample.any(0))
            sample[:, fired] = sample[:, self.rng.permutation(fired)]
        return made


def network(
    task: ReadoutTask, seed: int, threshold: int, rule: Any = None, **neuron: Any
) -> FixedPointNetwork:
    """All inputs to one neuron a class; the same first weights for a seed."""
    neurons = LifPopulation(
        name="out",
        shape=(task.n_classes,),
        current_decay=4095,
        voltage_decay=task.voltage_decay,
        threshold=threshold,
        **neuron,
    )
    size = task.n_classes, task.n_inputs
    weights = np.random.default_rng(seed).integers(*task.first_weights, size)
    synapses = DenseProjection(source="in", target="out", weights=weights, plasticity=rule)
    return FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(task.n_inputs,)), neurons],
        projections=[synapses],
    )


def tested(learned: FixedPointNetwork, task: ReadoutTask) -> float:
    """Share of the test samples that are right."""
    run = simulate(learned, task.test_spikes, task.n_steps)
    return accuracy(decide(run.raster("out")), task.test_labels)


def ssdp_rule(
    n_steps: int, amplitude: float, sigma: float, third_factor: ThirdFactor, warm_up: int = 0
) -> DaSsdpParams:
    """SSDP in integers, latencies of 6 bits."""
    rule = DaSsdp(a_plus=amplitude, a_baseline=0.0, sigma=sigma, n_steps=n_steps)
    params, _ = rule.to_fixed(
        latency_bits=6,
        weight_unit=WEIGHT_UNIT,
        rounding=Rounding.STOCHASTIC,
        third_factor=third_factor,
        teacher_latency=n_steps // 2 if third_factor is ThirdFactor.TEACHER else 0,
        warm_up=warm_up,
    )
    return params


def error_gated(
    task: ReadoutTask,
    seed: int,
    *,
    threshold: int,
    amplitude: float,
    sigma: float = 1.0,
    shuffled: bool = False,
) -> FixedPointNetwork:
    """SSDP gated by the teacher's error; or with a flat kernel, or from shuffled latencies."""
    rule = ssdp_rule(task.n_steps, amplitude, sigma, ThirdFactor.TEACHER)
    seen = task.shuffled() if shuffled else task.spikes
    made = network(task, seed, threshold, rule)
    return in_stages(task, made, seen, seed, labels=task.labels)


def in_stages(
    task: ReadoutTask, made: FixedPointNetwork, seen: np.ndarray, seed: int, **told: Any
) -> FixedPointNetwork:
    """The engine's rule of a network on all samples, in all stages."""
    (synapses,) = made.projections
    rule: Any = synapses.plasticity  # type: ignore[union-attr]
    fitted: Any = None
    next_sample = 0
    for slower, epochs in task.stages:
        warm_up = getattr(rule, "warm_up", 0) > 0 and fitted is None
        given = {"dopamine": fitted} if fitted else told
        slow = dataclasses.replace(rule, shift=rule.shift + slower)
        synapses = dataclasses.replace(made.projections[0], plasticity=slow)  # type: ignore[call-arg]
        teaching = Teaching(**given, seed=seed, epochs=epochs + warm_up, first_sample=next_sample)
        result = learn(made.replace(synapses), seen, teaching, n_steps=task.n_steps, progress=False)
        made, next_sample = result.network, result.next_sample
        fitted = dict(result.dopamine) if warm_up else fitted
    return made


def ungated(
    task: ReadoutTask, seed: int, *, threshold: int, amplitude: float, sigma: float = 1.0
) -> FixedPointNetwork:
    """SSDP without a third factor."""
    rule = ssdp_rule(task.n_steps, amplitude, sigma, ThirdFactor.CONSTANT)
    return in_stages(task, network(task, seed, threshold, rule), task.spikes, seed)


def dopamine_gated(
    task: ReadoutTask, seed: int, *, threshold: int, amplitude: float, sigma: float = 1.0
) -> FixedPointNetwork:
    """DA-SSDP: a gate fitted to synchrony and loss on the samples shown first."""
    rule = ssdp_rule(task.n_steps, amplitude, sigma, ThirdFactor.DOPAMINE, len(task.labels))
    made = network(task, seed, threshold, rule)
    losses = losses_of(made, task.spikes, task.labels)
    return in_stages(task, made, task.spikes, seed, losses=losses)


def losses_of(made: FixedPointNetwork, spikes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Spikes of the best rival less those of the label's neuron, for each sample."""
    counts = simulate(made, spikes, spikes.shape[1]).spike_counts("out").astype(int)
    rows = np.arange(len(labels))
    own = counts[rows, labels]
    counts[rows, labels] = -1
    return np.asarray(counts.max(1) - own)


def by_class(learned: FixedPointNetwork, task: ReadoutTask) -> float:
    """Share that is right where each neuron stands for the class of most of its spikes."""
    shown = simulate(learned, task.spikes, task.n_steps).spike_counts("out")
    spikes = np.stack([shown[task.labels == c].sum(0) for c in range(task.n_classes)])
    run = simulate(learned, task.test_spikes, task.n_steps)
    decided = decide(run.raster("out"))
    return accuracy(np.where(decided < 0, -1, spikes.argmax(0)[decided]), task.test_labels)


def label_gates(counts: np.ndarray, first: np.ndarray, label: int) -> np.ndarray:
    """The teacher's error of error-gated SSDP: +1, -1 or 0 for each neuron."""
    gates = np.where((counts > 0) & (counts >= counts[label]), -1, 0)
    gates[label] = 0 if winner(counts, first) == label else 1
    return gates


def reward_gates(counts: np.ndarray, first: np.ndarray, label: int) -> np.ndarray:
    """A reward for the neuron that acted."""
    gates, acted = np.zeros(len(counts), dtype=int), winner(counts, first)
    if acted >= 0:
        gates[acted] = 1 if acted == label else -1
    return gates


# of weights (post, pre), both ends' spikes, gates, the sample's number and the stage's shift
Update = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int], np.ndarray]


def by_trains(
    task: ReadoutTask,
    seed: int,
    threshold: int,
    update: Update,
    gates: Callable[..., np.ndarray],
    forced: bool = False,
) -> FixedPointNetwork:
    """Rules of spike trains: the engine runs a sample, then ``update`` changes ``(post, pre)``.

    ``forced``: a silent neuron whose weights shall rise is taken to fire at half time, as by the
    teacher of error-gated SSDP.
    """
    # a plastic projection keeps its weights where they can be changed
    rule = ssdp_rule(task.n_steps, 0.1, 1.0, ThirdFactor.CONSTANT)
    simulator = Simulator(network(task, seed, threshold, rule), n_threads=1, own_weights=True)
    weights, spikes, n = simulator.plastic_weights("in->out"), task.spikes, task.n_classes
    slower = [added for added, epochs in task.stages for _ in range(epochs * len(spikes))]
    for seen, added in enumerate(slower):
        place = seen % len(spikes)
        run = simulator.run(spikes[place], n_steps=task.n_steps, progress=False)
        post = run.raster("out")
        gate = gates(run.spike_counts("out"), run.first_spikes("out"), task.labels[place])
        if forced:
            post[task.n_steps // 2, (gate > 0) & ~post.any(0)] = True
        weights[:, :n] = update(weights[:, :n].T, spikes[place], post, gate, seen, added).T
    return simulator.current_network()


def stdp(
    task: ReadoutTask,
    seed: int,
    *,
    threshold: int,
    shift: int,
    time_constant: float = 2.0,
    depression: int = 60,
    gates: Callable[..., np.ndarray] = label_gates,
    forced: bool = False,
) -> FixedPointNetwork:
    """Pair STDP of all spikes, with the same gates or a reward."""
    params = StdpParams(
        potentiation=128, depression=depression, time_constant=time_constant, shift=shift
    )

    def update(weights, pre, post, gate, seen, added):
        made, slow = weights.T, dataclasses.replace(params, shift=shift + added)
        for sign in set(gate) - {0}:
            key = {"gate": 128 * sign, "seed": seed, "sample": 2 * seen + (sign < 0)}
            made = stdp_update(made, slow, pre, post & (gate == sign), **key)
        return made.T

    return by_trains(task, seed, threshold, update, gates, forced)


def sadp(
    task: ReadoutTask,
    seed: int,
    *,
    threshold: int,
    shift: int,
    bin_width: int = 2,
    forced: bool = False,
) -> FixedPointNetwork:
    """SADP with the same gates: agreement of whole trains, towards or away from it."""
    params = SadpParams(potentiation=255, depression=60, shift=shift, bin_width=bin_width)

    def update(weights, pre, post, gate, seen, added):
        if not gate.any():
            return weights
        slow = dataclasses.replace(params, shift=shift + added)
        moved = slow.update(weights, pre, post, seed=seed, sample=seen).astype(int) - weights
        return np.clip(weights + moved * gate[:, None], -128, 127)

    return by_trains(task, seed, threshold, update, label_gates, forced)


def eprop(
    task: ReadoutTask,
    seed: int,
    *,
    threshold: int,
    shift: int,
    psi_shift: int,
    wanted: int,
    decay_shift: int = 1,
    refractory: int = 0,
    rise: int = 0,
) -> FixedPointNetwork:
    """Integer e-prop of the readout, in the engine.

    With a refractory period of STDP-LIF neurons, with a rise of the threshold (in 1/64 of it) of
    ALIF neurons.
    """
    stamped: dict[str, Any] = (
        {"reset_eligibility": ResetEligibility.TIME_STAMP, "psi_refractory": -8}
        if refractory
        else {}
    )
    rule = EpropParams(
        shift=shift,
        wanted=wanted,
        decay_shift=decay_shift,
        impulse=64,
        psi_shift=psi_shift,
        psi_levels=8,
        **stamped,
    )
    neuron = {"refractory": refractory}
    if rise:
        neuron |= {"threshold_rise": threshold * rise // 64, "threshold_decay": 400}
    made = network(task, seed, threshold, rule, **neuron)
    return in_stages(task, made, task.spikes, seed, labels=task.labels)


def latencies(spikes: np.ndarray) -> np.ndarray:
    """Step of each input's first spike, that after the last if it stays silent."""
    return np.where(spikes.any(1), spikes.argmax(1), spikes.shape[1])


def prototypes(task: ReadoutTask, seed: int) -> float:
    """Nearest mean of the latencies; the share that is right."""
    shown, asked = latencies(task.spikes), latencies(task.test_spikes)
    means = np.stack([shown[task.labels == c].mean(0) for c in range(task.n_classes)])
    distance = ((asked[:, None] - means) ** 2).sum(2)
    return float(np.mean(distance.argmin(1) == task.test_labels))


def offline(
    task: ReadoutTask, seed: int, *, learning_rate: float, epochs: int = 60, batch_size: int = 5
) -> float:
    """Surrogate gradients through time on the same samples, in real numbers; the share right."""
    from ssdp_neuro.training import config_of, feed_forward, fit

    model = feed_forward(
        (task.n_inputs, task.n_classes),
        seed=seed,
        gain=1.0,
        current_decay=4095,
        voltage_decay=task.voltage_decay,
    )
    shown = data.from_arrays(task.spikes, task.labels)
    config = config_of(
        {
            "optimizer": {"learning_rate": learning_rate, "weight_decay": 0.01},
            "training": {
                "epochs": epochs,
                "batch_size": batch_size,
                "seed": seed,
                "threads": 1,
            },
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit(config, model=model, data=shown, show_progress=False)
    return accuracy(model.decide(task.test_spikes), task.test_labels)


def share_itself(share: float, task: ReadoutTask) -> float:
    """For what gives no network."""
    return share


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule at work: how it learns, what is tried for its constants, how what it made is read."""

    train: Callable[..., Any]
    candidates: tuple[dict[str, Any], ...] = ({},)
    read: Callable[[Any, Any], float] = tested

    def learn(self, task: ReadoutTask, seed: int, **constants: Any) -> float:
        """Share of the test samples that are right."""
        return self.read(self.train(task, seed, **constants), task)


def grid(**lists: Any) -> tuple[dict[str, Any], ...]:
    """All combinations."""
    made: list[dict[str, Any]] = [{}]
    for name, values in lists.items():
        made = [{**one, name: value} for one in made for value in values]
    return tuple(made)
