"""Whole programs in one loop, in both number worlds: models hold what they would have computed."""

import re

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF

from conversions import EngineCfg, explain_lava, run_in_engine
from conversions.lava.runtime import engine_runtime
from hw_models import ConversionError, ExecutorError
from tests.conversions.lava import fixed_programs
from tests.conversions.lava.float_programs import N_STEPS, NEURONS, program, values

# of images whose sums go beyond int32
CAST = "ignore:invalid value encountered in cast:RuntimeWarning"
pytestmark = [pytest.mark.lava, pytest.mark.kernel, pytest.mark.filterwarnings(CAST)]


FIXED, FLOAT = "fixed_pt", "floating_pt"


def run_program(updates, run_cfg, build=program):
    processes = build(np.random.default_rng(4))
    seen = []
    for n_steps, update in updates:
        processes[0].run(condition=RunSteps(n_steps), run_cfg=run_cfg)
        seen.append(values(processes))
        if update:
            update(processes)
    notes = getattr(processes[0].runtime, "notes", ())
    whole = getattr(processes[0].runtime, "is_whole", False)
    processes[0].stop()
    return seen, whole, notes


def refuse(*_):
    raise ConversionError("not now")


def set_state(processes):
    processes[0].v.set(np.full((3, 4), 0.5))
    processes[5].weights.set(processes[5].weights.get() * 2)
    processes[9].weight.set(processes[9].weight.get()[::-1])
    processes[16].weights.set(processes[16].weights.get() * -2)
    processes[1].vth.set(np.array([0.4]))


def set_integers(processes):
    processes[1].sigma.set(np.full(processes[1].shape, 40))
    processes[2].vth.set(np.array([3]))
    processes[5].weight.set(processes[5].weight.get()[::-1])
    processes[6].weights.set(processes[6].weights.get() // 2)
    processes[11].v.set(np.full(6, 99))


UPDATES = {
    "one run": [(N_STEPS, None)],
    "runs": [(1, None), (40, None), (7, None)],
    "changes": [(20, set_state), (30, None), (5, set_state), (9, None)],
    "changed integers": [(20, set_integers), (30, None), (5, set_integers), (9, None)],
}


def single_target(rng):
    """Sums that NumPy takes in an order of its own, among them of numbers that are not finite."""
    source = Source(data=(rng.random((4, 9)) < 0.5).astype(float))
    dense, cell = Dense(weights=rng.random((1, 4))), LIF(shape=(1,), **NEURONS)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(cell.a_in)
    data = rng.normal(size=(5, 5, 1, 9))
    data[2, 3, 0, 7] = np.inf
    image, conv = (
        Source(data=data),
        Conv(weight=rng.random((2, 2, 2, 1)), input_shape=(5, 5, 1), num_message_bits=8),
    )
    last = LIF(shape=conv.output_shape, **NEURONS)
    image.s_out.connect(conv.s_in)
    conv.a_out.connect(last.a_in)
    return [cell, source, dense, image, conv, last]


@pytest.mark.parametrize(
    ("case", "build", "tag"),
    [
        ("one run", program, FLOAT),
        ("runs", program, FLOAT),
        ("changes", program, FLOAT),
        ("runs", single_target, FLOAT),
        ("one run", fixed_programs.program, FIXED),
        ("runs", fixed_programs.program, FIXED),
        ("changed integers", fixed_programs.program, FIXED),
        ("runs", fixed_programs.overflowing, FIXED),
    ],
)
def test_loop_batch__leaves_what_models_would(case, build, tag, monkeypatch):
    found, whole, notes = run_program(UPDATES[case], EngineCfg(select_tag=tag), build)
    assert (whole, notes) == (True, ())
    with monkeypatch.context() as patch:
        patch.setattr(engine_runtime, "LoopBatch", refuse)
        expected, whole, _ = run_program(UPDATES[case], EngineCfg(select_tag=tag), build)
    assert not whole
    for ours, models in zip(found, expected, strict=True):
        for one, other in zip(ours, models, strict=True):
            np.testing.assert_array_equal(one, other)
    assert any(np.abs(each).sum() > 10 for each in found[0])


def test_loop_batch__gives_rasters_and_goes_on_in_chunks(monkeypatch):
    monkeypatch.setattr("conversions.lava.runtime.loop_batch.CHUNK", 400)
    processes = program(np.random.default_rng(5))
    config = EngineCfg(select_tag="floating_pt")
    run = run_in_engine(processes[0], N_STEPS, run_cfg=config)
    rasters = [run.raster(process) for process in processes[:4]]
    assert all(raster.shape[0] == N_STEPS and raster.any() for raster in rasters)
    monkeypatch.setattr(engine_runtime, "LoopBatch", refuse)
    again = program(np.random.default_rng(5))
    other = run_in_engine(again[0], N_STEPS, run_cfg=EngineCfg(select_tag="floating_pt"))
    for raster, process in zip(rasters, again, strict=False):
        np.testing.assert_array_equal(raster, other.raster(process))


def endless(rng):
    data = np.ones((4, 9))
    data[2, 3] = np.inf
    source, cell = Source(data=data), LIF(shape=(3,), **NEURONS)
    dense = DelayDense(weights=rng.random((3, 4)), delays=np.zeros((3, 4), int), num_message_bits=8)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(cell.a_in)
    return [cell, source, dense]


def around(rng):
    processes = endless(rng)[:2]
    dense = [Dense(weights=rng.random((3, 3))) for _ in range(2)]
    dense[0].a_out.connect(dense[1].s_in)
    dense[1].a_out.connect(dense[0].s_in)
    dense[0].a_out.connect(processes[0].a_in)
    return [*processes, *dense]


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (endless, "may hear numbers that are not finite"),
        (around, "send to each other in a circle"),
    ],
)
def test_loop_batch__leaves_to_models_what_it_could_not_add_alike(build, why):
    found, whole, notes = run_program(
        UPDATES["one run"], EngineCfg(select_tag="floating_pt"), build
    )
    assert not whole
    assert any(re.search(why, note) for note in notes)
    assert found


def test_loop_batch__lets_models_say_that_a_monitor_is_full():
    processes = program(np.random.default_rng(6))
    with pytest.raises(ExecutorError, match=r"Monitor .* IndexError"):
        processes[0].run(
            condition=RunSteps(N_STEPS + 3), run_cfg=EngineCfg(select_tag="floating_pt")
        )


def test_explain_lava__says_that_the_program_is_one_loop():
    processes = program(np.random.default_rng(6))
    explained = explain_lava(processes[0], run_cfg=EngineCfg(select_tag="floating_pt"))
    assert {each.runs_by for each in explained.processes} == {"compiled loops"}
