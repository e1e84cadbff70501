"""Learning in Lava, the engine and the twins: every weight, after every sample."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import LavaExecution, learn_lava
from conversions.lava.lava_learning import task_rasters
from conversions.lava.learning_schedules import schedules_of
from hw_models import (
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    RangeError,
    ResetMode,
    Rounding,
    SparseProjection,
    ThirdFactor,
    same_record,
)
from hw_models.learning_schedule import LearningForm, learning_plan
from ssdp_neuro import Teaching, learn, simulate
from ssdp_neuro.engine.learning_task import learning_task
from ssdp_neuro.oracle.learn import learn as oracle
from tests.plasticity_strategies import da_ssdp_params

pytestmark = [pytest.mark.lava, pytest.mark.kernel]

N_STEPS, N_IN, N_HIDDEN, N_OUT = 6, 5, 4, 3
CONSTANT, DOPAMINE, REWARD, TEACHER = ThirdFactor


def network_of(rng, hidden=None, output=None, loop=None, longest=0, **lif):
    """Inputs, hidden neurons with a loop, outputs; any projection plastic, others with delays."""

    def dense(source, target, sizes, rule):
        low, high = (-40, 90) if rule is None else (rule.weight_low, rule.weight_high)
        weights = rng.integers(low, high + 1, size=sizes)
        exponent = int(rng.integers(0, 2))
        delays = rng.integers(0, longest + 1, sizes) if longest and rule is None else None
        return DenseProjection(
            source=source,
            target=target,
            weights=weights,
            weight_exponent=exponent,
            plasticity=rule,
            delays=delays,
        )

    lif = {"current_decay": 2047, "voltage_decay": 300, "threshold": 90, **lif}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(N_IN,)),
            LifPopulation(name="hidden", shape=(N_HIDDEN,), **lif),
            LifPopulation(name="out", shape=(N_OUT,), **lif),
        ],
        projections=[
            dense("in", "hidden", (N_HIDDEN, N_IN), hidden),
            dense("hidden", "out", (N_OUT, N_HIDDEN), output),
            dense("hidden", "hidden", (N_HIDDEN, N_HIDDEN), loop),
        ],
    )


def params_of(third_factor, bits=4, rounding=Rounding.NEAREST_AWAY, **fields):
    distance = np.arange(2**bits)
    return DaSsdpParams(
        latency_bits=bits,
        silent_latency=N_STEPS,
        kernel=np.rint(255 * np.exp(-(distance**2) / 8)).astype(int),
        potentiation=200,
        depression=120,
        shift=20,
        rounding=rounding,
        third_factor=third_factor,
        warm_up=20 if third_factor is DOPAMINE else 0,
        **fields,
    )


def samples_of(rng, n_samples):
    spikes = rng.random((n_samples, N_STEPS, N_IN)) < rng.uniform(0.1, 0.7, (n_samples, 1, 1))
    return spikes, rng.integers(0, N_OUT, n_samples)


def factors_of(rng, network, n_samples):
    """Labels, rewards and losses, where a rule needs them."""
    kinds = {p.plasticity.third_factor for p in network.projections if p.plasticity}
    made = {
        "labels": (TEACHER, rng.integers(0, N_OUT, n_samples)),
        "rewards": (REWARD, rng.integers(-256, 256, n_samples)),
        "losses": (DOPAMINE, rng.integers(-(2**31), 2**31, n_samples)),
    }
    return {name: values for name, (kind, values) in made.items() if kind in kinds}


def lava_weights(network, spikes, **arguments):
    """Weights of every plastic projection after every sample, in Lava's models."""
    from hw_models.lava_processes.direct_run import DirectRun
    from hw_models.lava_processes.lava_model import build_model

    task = learning_task(network, spikes, Teaching(**arguments), n_steps=N_STEPS)
    plan = learning_plan(network, task.n_steps, LearningForm.PROCESS, schedules_of(task))
    model = build_model(network, task_rasters(task, plan.clock), plan)
    run = DirectRun(model.processes)
    for _ in range(task.n_seen):
        for _ in range(plan.clock.period):
            run.step()
        yield {name: run.model(p.synapses).weights.tolist() for name, p in model.plastic.items()}


ANY = st.one_of(st.none(), *(da_ssdp_params(third_factor=k) for k in (CONSTANT, DOPAMINE, REWARD)))


