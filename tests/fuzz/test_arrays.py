"""A short run in a child process: a crash of compiled code must not take the suite with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHORT = ("--sweep", "--seconds", "0", "--seed", "1")


@pytest.mark.kernel
def test_arrays__of_every_kind_are_answered_or_refused(tmp_path):
    case_file = tmp_path / "case"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz.arrays", *SHORT],
        cwd=ROOT,
        env={**os.environ, "FUZZ_CASE_FILE": str(case_file)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    last = case_file.read_text() if case_file.exists() else "before the first case"
    assert done.returncode == 0, f"{last}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    assert "cases swept" in done.stdout
