import numpy as np
import pytest

from benchmarks.counted_integers import Counted, Event, Operation, Place, Tally
from benchmarks.counted_rules import SOURCE, TARGET, CountedSsdp
from benchmarks.readout_rules import (
    ReadoutTask,
    label_gates,
    losses_of,
    network,
    reward_gates,
    sadp,
    ssdp_rule,
    stdp,
)
from benchmarks.rule_operations import SADP, SEED, STDP, THRESHOLD, learned, rules
from benchmarks.synchrony_classes import N_INPUTS, N_STEPS, SynchronyTask
from hw_models import ThirdFactor
from ssdp_neuro import Teaching, learn


@pytest.fixture(scope="module")
def task():
    rng, made = np.random.default_rng(2), SynchronyTask(SEED, shots=1)
    spikes = made.spikes | (rng.random(made.spikes.shape) < 0.02)  # several of an input
    return ReadoutTask(
        spikes[:, :, ::2], made.labels, spikes[:, :, ::2], made.labels,
        stages=((0, 1),), voltage_decay=2048, first_weights=(0, 24), rng=rng,
    )  # fmt: skip


def weights_of(name, task):
    tally = Tally()
    rule, n_spikes = learned(rules(task)[name], tally, task)
    assert n_spikes > 5
    assert tally.updates > 20
    return np.array([[weight.value for weight in row] for row in rule.weights])


@pytest.mark.parametrize(
    "name",
    ["SSDP, no third factor", "DA-SSDP", "error-gated SSDP", "e-prop, LIF or ALIF",
     "e-prop, STDP-LIF"],
)  # fmt: skip
def test_counted_rules__weights_are_those_of_the_engine(name, task):
    made, _ = rules(task)[name](Tally())
    by_loss = name == "DA-SSDP"
    told = {"losses": losses_of(made, task.spikes, task.labels)} if by_loss else {}
    if name.startswith(("error", "e-prop")):
        told = {"labels": task.labels}
    teaching = Teaching(**told, seed=SEED, epochs=1 + by_loss)
    engine = learn(made, task.spikes, teaching, n_steps=N_STEPS, progress=False).network
    assert (weights_of(name, task) == engine.projections[0].weights).all()
    assert (engine.projections[0].weights != made.projections[0].weights).any()


@pytest.mark.parametrize("gates", [label_gates, reward_gates])
def test_counted_rules__weights_are_those_of_pair_stdp(gates, task):
    name = "pair STDP, label gates" if gates is label_gates else "reward-modulated STDP"
    slow = stdp(task, SEED, threshold=THRESHOLD, shift=STDP.shift, gates=gates)
    assert (weights_of(name, task) == slow.projections[0].weights).all()


def test_counted_rules__weights_are_those_of_sadp(task):
    slow = sadp(task, SEED, threshold=THRESHOLD, shift=SADP.shift)
    assert (weights_of("SADP, label gates", task) == slow.projections[0].weights).all()


def test_counted_prototypes__sums_are_those_of_the_latencies():
    made = SynchronyTask(SEED, shots=2)
    rule, _ = learned(rules(made)["prototypes of latencies"], Tally(), made)
    for label, sums in enumerate(rule.sums):
        wanted = made.latencies[made.labels == label].sum(0)
        assert [one.value for one in sums] == wanted.tolist()


def test_counted_ssdp__two_sources_and_a_target_by_hand():
    made = SynchronyTask(SEED, shots=1)
    params = ssdp_rule(N_STEPS, 0.06, 1.0, ThirdFactor.CONSTANT)
    tally = Tally()
    rule = CountedSsdp(params, tally, network(made, SEED, THRESHOLD, params), SEED)
    rule.spike(SOURCE, 3, 10)
    rule.spike(SOURCE, 5, 30)  # too far away: the kernel is 0 there
    rule.spike(TARGET, 1, 11)
    rule.spike(TARGET, 1, 12)
    rule.sample(0, 0, 0)
    at_spikes = tally.total(Event.SPIKE)
    assert at_spikes == tally.total(Event.SPIKE, Place.NEURON, Operation.COMPARE) == 4
    after = {kind: tally.total(Event.SAMPLE, Place.SYNAPSE, kind) for kind in Operation}
    assert after == {
        Operation.LOOKUP: 2,  # of the kernel
        Operation.MULTIPLY: 2,  # by amplitude and gate
        Operation.ADD: 2 * 2 + 2,  # distances and their sizes; random bits, and to the weight
        Operation.COMPARE: 2 + 2,  # with 0; the weight with its limits
        Operation.LOGIC: 2,  # the bits' mask, the shift
        Operation.DRAW: 1,
        Operation.DIVIDE: 0,
    }
    assert tally.total(Event.SAMPLE, Place.NEURON) == 1
    assert (tally.updates, rule.sizes[SOURCE]) == (1, N_INPUTS)


def test_counted__is_no_truth_value_and_counts_only_while_it_shall():
    tally = Tally()
    with pytest.raises(TypeError, match="compare it"):
        bool(tally.number(1))
    tally.counting = False
    assert isinstance(tally.number(3) * 4 + 1, Counted)
    assert tally.total() == 0
