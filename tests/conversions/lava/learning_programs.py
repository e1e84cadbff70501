"""Lava programs that learn, as Lava's own tutorials build them, run by whatever runs them.

    python -m tests.conversions.lava.learning_programs results.npz

runs them all in Lava's own runtime.
"""

import sys

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.clp.novelty_detector.process import NoveltyDetector
from lava.proc.clp.nsm.process import Allocator, Readout
from lava.proc.clp.prototype_lif.process import PrototypeLIF
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.learning_rules.r_stdp_learning_rule import RewardModulatedSTDP
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import LearningSparse

from tests.conversions.lava.user_program.reward_neurons import RewardedLIF

N_STEPS = 200
FIXED = {"du": 4095, "dv": 4095, "vth": 240}
FLOAT = {"du": 1, "dv": 1, "vth": 240}


def train(rng, n, rate):
    return (rng.random((n, N_STEPS)) < rate).astype(int)


def driven(spikes, neurons, weight=250):
    """Neurons that repeat a train."""
    source, dense = Source(data=spikes), Dense(weights=np.eye(len(spikes)) * weight)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    return neurons


def watched(process, *names):
    """A Monitor of each of several Vars or ports."""
    monitors = [Monitor() for _ in names]
    for name, monitor in zip(names, monitors, strict=True):
        monitor.probe(getattr(process, name), N_STEPS)
    return [(monitor, process.name, name) for name, monitor in zip(names, monitors, strict=True)]


def values_of(seen):
    return [monitor.get_data()[process][name] for monitor, process, name in seen]


def dense_of(weights):
    """Weights of LearningDense, or of LearningSparse."""
    return weights.toarray() if hasattr(weights, "toarray") else weights


def pair(run, rng, kind, rule):
    """Two neurons and a plastic synapse between them."""
    before = driven(train(rng, 1, 0.05), LIF(shape=(1,), name="before", **FIXED))
    after = driven(train(rng, 1, 0.05), LIF(shape=(1,), name="after", **FIXED))
    plastic = kind(weights=np.full((1, 1), 50), learning_rule=rule, name="plastic")
    before.s_out.connect(plastic.s_in)
    plastic.a_out.connect(after.a_in)
    after.s_out.connect(plastic.s_in_bap)
    names = ("x1", "y1", "weights") if kind is LearningDense else ("x1", "y1")
    seen = watched(plastic, *names) + watched(after, "s_out")
    run(before, "fixed_pt")
    values = [*values_of(seen), dense_of(plastic.weights.get())]
    before.stop()
    return values


def custom_rule(run, rng):
    """A rule of the user's own: pairs, and weights that fall back to 60."""
    rule = Loihi2FLearningRule(
        dw="2^-2 * y0 * x1 - 2^-2 * x0 * y1 - 2^-6 * u0 * (w - 60)",
        x1_impulse=20.25, x1_tau=7, y1_impulse=30, y1_tau=12, t_epoch=2, rng_seed=7,
    )  # fmt: skip
    return pair(run, rng, LearningDense, rule)


def listed_stdp(run, rng):
    """Lava's ready rule, on LearningSparse."""
    rule = STDPLoihi(
        learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=4, rng_seed=1
    )
    return pair(run, rng, LearningSparse, rule)


def reward_modulated(run, rng, select_tag="fixed_pt", lif=FIXED):
    """One source, two targets that are rewarded at different times; neurons of the user's own."""
    rule = RewardModulatedSTDP(
        learning_rate=1, A_plus=2, A_minus=-2,
        pre_trace_decay_tau=10, post_trace_decay_tau=10,
        pre_trace_kernel_magnitude=16, post_trace_kernel_magnitude=16,
        eligibility_trace_decay_tau=0.5, t_epoch=1, rng_seed=3,
    )  # fmt: skip
    spikes = train(rng, 1, 0.08)
    echo = np.roll(spikes, 3, axis=1) | train(rng, 2, 0.03)
    reward = np.zeros((2, N_STEPS), dtype=int)
    reward[0, 50:70], reward[1, 150:170] = 6, 8
    before = driven(spikes, LIF(shape=(1,), name="before", **lif))
    after = driven(echo, RewardedLIF(shape=(2,), name="after", learning_rule=rule, **lif))
    given, passed = Source(data=reward), Dense(weights=np.eye(2) * 10, num_message_bits=5)
    given.s_out.connect(passed.s_in)
    passed.a_out.connect(after.a_third_factor_in)
    plastic = LearningDense(weights=np.full((2, 1), 50), learning_rule=rule, name="plastic")
    before.s_out.connect(plastic.s_in)
    plastic.a_out.connect(after.a_in)
    after.s_out_bap.connect(plastic.s_in_bap)
    after.s_out_y1.connect(plastic.s_in_y1)
    after.s_out_y2.connect(plastic.s_in_y2)
    seen = watched(plastic, "x1", "y1", "tag_1", "weights") + watched(after, "s_out", "s_out_y2")
    run(before, select_tag)
    values = [*values_of(seen), plastic.weights.get()]
    before.stop()
    return values


