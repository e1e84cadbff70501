"""How the Processes of a program run, said before and after it ran."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF

from conversions import EngineCfg, explain_lava
from hw_models import InputError, TypeMismatchError
from tests.conversions.lava.user_program.processes import Layer, Phases

pytestmark = [pytest.mark.lava, pytest.mark.kernel]


def ways(found):
    return {each.process: each.runs_by for each in found.processes}


def test_explain_lava__says_what_the_engine_runs_and_lava_changes():
    dense = Dense(weights=np.array([[5, -3], [2, 2]]))
    neurons = LIF(shape=(2,), vth=150_000, bias_mant=3)
    neurons.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    found = explain_lava(neurons, n_steps=3)
    assert ways(found) == {"LIF": "engine", "Dense": "engine"}
    assert any("weights" in note for note in found.notes)
    assert any("Loihi 2 cannot hold" in note and "threshold" in note for note in found.notes)
    assert found.measured_us > 0
    assert {each.share for each in found.processes} == {None}
    assert "Loihi 2 cannot hold" in str(found)
    neurons.run(condition=RunSteps(2))
    assert neurons.runtime.model_of(neurons).time_step == 5


def test_explain_lava__says_whose_python_takes_the_time():
    layer, phases = Layer(weights=np.full((2, 2), 30), name="layer"), Phases(9, name="mine")
    layer.s_out.connect(phases.a_in)
    phases.s_out.connect(layer.s_in)
    config = Loihi2SimCfg(select_tag="fixed_pt", select_sub_proc_model=True)
    found = explain_lava(layer, config)
    assert ways(found) == {
        "Layer": "its parts",
        "Dense": "compiled loops",
        "LIF": "compiled loops",
        "Phases": "own Python",
    }
    assert found.measured_us is None
    assert found.overhead_us < found.overhead_lava_us == 750
    ran = explain_lava(layer, n_steps=8)
    assert sum(each.share or 0 for each in ran.processes) == pytest.approx(1)
    assert all(each.share > 0 for each in ran.processes if each.process != "Layer")
    assert "mine: a model in Python has no place on a neuro core" in str(ran)


def test_explain_lava__refuses():
    with pytest.raises(TypeMismatchError, match="a Lava Process is needed"):
        explain_lava(5)
    neurons = LIF(shape=(1,))
    neurons._runtime = object()
    with pytest.raises(InputError, match="runs in Lava's own runtime"):
        explain_lava(neurons)


def test_explain_lava__tells_of_real_numbers():
    neurons = LIF(shape=(1,), name="soft")
    found = explain_lava(neurons, EngineCfg())
    assert "floating point, where a chip computes in integers: LIF 'soft'" in found.notes
