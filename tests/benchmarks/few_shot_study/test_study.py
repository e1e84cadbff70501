import dataclasses
import json

import numpy as np
import pytest

from benchmarks.few_shot_study.drift import drifted
from benchmarks.few_shot_study.figure import figure_svg
from benchmarks.few_shot_study.learners import guesses, learn_on_chip
from benchmarks.few_shot_study.readers import nearest_prototype
from benchmarks.few_shot_study.readout import OUTPUT, decisions
from benchmarks.few_shot_study.report import tables, to_json
from benchmarks.few_shot_study.settings import (
    DIGITS,
    N_CLASSES,
    ON_CHIP,
    Drift,
    Method,
    StudyData,
    StudySettings,
)
from benchmarks.few_shot_study.study import Experiment, run_study
from hw_models import FixedPointNetwork, InputError, RangeError
from ssdp_neuro import Teaching, learn, simulate
from ssdp_neuro.data import Subset, few_of_each, from_arrays, to_arrays
from ssdp_neuro.decision import decide
from ssdp_neuro.rules.plastic_readout import READOUT, with_plastic_readout

SMALL = StudySettings(
    seeds=(0,), n_hidden=64, shots=(2,), drift_shots=2, test_per_class=10, presentations=6
)
QUICK = dataclasses.replace(DIGITS, train_per_class=30, epochs=3)


@pytest.fixture(scope="module")
def experiment():
    return Experiment("", QUICK, SMALL, 0)


def test_experiment__hidden_spikes_are_those_of_the_whole_network(experiment):
    run = simulate(experiment.extractor.network, to_arrays(experiment._test)[0], n_steps=20)
    assert (to_arrays(experiment.test)[0] == run.raster("hidden")).all()
    alone = decisions(experiment.start(), experiment.test)
    assert (alone == decide(run.raster("output"))).all()
    known = experiment.test.labels < SMALL.n_trained
    assert (alone == experiment.test.labels)[known].mean() > 0.6


def test_learn_on_chip__the_readout_learns_as_the_whole_network_does(experiment):
    lesson = few_of_each(experiment.train, 2)
    whole_lesson = few_of_each(experiment._train, 2)
    assert (whole_lesson.labels == lesson.labels).all()
    learned = learn_on_chip(Method.ERROR_SSDP, experiment.start(), lesson, SMALL, seed=5)
    whole, n_seen = experiment.extractor.network, 0
    for stage in range(3):
        rule = SMALL.synchrony_rule(Method.ERROR_SSDP, stage)
        n_new = 0 if stage else N_CLASSES - SMALL.n_trained
        result = learn(
            with_plastic_readout(whole, rule, n_new=n_new),
            to_arrays(whole_lesson)[0],
            Teaching(
                labels=whole_lesson.labels,
                seed=5,
                epochs=SMALL.passes(len(lesson), N_CLASSES),
                first_sample=n_seen,
            ),
            n_steps=20,
        )
        whole, n_seen = result.network, result.next_sample
    assert (learned.projection(READOUT).weights == whole.projection(READOUT).weights).all()
    assert (whole.projection(READOUT).weights[SMALL.n_trained :] != 0).any()


def test_experiment__the_teachers_error_learns_new_classes(experiment):
    found = {m.rule: m for m in experiment.few_shot([Method.NONE, Method.ERROR_SSDP], 20)}
    assert found["no learning"].new == 0
    assert found[Method.ERROR_SSDP.value].new > 0.3
    assert found[Method.ERROR_SSDP.value].everything > found["no learning"].everything


@pytest.mark.parametrize("rule", ON_CHIP, ids=[rule.name for rule in ON_CHIP])
def test_learn_on_chip__same_seed_same_weights(experiment, rule):
    lesson = few_of_each(experiment.train, 1)
    first, same, other = (
        learn_on_chip(rule, experiment.start(), lesson, SMALL, seed=seed)
        .projection(READOUT)
        .weights
        for seed in (1, 1, 2)
    )
    assert (first == same).all()
    assert (first != other).any()
    assert (first != experiment.start().projection(READOUT).weights).any()


