"""Whole programs in the engine: their models hold what they would have computed themselves."""

import re

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.graded.process import GradedVec
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import DelaySparse, Sparse
from scipy.sparse import csr_matrix

from conversions import EngineCfg
from conversions.lava.reading.walk import label
from conversions.lava.runtime import engine_runtime
from hw_models import ConversionError, ExecutorError

pytestmark = [pytest.mark.lava, pytest.mark.kernel]
NEURONS = {"du": 900, "dv": 200, "vth": 60}


def program(rng):
    """Every kind of connection, a loop, sinks of spikes and of a source, Monitors."""
    source = Source(data=(rng.random((32, 7)) < 0.3).astype(int))
    conv = Conv(weight=2 * rng.integers(-30, 40, (3, 3, 3, 2)), input_shape=(4, 4, 2), padding=1)
    first = LIF(shape=conv.output_shape, bias_mant=rng.integers(0, 99, (4, 4, 3)), **NEURONS)
    delays = rng.integers(0, 4, (9, 48))
    late = DelayDense(weights=2 * rng.integers(-20, 40, (9, 48)), delays=delays, max_delay=3)
    second = LIFReset(shape=(9,), reset_interval=5, reset_offset=1, **NEURONS)
    dense = Dense(weights=2 * rng.integers(-20, 40, (9, 9)), weight_exp=-1)
    weights = csr_matrix(2 * rng.integers(-30, 40, (6, 9)) * (rng.random((6, 9)) < 0.6))
    sparse, third = Sparse(weights=weights), LIF(shape=(6,), **NEURONS)
    lags = csr_matrix((rng.integers(0, 3, weights.nnz), weights.indices, weights.indptr), (6, 9))
    slow = DelaySparse(weights=weights, delays=lags, max_delay=2)
    source.s_out.reshape((4, 4, 2)).connect(conv.s_in)
    conv.a_out.connect(first.a_in)
    first.s_out.flatten().connect(late.s_in)
    late.a_out.connect(second.a_in)
    second.s_out.connect([dense.s_in, sparse.s_in, slow.s_in])
    dense.a_out.connect(second.a_in)
    sparse.a_out.connect(third.a_in)
    slow.a_out.connect(third.a_in)
    sinks = [Sink(shape=(9,), buffer=11), Sink(shape=(32,), buffer=40)]
    second.s_out.connect(sinks[0].a_in)
    source.s_out.connect(sinks[1].a_in)
    monitors = [Monitor(), Monitor(), Monitor()]
    monitors[0].probe(third.v, 60)
    monitors[1].probe(first.s_out, 60)
    monitors[2].probe(second.u, 60)
    return [first, second, third, source, conv, late, dense, sparse, slow, *sinks, *monitors]


def values(processes):
    """All Vars."""
    found = []
    for each in processes:
        for var in each.vars.members:
            if var.name == "delays":  # Lava's own get fails on zeros
                continue
            value = var.get()
            found.append(value.toarray() if hasattr(value, "toarray") else value)
    return found


def run_program(updates, *, in_engine, monkeypatch):
    with monkeypatch.context() as patch:
        if not in_engine:
            _leave_to_models(patch)
        processes = program(np.random.default_rng(4))
        seen = []
        for n_steps, update in updates:
            processes[0].run(condition=RunSteps(n_steps), run_cfg=EngineCfg(select_tag="fixed_pt"))
            seen += values(processes)
            if update:
                update(*processes)
        notes = processes[0].runtime.notes
        assert processes[0].runtime.is_whole == in_engine  # in the loop, where the engine ends
        processes[0].stop()
    return seen, notes


def _refuse(*_):
    raise ConversionError("not wanted")


def _leave_to_models(patch):
    for whole in ("EngineBatch", "LoopBatch"):
        patch.setattr(engine_runtime, whole, _refuse)


def set_state(first, second, *_):
    first.v.set(first.v.get() // 2 - 7)
    second.u.set(np.arange(9) * 100)


def set_bias(first, *_):
    first.bias_mant.set(first.bias_mant.get() + 3)


def set_far(first, *_):
    first.v.set(np.full(first.v.shape, 1 << 30))


@pytest.mark.parametrize(
    ("updates", "note"),
    [
        ([(1, None), (2, None), (30, None), (5, None)], None),
        ([(13, set_state), (9, set_state), (1, None)], None),
        ([(9, set_bias), (7, set_state), (9, None)], "LIF .*: bias_mant was set"),
        ([(9, set_far), (9, None)], "allowed"),
    ],
)
def test_engine_batch__leaves_models_as_they_would_be(updates, note, monkeypatch):
    fast, notes = run_program(updates, in_engine=True, monkeypatch=monkeypatch)
    slow, why = run_program(updates, in_engine=False, monkeypatch=monkeypatch)
    assert why == ("not run as a whole by the engine: not wanted",)
    for first, second in zip(fast, slow, strict=True):
        np.testing.assert_array_equal(first, second)
    assert len(notes) == (note is not None)
    if note:
        assert re.search(f"not run by the engine any more: .*{note}", notes[0])


def test_engine_batch__begins_from_what_was_set_before_the_first_step(monkeypatch):
    results = []
    for in_engine in (True, False):
        with monkeypatch.context() as patch:
            if not in_engine:
                _leave_to_models(patch)
            processes = program(np.random.default_rng(4))
            processes[0].create_runtime(EngineCfg(select_tag="fixed_pt"))
            set_state(*processes)
            processes[0].run(condition=RunSteps(12))
            results.append(values(processes))
            assert in_engine == (processes[0].runtime.notes == ())
    for first, second in zip(*results, strict=True):
        np.testing.assert_array_equal(first, second)


def test_engine_batch__runs_until_it_is_paused():
    neurons = LIF(shape=(1,), du=4095, dv=0, vth=1, bias_mant=40)
    neurons.run(condition=RunContinuous(), run_cfg=EngineCfg(select_tag="fixed_pt"))
    neurons.pause()
    n_steps = neurons.runtime.model_of(neurons).time_step
    assert neurons.runtime.notes == ()
    assert neurons.v.get().tolist() == [40 * (n_steps % 2)]


def test_engine_batch__fails_where_a_monitor_has_no_room():
    neurons, monitor = LIF(shape=(1,), vth=1, bias_mant=40), Monitor()
    monitor.probe(neurons.v, 5)
    neurons.run(condition=RunSteps(5), run_cfg=EngineCfg(select_tag="fixed_pt"))
    with pytest.raises(ExecutorError, match=r"Monitor .* in step 6, management phase: IndexError"):
        neurons.run(condition=RunSteps(2))


def test_engine_batch__says_what_is_in_the_way():
    graded, neurons = GradedVec(shape=(1,), vth=1), LIF(shape=(1,))
    graded.s_out.connect(neurons.a_in)
    neurons.run(condition=RunSteps(1), run_cfg=EngineCfg(select_tag="fixed_pt"))
    assert neurons.runtime.notes == (
        f"not run as a whole by the engine: {label(graded)} runs by PyGradedVecModelFixed",
    )
