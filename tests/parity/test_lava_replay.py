"""Lava's own LearningDense, unmodified, with the replay around it, beside the integer rule."""

import dataclasses
import itertools

import numpy as np
import pytest

from conversions import LavaExecution, learn_lava, to_lava
from conversions.lava.lava_learning import task_rasters
from conversions.lava.learning_schedules import schedules_of
from hw_models import (
    InputError,
    LearningForm,
    RangeError,
    Rounding,
    TypeMismatchError,
    same_record,
)
from hw_models.learning_schedule import learning_plan
from ssdp_neuro import Teaching
from ssdp_neuro.engine.learning_task import learning_task
from ssdp_neuro.oracle import plain_da_ssdp as twin
from ssdp_neuro.oracle.simulate import simulate as oracle
from tests.parity.test_lava_learning import (
    CONSTANT,
    DOPAMINE,
    N_STEPS,
    REWARD,
    TEACHER,
    factors_of,
    network_of,
    params_of,
    samples_of,
)

pytestmark = [pytest.mark.lava, pytest.mark.kernel]
NAME = "hidden->out"


def rule_of(kind, bits=4, **fields):
    rule = params_of(kind, bits, Rounding.STOCHASTIC, weight_low=-256, weight_high=255)
    return dataclasses.replace(rule, **fields)


def replayed(network, spikes, **arguments):
    """Per sample: weights before and after, and every population's spikes in the sample."""
    from hw_models.lava_processes.direct_run import DirectRun
    from hw_models.lava_processes.lava_model import build_model

    task = learning_task(network, spikes, Teaching(**arguments), n_steps=N_STEPS)
    plan = learning_plan(network, N_STEPS, LearningForm.LOIHI, schedules_of(task))
    period = plan.clock.period
    rasters = task_rasters(task, plan.clock)
    model = build_model(network, rasters, plan)
    sinks = {name: model.record_spikes(name, task.n_seen * period) for name in model.populations}
    run = DirectRun([*model.processes, *sinks.values()])
    synapses = run.model(model.plastic[NAME].synapses)
    weights = [network.projection(NAME).weights.astype(int)]
    for _ in range(task.n_seen):
        for _ in range(period):
            run.step()
        weights.append(synapses.weights.astype(int))
    rasters |= {name: run.model(sink).data.T != 0 for name, sink in sinks.items()}
    samples = {
        name: raster.reshape(task.n_seen, period, -1)[:, :N_STEPS]
        for name, raster in rasters.items()
    }
    return weights, samples, plan


def trains(raster):
    return raster.T.astype(int).tolist()


def gates_of(rule, arguments, number, history, pre, post):
    """The gate of each output by the twins; ``history`` is the warm-up so far."""
    if rule.third_factor is REWARD:
        return [int(arguments["rewards"][number])] * len(post)
    if rule.third_factor is TEACHER:
        return twin.teacher_gates(post, int(arguments["labels"][number]))
    if rule.third_factor is CONSTANT:
        return [128] * len(post)
    synchrony = sum(map(any, pre)) * sum(map(any, post))
    if len(history) < rule.warm_up:
        history.append((synchrony, int(arguments["losses"][number])))
        return [0] * len(post)
    return [twin.dopamine_gate(history, synchrony)] * len(post)


CASES = {
    "constant": (rule_of(CONSTANT), 4),
    "reward": (rule_of(REWARD), 3),
    "reward, small changes": (rule_of(REWARD, shift=24), 7),
    "reward, two steps per code": (
        rule_of(REWARD, bits=3, latency_shift=1, silent_latency=4),
        3,
    ),
    "teacher": (rule_of(TEACHER, teacher_latency=2), 3),
    "dopamine": (rule_of(DOPAMINE, warm_up=5), 3),
}