@given(
    seed=st.integers(0, 2**32 - 1),
    n_samples=st.integers(1, 6),
    hidden=ANY,
    output=da_ssdp_params(third_factor=TEACHER),
    loop=ANY,
    interval=st.integers(0, 4),
    refractory=st.integers(0, 3),
    longest=st.integers(0, 9),
    reset=st.sampled_from(ResetMode),
    begin=st.fixed_dictionaries({}, optional={"u": st.integers(-9999, 9999), "v": st.just(7777)}),
)
@settings(deadline=None, max_examples=40)
def test_learn_lava__equals_engine_and_twin(
    seed, n_samples, hidden, output, loop, interval, refractory, longest, reset, begin
):
    rng = np.random.default_rng(seed)
    lif = {"reset_interval": interval, "refractory": refractory, "reset": reset, **begin}
    network = network_of(rng, hidden, output, loop, longest, bias_mantissa=500, **lif)
    spikes, _ = samples_of(rng, n_samples)
    arguments = factors_of(rng, network, n_samples)
    arguments |= {"seed": seed, "first_sample": seed >> 9}
    expected, _ = oracle(network, spikes, n_steps=N_STEPS, **arguments)
    told = Teaching(**arguments)
    lava, engine = (run(network, spikes, told, n_steps=N_STEPS) for run in (learn_lava, learn))
    assert same_record(lava.network, expected)
    assert same_record(engine.network, expected)
    assert lava.dopamine == engine.dopamine
    assert lava.next_sample == engine.next_sample
    for name, counts in engine.spike_counts.items():
        assert lava.spike_counts[name].tolist() == counts.tolist()
        assert lava.decisions[name].tolist() == engine.decisions[name].tolist()


@pytest.mark.parametrize("rounding", [Rounding.NEAREST_AWAY, Rounding.STOCHASTIC])
@pytest.mark.parametrize("bits", range(3, 9))
def test_plastic_dense__equals_twin_after_every_one_of_many_samples(bits, rounding):
    rng = np.random.default_rng(bits)
    kind = (CONSTANT, DOPAMINE, REWARD, TEACHER)[bits % 4]
    rule = params_of(kind, bits, rounding, weight_low=-100, weight_high=110)
    network = network_of(rng, output=rule)
    spikes, _ = samples_of(rng, 170)  # twelve such runs: two thousand samples
    arguments = {"seed": bits, **factors_of(rng, network, len(spikes))}
    expected = []

    def keep(learned):
        expected.append({"hidden->out": learned.projection("hidden->out").weights.tolist()})

    last, _ = oracle(network, spikes, n_steps=N_STEPS, **arguments, on_sample=keep)
    assert list(lava_weights(network, spikes, **arguments)) == expected
    learned = learn(network, spikes, Teaching(**arguments), n_steps=N_STEPS).network
    assert same_record(learned, last)
    changes = sum(one != other for one, other in itertools.pairwise(expected))
    assert changes > 40


@pytest.mark.parametrize("rounding", [Rounding.NEAREST_AWAY, Rounding.STOCHASTIC])
def test_learn_lava__equals_engine_after_thousands_of_samples(rounding):
    rng = np.random.default_rng(1)
    rules = [params_of(kind, rounding=rounding) for kind in (CONSTANT, TEACHER)]
    network = network_of(rng, *rules)
    spikes, labels = samples_of(rng, 1000)
    told = Teaching(labels=labels, seed=3, epochs=2)
    engine, lava = (run(network, spikes, told, n_steps=N_STEPS) for run in (learn, learn_lava))
    assert same_record(lava.network, engine.network)
    assert lava.decisions["out"].tolist() == engine.decisions["out"].tolist()
    assert lava.n_samples == 2000


@given(cut=st.integers(1, 29), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=8)
def test_learn_lava__may_be_split_and_the_rest_learned_elsewhere(cut, seed):
    rng = np.random.default_rng(seed)
    rule = params_of(DOPAMINE, rounding=Rounding.STOCHASTIC)
    network = network_of(rng, rule, params_of(TEACHER, rounding=Rounding.STOCHASTIC))
    spikes, labels = samples_of(rng, 30)
    losses, mask = rng.integers(0, 99, 30), rng.random(30) < 0.8
    whole = learn_lava(
        network,
        spikes,
        Teaching(labels=labels, losses=losses, learning_mask=mask, seed=seed),
        n_steps=N_STEPS,
    )
    executors = (learn_lava, learn) if seed % 2 else (learn, learn_lava)
    result = dataclasses.replace(whole, network=network, next_sample=0, dopamine={})
    for part, run in zip((slice(0, cut), slice(cut, None)), executors, strict=True):
        result = run(
            result.network,
            spikes[part],
            Teaching(
                labels=labels[part],
                losses=losses[part],
                learning_mask=mask[part],
                dopamine=result.dopamine,
                first_sample=result.next_sample,
                seed=seed,
            ),
            n_steps=N_STEPS,
        )
    assert same_record(result.network, whole.network)
    assert result.dopamine == whole.dopamine


