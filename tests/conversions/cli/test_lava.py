"""A program file is started, and stopped where it would run."""

import json
import textwrap

import pytest

pytestmark = pytest.mark.lava
PROGRAM = """
import hw_models.lava_processes
import sys
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF

first, second = LIF(shape=(2,), name="first"), LIF(shape=(3,), name="second")
dense = Dense(weights=np.array([[9, 5], [2, 2], [4, 4]]), name="dense")
first.s_out.connect(dense.s_in)
dense.a_out.connect(second.a_in)
if __name__ == "__main__":
    try:
        second.run(condition=RunSteps(10), run_cfg=Loihi2SimCfg(select_tag=sys.argv[1]))
    finally:
        open("ran.txt", "w").write("it ran on")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.py").write_text(PROGRAM)
    cells = [{"cell_type": "markdown", "source": ["# text"]}]
    lines = PROGRAM.replace("sys.argv[1]", "'fixed_pt'").splitlines(keepends=True)
    cells += [{"cell_type": "code", "source": each} for each in (["%matplotlib inline\n"], lines)]
    (tmp_path / "net.ipynb").write_text(json.dumps({"cells": cells}))
    return tmp_path


def test_lava__shows_a_program_that_it_does_not_run(command, folder):
    ran = command("lava net.py floating_pt --steps 5")
    assert ran.status == 0, ran.err
    assert "PyDenseModelFloat" in ran.out
    assert "compiled loops" in ran.out
    assert "Measured" in ran.out
    assert not (folder / "ran.txt").exists()


@pytest.mark.parametrize("program", ["net.ipynb", "net:second"])
def test_lava__reads_notebooks_and_objects(command, folder, program):
    found = json.loads(command(f"lava {program} --json").out)
    assert [each["name"] for each in found["processes"]] == ["first", "second", "dense"]
    assert {each["runs_by"] for each in found["processes"]} == {"engine"}
    assert found["measured_us"] is None
    assert not (folder / "ran.txt").exists()


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (None, "no such file"),
        ("net.txt", "a file .py or .ipynb is needed"),
        ("x = 1", "has not run a Process 1 times"),
        ("import nothing_there", "failed before it ran a Process"),
        (
            """
            import hw_models.lava_processes
            from lava.magma.core.process.process import AbstractProcess
            from lava.magma.core.run_conditions import RunSteps
            from lava.magma.core.run_configs import Loihi2SimCfg

            class Empty(AbstractProcess):
                pass

            Empty().run(condition=RunSteps(1), run_cfg=Loihi2SimCfg())
            """,
            "NoProcessModelFound",
        ),
    ],
)
def test_lava__says_what_is_wrong_with_a_program(command, tmp_path, program, says):
    name = program if program == "net.txt" else "bad.py"
    if program is not None:
        (tmp_path / name).write_text(textwrap.dedent(program))
    ran = command(f"lava {name}")
    assert ran.status == 2
    assert says in ran.err
