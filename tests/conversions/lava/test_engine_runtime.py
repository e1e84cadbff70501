"""Lava programs by EngineCfg, equal to Lava's own runtime in every value."""

import subprocess
import sys

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest

from conversions import EngineCfg
from tests.conversions.lava.runtime_programs import PROGRAMS, results

# of old NumPy in Lava's InvSqrt
OLD_NUMPY = "ignore:Conversion of an array with ndim > 0 to a scalar:DeprecationWarning"
pytestmark = [pytest.mark.lava, pytest.mark.filterwarnings(OLD_NUMPY)]


@pytest.fixture(scope="module")
def by_lava(tmp_path_factory):
    path = tmp_path_factory.mktemp("lava") / "results.npz"
    command = [sys.executable, "-m", "tests.conversions.lava.runtime_programs", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(path) as values:
        return dict(values)


@pytest.mark.parametrize("program", PROGRAMS)
def test_engine_runtime__computes_what_lavas_runtime_computes(program, by_lava):
    values = results(program, EngineCfg)
    assert any(np.any(each) for each in values)
    for number, each in enumerate(values):
        np.testing.assert_array_equal(each, by_lava[f"{program.__name__}-{number}"])


@pytest.mark.parametrize("program", PROGRAMS[:7])
def test_engine_runtime__repeats_itself(program):
    once, again = results(program, EngineCfg), results(program, EngineCfg)
    for first, second in zip(once, again, strict=True):
        np.testing.assert_array_equal(first, second)