def reward_modulated_in_real_numbers(run, rng):
    return reward_modulated(run, rng, "floating_pt", FLOAT)


def prototypes(run, rng):
    """Continual learning of prototypes: one shot for every pattern that nobody knows, then labels.

    The graded spikes of a pattern are written into x1, and the neuron that is allocated tells its
    synapses a learning rate by y1.
    """
    every, n_prototypes = 20, 4
    patterns = np.array([[70, 10, 60, 5], [5, 66, 9, 66], [60, 60, 5, 35]])
    order = [0, 1, 2, 0, 1, 2, 1, 0]
    data, labels = np.zeros((4, N_STEPS), dtype=int), np.zeros((1, N_STEPS), dtype=int)
    for number, pattern in enumerate(order):
        noise = rng.integers(-2, 3, 4) * (number >= 3)
        data[:, 1 + number * every] = patterns[pattern] + noise
        labels[0, 17 + number * every : 19 + number * every] = (pattern + 1) * (number < 3)
    rule = Loihi3FLearningRule(dw="2^-3*y1*x1*y0", x1_tau=65535, t_epoch=1, rng_seed=5)
    plastic = LearningDense(
        weights=np.zeros((n_prototypes, 4)), learning_rule=rule, name="plastic",
        num_message_bits=8, graded_spike_cfg=GradedSpikeCfg.OVERWRITE,
    )  # fmt: skip
    neurons = PrototypeLIF(
        shape=(n_prototypes,), du=4095, dv=4095, vth=7500, learning_rule=rule, name="prototypes"
    )
    novelty, allocator = NoveltyDetector(t_wait=10), Allocator(n_protos=n_prototypes)
    readout = Readout(n_protos=n_prototypes)
    inputs, user = Source(data=data), Source(data=labels)

    def by(weights, sender, receiver, **fields):
        dense = Dense(weights=weights, **fields)
        sender.connect(dense.s_in)
        dense.a_out.connect(receiver)

    inputs.s_out.connect(plastic.s_in)
    plastic.a_out.connect(neurons.a_in)
    by(np.ones((1, 4)), inputs.s_out, novelty.input_aval_in)
    by(np.ones((1, n_prototypes)), neurons.s_out, novelty.output_aval_in)
    by(np.ones((n_prototypes, n_prototypes)), neurons.s_out, neurons.reset_in)
    by(np.ones((1, 1)), novelty.novelty_detected_out, allocator.trigger_in)
    by(np.ones((1, 1)), readout.trigger_alloc, allocator.trigger_in)
    to_all = np.ones((n_prototypes, 1))
    by(to_all, allocator.allocate_out, neurons.a_third_factor_in, num_message_bits=8)
    neurons.s_out_bap.connect(plastic.s_in_bap)
    neurons.s_out_y1.connect(plastic.s_in_y1)
    neurons.s_out.connect(readout.inference_in)
    user.s_out.connect(readout.label_in)
    seen = watched(plastic, "x1", "weights") + watched(neurons, "s_out")
    seen += watched(novelty, "novelty_detected_out") + watched(readout, "user_output")
    run(neurons, "fixed_pt")
    values = [*values_of(seen), plastic.weights.get(), readout.proto_labels.get()]
    neurons.stop()
    return values


PROGRAMS = (
    custom_rule,
    listed_stdp,
    reward_modulated,
    reward_modulated_in_real_numbers,
    prototypes,
)


def results(program, configuration):
    """What a program gives back when it is run with a configuration."""

    def run(process, select_tag):
        run_cfg = configuration(select_tag=select_tag)
        process.run(condition=RunSteps(num_steps=N_STEPS), run_cfg=run_cfg)

    return [np.asarray(each) for each in program(run, np.random.default_rng(9))]


def main():
    values = {}
    for program in PROGRAMS:
        for number, each in enumerate(results(program, Loihi2SimCfg)):
            values[f"{program.__name__}-{number}"] = each
    np.savez(sys.argv[1], **values)


if __name__ == "__main__":
    main()
