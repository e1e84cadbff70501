"""Lava programs that learn: every spike, weight, tag and trace in the engine and in Lava."""

import hw_models.lava_processes  # noqa: F401 Lava runs on this Python only after this

# isort: split
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lava.magma.core.learning.learning_rule import (
    Loihi2FLearningRule,
    Loihi3FLearningRule,
    LoihiLearningRule,
)
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF, LearningLIF
from lava.proc.monitor.process import Monitor

from conversions import from_lava
from hw_models import PostTraces, RandomStream, SignMode, Variable
from hw_models.lava_processes.direct_run import DirectRun
from hw_models.lava_processes.rule_process import lava_rule
from hw_models.learning_engine import RULE_STATE
from tests.learning_rule_strategies import learning_rules
from tests.parity.lava_rules import learning_dense

pytestmark = [pytest.mark.lava, pytest.mark.kernel]

N_PRE, N_POST = 3, 4


def source(rng, n, rate=0.3, scale=1):
    spikes = rng.random((n, int(rng.integers(5, 30)))) < rate
    return RingBuffer(data=spikes * rng.integers(1, scale + 1, spikes.shape))


def neurons(rng, n, kind=LIF):
    return kind(shape=(n,), du=int(rng.choice([4095, 900])), dv=300, vth=int(rng.choice([3, 60])))


def factors_of(rule):
    products = [*rule.dw, *rule.dd, *rule.dt]
    return {factor.variable for product in products for factor in product.factors}


def shuffled(data, port):
    """A port of four, or its elements in another order."""
    if data.draw(st.booleans()):
        return port
    return port.reshape((2, 2)).transpose((1, 0)).reshape((4,))


