"""A program by Lava's models, with single methods compiled, and with whole turns compiled."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.magma.core.run_conditions import RunSteps

from conversions import EngineCfg
from conversions.lava.runtime import engine_runtime, model_building
from conversions.lava.runtime.neuron_turn import NeuronTurn
from hw_models import ConversionError

N_STEPS = 12
UNREADABLE = ("delays", "du", "vth")  # Lava's own get fails on zeros, and on one for each neuron


def _refuse(*_):
    raise ConversionError("models are compared")


MODELS, METHODS, TURNS = "models", "methods", "turns"  # by NumPy, single methods, whole turns


def values_of(build, tag, how, monkeypatch, updates=()):
    """Vars of all Processes after every third step."""
    with monkeypatch.context() as patch:
        for whole in ("LoopBatch", "EngineBatch"):  # models are compared
            patch.setattr(engine_runtime, whole, _refuse)
        if how == MODELS:
            patch.setattr(model_building, "speed_up", lambda model: [])
        if how != TURNS:
            patch.setattr(NeuronTurn, "fits", lambda kind: False)
        processes = build(np.random.default_rng(8))
        seen = []
        for step in range(N_STEPS // 3):
            processes[0].run(condition=RunSteps(3), run_cfg=EngineCfg(select_tag=tag))
            found = [
                var.get()
                for each in processes
                for var in each.vars.members
                if var.name not in UNREADABLE
            ]
            seen += [each.toarray() if hasattr(each, "toarray") else each for each in found]
            for update in updates:
                update(step, *processes)
        compiled = {name for actor in processes[0].runtime.actors for name in actor.compiled}
        assert compiled or how != TURNS
        assert not (compiled and how == MODELS)
        processes[0].stop()
    return seen, compiled


def assert_equal(build, tag, monkeypatch, updates=()):
    slow, _ = values_of(build, tag, MODELS, monkeypatch, updates)
    assert any(np.any(each) for each in slow)
    for how in (METHODS, TURNS):
        fast, compiled = values_of(build, tag, how, monkeypatch, updates)
        for first, second in zip(fast, slow, strict=True):
            np.testing.assert_array_equal(first, second)
    return compiled