@pytest.mark.parametrize(("rule", "exponent"), CASES.values(), ids=CASES)
def test_learning_dense__is_within_one_mantissa_of_the_rule_per_sample(rule, exponent):
    """Lava rounds once, stochastically; a trace that it decays loses one unit now and then."""
    from hw_models.lava_processes.learning import trace_exponent

    assert trace_exponent(NAME, rule) == exponent
    rng = np.random.default_rng(5)
    network = network_of(rng, output=rule, bias_mantissa=40)
    spikes, _ = samples_of(rng, 60)
    spikes[::6] = False
    arguments = factors_of(rng, network, len(spikes))
    weights, samples, plan = replayed(network, spikes, **arguments)
    assert plan.clock.period == N_STEPS + (N_STEPS - 1 >> rule.latency_shift) + 2
    history, errors, cases, signs = [], [], set(), set()
    for number, (before, after) in enumerate(itertools.pairwise(weights)):
        spiked = {name: raster[number] for name, raster in samples.items()}
        projection = dataclasses.replace(network.projection(NAME), weights=before)
        undisturbed = oracle(network.replace(projection), spikes[number], n_steps=N_STEPS)
        for name in ("hidden", "out"):
            assert spiked[name].tolist() == undisturbed.raster(name).tolist()
        pre, post = trains(spiked["hidden"]), trains(spiked["out"])
        gates = gates_of(rule, arguments, number, history, pre, post)
        codes = [
            [twin.latency_code(train, rule.latency_bits, rule.latency_shift) for train in side]
            for side in (pre, post)
        ]
        if rule.third_factor is TEACHER:
            codes[1] = twin.forced(rule, codes[1], gates)
        for j, i in np.ndindex(before.shape):
            ends = (rule, codes[0][i], codes[1][j], gates[j])
            exact = twin.product(*ends) / 2**rule.shift
            wanted = min(max(before[j, i] + exact, -256), 255)
            errors.append(after[j, i] - wanted)
            rounded = before[j, i] + twin.delta(*ends, twin.random_bits(0, number, j, i))
            assert abs(after[j, i] - min(max(rounded, -256), 255)) <= 1
            signs.add(np.sign(gates[j]))
            if gates[j]:
                cases.add((codes[0][i] == rule.silent_code, codes[1][j] == rule.silent_code))
    assert max(map(abs, errors)) < 1
    # unbiased: a deviation of at most 0.5, at worst one random number per sample; four sigma
    assert abs(np.mean(errors)) < 4 * 0.5 / len(spikes) ** 0.5
    # both, pre only, post only and none spiked; a teacher lets none be silent that it changes
    assert len(cases) == (2 if rule.third_factor is TEACHER else 4)
    signed = rule.third_factor in (REWARD, TEACHER)
    assert signs >= ({-1, 1} if signed else {1})
    assert np.abs(weights[-1] - weights[0]).max() > 3


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-255, 0)])
def test_learning_dense__saturates_where_the_rule_does(low, high):
    rule = rule_of(REWARD, weight_low=low, weight_high=high, shift=17)
    rng = np.random.default_rng(6)
    network = network_of(rng, output=dataclasses.replace(rule, depression=250))
    spikes, _ = samples_of(rng, 40)
    rewards = np.repeat([255, -256], 20)
    weights, _, _ = replayed(network, spikes, rewards=rewards)
    seen = np.array(weights)
    assert (seen.min(), seen.max()) == (low, high)


def test_learn_lava__replay_is_the_same_in_the_runtime():
    rng = np.random.default_rng(7)
    network = network_of(rng, rule_of(CONSTANT), rule_of(REWARD))
    spikes, _ = samples_of(rng, 4)
    told = Teaching(rewards=[255, -256, 100, -60])
    common = {"n_steps": N_STEPS, "form": LearningForm.LOIHI}
    direct, runtime = (
        learn_lava(network, spikes, told, **common, execution=execution)
        for execution in (LavaExecution.DIRECT, LavaExecution.RUNTIME)
    )
    assert same_record(direct.network, runtime.network)
    assert all(change.n_changed for change in runtime.changes.values())


@pytest.mark.parametrize("form", [*LearningForm, "process", "loihi"])
def test_to_lava__builds_what_learn_lava_runs(form):
    from hw_models.lava_processes.direct_run import DirectRun

    rng = np.random.default_rng(9)
    network = network_of(rng, rule_of(CONSTANT), rule_of(TEACHER))
    spikes, labels = samples_of(rng, 10)
    model = to_lava(
        network, spikes, N_STEPS, learning=form, teaching=Teaching(labels=labels, seed=4)
    )
    run = DirectRun(model.processes)
    for _ in range(len(spikes) * model.plan.clock.period):
        run.step()
    expected = learn_lava(
        network, spikes, Teaching(labels=labels, seed=4), n_steps=N_STEPS, form=LearningForm(form)
    ).network
    for name, plastic in model.plastic.items():
        weights = expected.projection(name).weights
        assert run.model(plastic.synapses).weights.tolist() == weights.tolist()
        assert (weights != network.projection(name).weights).any()


def test_to_lava__refuses_teaching_that_it_does_not_use():
    rng = np.random.default_rng(9)
    network = network_of(rng, rule_of(CONSTANT))
    spikes, _ = samples_of(rng, 1)
    with pytest.raises(TypeMismatchError, match=r"learning: 'chip'; .* one of 'process', 'loihi'"):
        to_lava(network, spikes, N_STEPS, learning="chip")
    with pytest.raises(InputError, match="teaching: only with learning"):
        to_lava(network, spikes[0], N_STEPS, teaching=Teaching(seed=4))
    with pytest.raises(InputError, match="learning needs spikes and n_steps"):
        to_lava(network, learning=LearningForm.LOIHI)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weight_low": -128}, "saturate where Lava's LearningDense does not"),
        ({"shift": 16}, r"by 199\.2 mantissas; a trace of Lava's LearningDense holds up to 127"),
    ],
)
def test_learn_lava__replay_refuses_what_learning_dense_does_not_hold(fields, message):
    rng = np.random.default_rng(8)
    network = network_of(rng, output=rule_of(REWARD))
    projection = network.projection(NAME)
    weights = np.zeros_like(projection.weights)
    plastic = dataclasses.replace(projection, weights=weights, plasticity=rule_of(REWARD, **fields))
    spikes, _ = samples_of(rng, 1)
    with pytest.raises(RangeError, match=message):
        learn_lava(
            network.replace(plastic),
            spikes,
            Teaching(rewards=[1]),
            n_steps=N_STEPS,
            form=LearningForm.LOIHI,
        )