def test_learn_lava__takes_given_teachers_and_masks_of_projections():
    rng = np.random.default_rng(4)
    network = network_of(rng, params_of(TEACHER), params_of(TEACHER), params_of(CONSTANT))
    spikes, _ = samples_of(rng, 12)
    teacher = {
        name: rng.integers(-256, 256, (12, size)) for name, size in (("hidden", 4), ("out", 3))
    }
    mask = {"in->hidden": rng.random(12) < 0.5, "hidden->hidden": False}
    told = Teaching(teacher=teacher, learning_mask=mask, epochs=2)
    lava, engine = (run(network, spikes, told, n_steps=N_STEPS) for run in (learn_lava, learn))
    assert same_record(lava.network, engine.network)
    for name, change in lava.changes.items():
        expected = dataclasses.replace(engine.changes[name], rows_visited=change.rows_visited)
        assert change == expected
        assert (change.n_changed > 0) == (name != "hidden->hidden")


def test_teacher_population__forces_spikes_that_count():
    """Real forced spikes, as fixed_point_da_ssdp.md has them: one strong synapse each."""
    rng = np.random.default_rng(11)
    plain = network_of(rng, output=params_of(CONSTANT), current_decay=4095)
    everyone = np.arange(N_OUT)
    forcing = SparseProjection(
        source="teacher",
        target="out",
        pre=everyone,
        post=everyone,
        weights=np.full(N_OUT, 255),
        weight_exponent=7,
    )
    network = FixedPointNetwork(
        populations=[*plain.populations, InputPopulation(name="teacher", shape=(N_OUT,))],
        projections=[*plain.projections, forcing],
    )
    forced_steps = rng.integers(1, N_STEPS, N_OUT)
    teacher = np.zeros((1, N_STEPS, N_OUT), dtype=bool)
    teacher[0, forced_steps - 1, everyone] = True
    spikes = {"in": np.zeros((1, N_STEPS, N_IN), dtype=bool), "teacher": teacher}
    spikes["in"][0, 0] = True
    run = simulate(network, spikes, n_steps=N_STEPS)
    assert run.raster("out")[0, forced_steps, everyone].all()
    results = [act(network, spikes, n_steps=N_STEPS) for act in (learn, learn_lava)]
    assert same_record(results[0].network, results[1].network)
    without = learn(network, {**spikes, "teacher": teacher & False}, n_steps=N_STEPS)
    assert not same_record(results[0].network, without.network)


def test_learn_lava__equals_engine_in_the_runtime():
    rng = np.random.default_rng(7)
    rule = params_of(DOPAMINE, rounding=Rounding.STOCHASTIC)
    rules = [
        dataclasses.replace(rule, warm_up=2),
        params_of(TEACHER, rounding=Rounding.STOCHASTIC),
        params_of(REWARD),
    ]
    network = network_of(rng, *rules)
    spikes, _ = samples_of(rng, 5)
    told = Teaching(seed=2**40 + 1, **factors_of(rng, network, 5))
    runtime = LavaExecution.RUNTIME
    lava = learn_lava(network, spikes, told, n_steps=N_STEPS, execution=runtime)
    engine = learn(network, spikes, told, n_steps=N_STEPS)
    assert same_record(lava.network, engine.network)
    assert lava.dopamine == engine.dopamine
    assert all(change.n_changed for change in lava.changes.values())


def test_learn_lava__refuses_synapses_that_it_cannot_teach():
    rng = np.random.default_rng(0)
    network = network_of(rng, hidden=params_of(CONSTANT))
    dense = network.projection("in->hidden")
    delayed = dataclasses.replace(dense, delays=np.ones(dense.weights.shape, dtype=int))
    with pytest.raises(RangeError, match="DenseProjection with delays cannot learn in Lava"):
        learn_lava(network.replace(delayed), None, n_steps=N_STEPS)