def test_learn_on_chip__refuses_other_rules(experiment):
    with pytest.raises(InputError, match=r"Method\.CEILING"):
        learn_on_chip(Method.CEILING, experiment.start(), experiment.train, SMALL, seed=0)


def test_guesses__half_of_the_samples_any_neuron():
    lesson = from_arrays(np.zeros((2000, 1, 1), bool), np.zeros(2000, int))
    found = guesses(lesson, 10, 3, 100)
    assert 0.45 < (found == -1).mean() < 0.55
    assert set(found) == set(range(-1, 10))
    assert (found[50:] == guesses(lesson, 10, 3, 150)[:-50]).all()


def test_nearest_prototype__by_direction_of_the_counts():
    spikes = np.zeros((4, 3, 2), dtype=bool)
    spikes[0, :, 0] = spikes[1, :, 1] = spikes[2, 0, 0] = spikes[3, :2, 1] = True
    samples = from_arrays(spikes, np.array([3, 7, 3, 7]))
    assert nearest_prototype(
        Subset(dataset=samples, places=[0, 1]), Subset(dataset=samples, places=[2, 3])
    ).tolist() == [3, 7]


@pytest.mark.parametrize("drift", Drift, ids=[drift.name for drift in Drift])
def test_drifted__changes_as_it_says_and_again_the_same(drift):
    data = StudyData(
        name="x", n_channels=2, side=6, pool=1, train_per_class=1, epochs=1, learning_rate=1, gain=1
    )
    rng = np.random.default_rng(0)
    spikes = rng.random((50, 8, 72)) < 0.2
    samples = from_arrays(spikes, np.zeros(50, int))
    one, same = (to_arrays(drifted(samples, drift, data, 3))[0] for _ in range(2))
    assert (one == same).all()
    image, before = one.reshape(50, 8, 2, 6, 6), spikes.reshape(50, 8, 2, 6, 6)
    if drift is Drift.SHIFT:
        assert (image[..., 2:, 2:] == before[..., :-2, :-2]).all()
        assert not image[..., :2, :].any()
        assert not image[..., :2].any()
    elif drift is Drift.DEAD:
        dead = ~one.any(axis=(0, 1))
        assert 0.25 < dead.mean() < 0.55
        assert (one[..., ~dead] == spikes[..., ~dead]).all()
    else:
        kept = (one & spikes).sum() / spikes.sum()
        assert 0.65 < kept < 0.80
        assert (one & ~spikes).sum() > 0.1 * spikes.sum()


# two samples a class, seen through dead inputs, may leave an output that never fires
@pytest.mark.filterwarnings("ignore::ssdp_neuro.training.silence.SilenceWarning")
def test_run_study__one_row_per_rule_lesson_and_drift():
    said = []
    found = run_study("", [QUICK], SMALL, say=said.append)
    kinds = [(m.task, m.rule, m.shots, m.drift) for m in found]
    assert len(set(kinds)) == len(kinds) == 1 + 10 + 7 + 3 * 10
    assert len(said) == 1
    text = tables(found)
    for rule in Method:
        assert f"| {rule.value} |" in text
    assert [m["rule"] for m in json.loads(to_json(found, {}))["measurements"]] == [
        m.rule for m in found
    ]
    assert figure_svg(found).startswith(b"<?xml")
    assert all(m.new is None for m in found if m.task == "drift")


def test_study_settings__refuse_what_does_not_fit():
    with pytest.raises(RangeError, match="n_steps: 32"):
        StudySettings(n_steps=32)
    with pytest.raises(RangeError, match="seeds"):
        StudySettings(seeds=())
    assert SMALL.passes(60, 10) == 2
    assert SMALL.passes(10, 10) == 6


def test_experiment__validation_samples_are_not_those_of_the_test():
    one, other = (Experiment("", QUICK, SMALL, 0, validation=v) for v in (False, True))
    assert len(other._train) < len(one._train)
    of_test = {s.tobytes() for s in to_arrays(one._test)[0]}
    assert not any(s.tobytes() in of_test for s in to_arrays(other._test)[0])
    assert isinstance(other.start(), FixedPointNetwork)
    assert other.start().population(OUTPUT).n_neurons == N_CLASSES
