"""Learning connections between Processes of a user: compiled, equal to Lava's own models."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import (
    Loihi2FLearningRule,
    Loihi3FLearningRule,
    LoihiLearningRule,
)
from lava.magma.core.run_conditions import RunSteps
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import LearningSparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix, issparse

from conversions import EngineCfg, explain_lava
from conversions.lava.runtime import model_building
from conversions.lava.runtime.plastic_model import METHODS
from hw_models.lava_processes.direct_run import DirectRun
from tests.conversions.lava.user_program.teller import Teller

pytestmark = [pytest.mark.lava, pytest.mark.kernel]
N_STEPS = 150
SHAPE = (5, 7)  # targets, sources
VARS = (
    "weights", "tag_1", "tag_2", "x0", "tx", "x1", "x2", "y0", "ty", "y1", "y2", "y3", "a_buff",
)  # fmt: skip
TRACES = {
    "x1_impulse": 20.25, "x1_tau": 7, "x2_impulse": 90, "x2_tau": 20, "y1_impulse": 30.5,
    "y1_tau": 12, "y2_impulse": 60, "y2_tau": 5, "rng_seed": 7,
}  # fmt: skip
DEAF = {"x1_impulse": 30.25, "x1_tau": 9, "t_epoch": 2, "rng_seed": 2}
PAIRS = {"dw": "2^-2 * y0 * x1 - 2^-2 * x0 * y1", **TRACES}
RULES = {
    "pairs": Loihi2FLearningRule(**PAIRS, t_epoch=1),
    "epochs": Loihi2FLearningRule(
        dw="2^-2*y0*x1 - 2^-3*x0*y2 - 2^-6*u0*w + 2^-3*t*u0",
        dt="2^-1*y0*x2 - x0*2^-3*y1 - 2^-4*t*u0",
        dd="2^-3*x0*y1",
        t_epoch=4,
        **TRACES,
    ),
    "sent": Loihi3FLearningRule(
        dw="2^-4 * u0 * t * y2", dt="2^-1 * y0 * x1 - 2^-3 * x0 * y1 - 2^-3 * u0 * t",
        x1_impulse=30, x1_tau=9, t_epoch=1, rng_seed=4,
    ),
    "graded": Loihi2FLearningRule(**PAIRS, t_epoch=2),
    "listed": Loihi2FLearningRule(**{**PAIRS, "dw": "y0*x1 - 2*x0*y1 - 2^-5*u0*x2"}, t_epoch=3),
    "listed graded": Loihi2FLearningRule(**PAIRS, t_epoch=2),
}  # fmt: skip


def program(rule, rng, **fields):
    """Spikes, a connection that learns, neurons, and a Process of the user that hears and tells."""
    n_post, n_pre = SHAPE
    numbers = rng.integers(1, 200, (n_pre, N_STEPS)) if "num_message_bits" in fields else 1
    source = Source(data=(rng.random((n_pre, N_STEPS)) < 0.2) * numbers)
    teacher = Source(data=(rng.random((n_post, N_STEPS)) < 0.15) * 1)
    weights = rng.integers(-90, 90, SHAPE) * 2
    tags = {"tag_1": rng.integers(-60, 60, SHAPE), "tag_2": rng.integers(0, 60, SHAPE)}
    kind: type = LearningDense
    if fields.pop("is_listed", False):
        kind, tags = LearningSparse, {}
        weights = csr_matrix(weights * (rng.random(SHAPE) < 0.6))
    plastic = kind(
        weights=weights, learning_rule=rule, sign_mode=SignMode.MIXED, weight_exp=1,
        name="plastic", **tags, **fields,
    )  # fmt: skip
    taught = Dense(weights=np.eye(n_post) * 200)
    neurons = LIF(shape=(n_post,), du=4095, dv=500, vth=9)
    teller = Teller(shape=(n_post,))
    source.s_out.connect(plastic.s_in)
    teacher.s_out.connect(taught.s_in)
    for each in (plastic, taught):
        each.a_out.connect(neurons.a_in)
    neurons.s_out.connect(teller.heard)
    if type(rule) is not LoihiLearningRule:  # which hears no target
        teller.told.connect(plastic.s_in_bap)
    if isinstance(rule, Loihi3FLearningRule):
        for number in (1, 2, 3):
            getattr(teller, f"y{number}").connect(getattr(plastic, f"s_in_y{number}"))
    return [source, teacher, taught, neurons, teller, plastic]


def graded(name):
    fields = {"is_listed": True} if "listed" in name else {}
    if "graded" in name:
        fields |= {"num_message_bits": 8, "graded_spike_cfg": GradedSpikeCfg.OVERWRITE}
    return fields


def full(value):
    return value.toarray() if issparse(value) else np.array(value)


def values_of(process, names=VARS):
    if isinstance(process, LearningSparse):  # Lava's own get fails on tags that store nothing
        names = [name for name in names if not name.startswith("tag")]
    return {name: full(getattr(process, name).get()) for name in names}


@pytest.mark.parametrize("name", RULES)
def test_plastic_model__holds_what_lavas_model_holds_after_every_step(name):
    rule, fields = RULES[name], graded(name)
    judged = program(rule, np.random.default_rng(3), **fields)
    direct = DirectRun(judged)
    model = direct.model(judged[-1])
    processes = program(rule, np.random.default_rng(3), **fields)
    plastic = processes[-1]
    seen = [Monitor() for _ in range(2)]
    probed = ("y1" if "listed" in name else "weights", "x1")  # Lava has no Monitor of a matrix
    for monitor, var in zip(seen, probed, strict=True):
        monitor.probe(getattr(plastic, var), N_STEPS)
    expected = {var: [] for var in probed}
    first = full(model.weights)
    for step in range(N_STEPS):
        direct.step()
        plastic.run(condition=RunSteps(1), run_cfg=EngineCfg(select_tag="fixed_pt"))
        for var, found in values_of(plastic).items():
            held = full(getattr(model, var)).astype(float)
            np.testing.assert_array_equal(found, held, f"{var} after step {step + 1}")
        for var, rows in expected.items():
            rows.append(np.array(getattr(model, var)))
    (actor,) = [each for each in plastic.runtime.actors if each.process is plastic]
    assert actor.compiled == METHODS
    assert actor.plastic._has_learned
    handed = plastic.runtime.model_of(plastic)
    for var in VARS:
        assert getattr(handed, var).dtype == getattr(model, var).dtype, var
    plastic.stop()
    assert (full(model.weights) != first).any()
    for monitor, (var, rows) in zip(seen, expected.items(), strict=True):
        np.testing.assert_array_equal(monitor.get_data()["plastic"][var], np.array(rows))


def run_with_changes(name, monkeypatch, by_lava):
    """Vars are set in the middle of epochs, also to what no chip holds."""
    with monkeypatch.context() as patch:
        if by_lava:
            patch.setattr(model_building.PlasticModel, "of", lambda *_: None)
        *_, plastic = program(RULES[name], np.random.default_rng(5), **graded(name))
        seen, ways = [], []
        for turn, n_steps in enumerate((3, 40, 30, 6, 41)):
            config = EngineCfg(select_tag="fixed_pt")
            plastic.run(condition=RunSteps(n_steps), run_cfg=config)
            seen.append(values_of(plastic))
            if not by_lava:
                (actor,) = [each for each in plastic.runtime.actors if each.process is plastic]
                ways.append(actor.plastic._has_learned)
            if "listed" in name:
                plastic.x1.set(plastic.x1.get() * 0 + 80)
                continue
            if turn == 0:
                plastic.weights.set(plastic.weights.get() // 2 + 1)
            if turn == 1:
                plastic.tag_1.set(plastic.tag_1.get() * 0 - 5)
                plastic.x1.set(plastic.x1.get() * 0 + 80)
            if turn == 2:
                plastic.weights.set(plastic.weights.get() + 40_000)
            if turn == 3:
                plastic.weights.set(plastic.weights.get() // 4)
        plastic.stop()
    return seen, ways


@pytest.mark.parametrize("name", RULES)
def test_plastic_model__goes_on_where_vars_are_set(name, monkeypatch):
    seen, ways = run_with_changes(name, monkeypatch, by_lava=False)
    expected, _ = run_with_changes(name, monkeypatch, by_lava=True)
    assert ways == [True, True, True, "listed" in name, True]
    for turn, (found, held) in enumerate(zip(seen, expected, strict=True)):
        for var in found:
            np.testing.assert_array_equal(found[var], held[var], f"{var} in turn {turn}")


def test_plastic_model__is_explained_and_leaves_others_to_lava():
    *_, plastic = program(RULES["pairs"], np.random.default_rng(3))
    found = {each.process: each.runs_by for each in explain_lava(plastic).processes}
    assert found["LearningDense"] == "compiled loops"
    assert found["Teller"] == "own Python"
    odd = Loihi2FLearningRule(dw="y0 * x1", x1_impulse=16, x1_tau=10, t_epoch=1, rng_seed=1)
    odd._x1_tau = -4  # which no rule of ours holds
    *_, plastic = program(odd, np.random.default_rng(3))
    found = {each.process: each.runs_by for each in explain_lava(plastic).processes}
    assert found["LearningDense"] == "Lava's Python"


@pytest.mark.parametrize("kind", ["numbers", "deaf"])
def test_plastic_model__hands_over_numbers_that_the_kernels_do_not_hold(kind, monkeypatch):
    """Of 511 and more in the middle of a run; and a rule that hears no target learns as before."""

    def values(by_lava):
        with monkeypatch.context() as patch:
            if by_lava:
                patch.setattr(model_building.PlasticModel, "of", lambda *_: None)
            rule, fields = RULES["graded"], {**graded("graded"), "num_message_bits": 11}
            if kind == "deaf":
                rule, fields = LoihiLearningRule(dw="2^-3 * x0 * x1 - u0", **DEAF), {}
            source, *_, plastic = program(rule, np.random.default_rng(6), **fields)
            if kind == "numbers":
                data = source.data.init
                data[3, 61] = 900
            seen, ways = [], []
            for _ in range(3):
                plastic.run(condition=RunSteps(40), run_cfg=EngineCfg(select_tag="fixed_pt"))
                seen.append(values_of(plastic))
                (actor,) = [each for each in plastic.runtime.actors if each.process is plastic]
                ways.append(actor.plastic is not None and actor.plastic._has_learned)
            plastic.stop()
        return seen, ways

    seen, ways = values(by_lava=False)
    expected, _ = values(by_lava=True)
    assert ways == ([True, False, False] if kind == "numbers" else [True] * 3)
    for found, held in zip(seen, expected, strict=True):
        for var in VARS:
            np.testing.assert_array_equal(found[var], held[var], var)
