"""Every tutorial runs as a script, warnings as errors; the site runs them as notebooks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh_python import without_notice

# Python ignores ImportWarnings by default; networkx, which Lava uses, gives one
STRICT = ("-W", "error", "-W", "ignore:pandas not found:ImportWarning")
TUTORIALS = sorted(Path(__file__).parents[1].glob("docs/tutorials/*.py"))


@pytest.mark.lava
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial__runs_as_a_script(path, tmp_path):
    ran = subprocess.run(
        [sys.executable, *STRICT, path],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, without_notice(ran.stderr)) == (0, "")
    assert ran.stdout.strip()
    assert not list(tmp_path.iterdir())


def test_tutorials__are_there():
    assert [path.name[:2] for path in TUTORIALS] == [f"{number}_" for number in range(1, 9)]


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial__describes_its_figures(path):
    cells = path.read_text(encoding="utf-8").split("\n# %%")
    drawn = [cell for cell in cells if "plot." in cell or "pyplot.subplots" in cell]
    assert all(cell.startswith(' alt="') for cell in drawn if "import" not in cell)
