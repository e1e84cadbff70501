"""What Lava's learning tutorials build, run by EngineCfg: every value as in Lava's own runtime."""

import subprocess
import sys

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest

from conversions import EngineCfg
from tests.conversions.lava.learning_programs import PROGRAMS, prototypes, results

pytestmark = [
    pytest.mark.lava,
    # of Lava's Allocator, whose number of the next neuron is an array of one
    pytest.mark.filterwarnings("ignore:Conversion of an array with ndim > 0:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def by_lava(tmp_path_factory):
    path = tmp_path_factory.mktemp("lava") / "results.npz"
    command = [sys.executable, "-m", "tests.conversions.lava.learning_programs", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(path) as values:
        return dict(values)


@pytest.mark.parametrize("program", PROGRAMS)
def test_engine_cfg__learns_what_lavas_runtime_learns(program, by_lava):
    values = results(program, EngineCfg)
    assert all(np.any(each) for each in values)
    for number, each in enumerate(values):
        np.testing.assert_array_equal(each, by_lava[f"{program.__name__}-{number}"])


def test_engine_cfg__learns_prototypes_in_one_shot():
    *_, novel, said, weights, labels = results(prototypes, EngineCfg)
    assert novel.sum() == 3, "each of three patterns is new once"
    assert labels.tolist() == [1, 2, 3, 0]
    shown = said[60:].reshape(-1, 20)  # noisy ones, without labels
    assert [set(row[row != 0].astype(int)) for row in shown[:5]] == [{1}, {2}, {3}, {2}, {1}]
    assert (weights[3] == 0).all()