def program(data, rule, given_rule):
    """A source, neurons, plastic synapses, neurons with input of their own; wired at random."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    weights = rng.integers(rule.weight_low, rule.weight_high + 1, (N_POST, N_PRE))
    synapses = learning_dense(
        given_rule, rule.sign_mode, weights,
        tag_1=rng.integers(-256, 256, weights.shape),
        tag_2=rng.integers(0, 256, weights.shape),
        weight_exp=data.draw(st.sampled_from((0, 2, -3))),
    )  # fmt: skip
    before, after = neurons(rng, N_PRE), neurons(rng, N_POST, LearningLIF)
    others = [source(rng, N_PRE), source(rng, N_POST), before, after, synapses]
    for spikes, target in zip(others[:2], (before, after), strict=True):
        fixed = Dense(weights=np.eye(target.s_out.size) * 40)
        spikes.s_out.connect(fixed.s_in)
        fixed.a_out.connect(target.a_in)
        others.append(fixed)
    before.s_out.connect(synapses.s_in)
    if data.draw(st.sampled_from((True, True, True, False))):
        shuffled(data, synapses.a_out).connect(after.a_in)
    teacher = source(rng, N_POST, scale=3)
    heard = data.draw(st.sampled_from(("target", "target", "teacher", "nothing")))
    if heard == "nothing" and Variable.Y0 in factors_of(rule):
        heard = "target"  # y0 as a factor where no spikes come back is refused
    if heard == "target":
        shuffled(data, after.s_out).connect(synapses.s_in_bap)
    elif heard == "teacher":
        teacher.s_out.connect(synapses.s_in_bap)
        others.append(teacher)
    if rule.post_traces is PostTraces.SENT:
        for port in (synapses.s_in_y1, synapses.s_in_y2, synapses.s_in_y3):
            sender = data.draw(st.sampled_from(("numbers", "numbers", "spikes", "nothing")))
            if sender == "numbers":
                others.append(source(rng, N_POST, scale=150))
            if sender != "nothing":
                shuffled(data, (others[-1] if sender == "numbers" else after).s_out).connect(port)
    return synapses, others, after


def assert_same_as_lava(synapses, processes, n_steps, neurons_after=None):
    in_one_go = from_lava(synapses).run(n_steps)  # without a Monitor of what is learned
    monitors = {name: Monitor() for name in RULE_STATE}
    for name, monitor in monitors.items():
        monitor.probe(getattr(synapses, name), n_steps)
    run = from_lava(synapses).run(n_steps)
    direct = DirectRun(processes)
    model = direct.model(synapses)
    recorded = {
        name: monitor_data[synapses.name][name]
        for name, monitor_data in ((name, run.data(each)) for name, each in monitors.items())
    }
    for step in range(n_steps):
        direct.step()
        for name in RULE_STATE:
            np.testing.assert_array_equal(
                recorded[name][step], getattr(model, name), f"{name} after step {step + 1}"
            )
        if neurons_after is not None and neurons_after.id in run.program.names:
            fired = np.asarray(direct.model(neurons_after).s_out_buff)
            np.testing.assert_array_equal(run.raster(neurons_after)[step], fired)
    for name in RULE_STATE:
        for each in (run, in_one_go):
            variable = getattr(synapses, name)
            np.testing.assert_array_equal(each.value(variable), getattr(model, name), name)
    return run


def test_from_lava__learns_from_what_comes_back_even_in_loops():
    """Neurons that excite themselves by plastic synapses, longer epochs, several connections."""
    rng = np.random.default_rng(4)
    drive, cell = source(rng, 4), LIF(shape=(4,), du=4095, dv=2000, vth=110)
    fixed = Dense(weights=np.eye(4) * 120)
    drive.s_out.connect(fixed.s_in)
    fixed.a_out.connect(cell.a_in)
    plastic = []
    for epoch in (1, 3, 4):
        rule = Loihi2FLearningRule(
            dw="2^-1 * y0 * x1 - 2^-2 * x0 * y1", dt="x0", t_epoch=epoch, rng_seed=epoch,
            x1_impulse=40.3, x1_tau=6, y1_impulse=90, y1_tau=9,
        )  # fmt: skip
        plastic.append(learning_dense(rule, SignMode.MIXED, rng.integers(-30, 60, (4, 4))))
        cell.s_out.connect(plastic[-1].s_in)
        plastic[-1].a_out.connect(cell.a_in)
        cell.s_out.connect(plastic[-1].s_in_bap)
    processes = [drive, fixed, *plastic, cell]
    run = from_lava(cell).run(150)
    direct = DirectRun(processes)
    for _ in range(150):
        direct.step()
    for synapses in plastic:
        learned = run.value(synapses.weights)
        np.testing.assert_array_equal(learned, direct.model(synapses).weights)
        assert (learned != synapses.weights.init).any()
    assert_same_as_lava(plastic[1], processes, 150, cell)


def test_from_lava__runs_the_rule_whose_target_lava_does_not_hear():
    """In Lava's runtime the program hangs after 64 steps; here it goes on as its model would."""
    rng = np.random.default_rng(5)
    before, after = source(rng, 4), LIF(shape=(4,), vth=3, du=4095, dv=4095)
    rule = LoihiLearningRule(
        dw="2^-3 * x0 * x1 + y0 * x1", x1_impulse=30, x1_tau=5, t_epoch=2, rng_seed=1
    )
    synapses = learning_dense(rule, SignMode.EXCITATORY, rng.integers(0, 9, (4, 4)))
    before.s_out.connect(synapses.s_in)
    synapses.a_out.connect(after.a_in)
    after.s_out.connect(synapses.s_in_bap)
    run = assert_same_as_lava(synapses, [before, synapses, after], 200, after)
    assert any("terms of y0 never happen" in note for note in run.program.notes)
    (projection,) = run.program.network.projections
    assert projection.plasticity.equation("dw") == "2^-3 * x0 * x1 + 0 * y0 * x1"


def test_from_lava__keeps_each_weight_of_a_single_synapse():
    """A view of the weights that go on learning would be the last one in every step."""
    rng = np.random.default_rng(6)
    rule = Loihi2FLearningRule(dw="x0 - 2 * y0", rng_seed=1)
    synapses = learning_dense(rule, SignMode.MIXED, np.array([[40]]))
    trains = [source(rng, 1), source(rng, 1)]
    trains[0].s_out.connect(synapses.s_in)
    trains[1].s_out.connect(synapses.s_in_bap)
    assert_same_as_lava(synapses, [*trains, synapses], 20)


def test_from_lava__learns_from_numbers_that_are_sent():
    rng = np.random.default_rng(7)
    rule = Loihi3FLearningRule(dw="2^-2 * y0 * y1 - x0 * y2", x1_impulse=9, rng_seed=1)
    synapses = learning_dense(rule, SignMode.MIXED, rng.integers(-9, 60, (4, 3)))
    ports = (synapses.s_in, synapses.s_in_bap, synapses.s_in_y1, synapses.s_in_y2)
    trains = [source(rng, port.size, scale=90) for port in ports]
    for train, port in zip(trains, ports, strict=True):
        train.s_out.connect(port)
    assert_same_as_lava(synapses, [*trains, synapses], 30)


@given(rule=learning_rules(random_stream=RandomStream.LAVA), data=st.data())
@settings(deadline=None, max_examples=40)
def test_from_lava__learns_as_lava_does(rule, data):
    synapses, processes, after = program(data, rule, lava_rule(rule))
    assert_same_as_lava(synapses, processes, 40, after)
