import json
import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from ssdp_neuro.oracle import simulate as simulate_slowly
from tests.golden.__main__ import RESULT, differences
from tests.golden.network import (
    N_STEPS,
    PROBES,
    described,
    golden_network,
    golden_result,
    golden_spikes,
)

ROOT = Path(__file__).parents[2]
STORED = json.loads(RESULT.read_text())


@pytest.mark.kernel
@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_golden_result__has_the_same_bits(n_threads):
    assert list(differences(STORED, golden_result(n_threads))) == []


def test_golden_result__is_the_oracle_s():
    slow = simulate_slowly(golden_network(), golden_spikes(), n_steps=N_STEPS, probes=PROBES)
    assert list(differences(STORED["batch"], described(slow))) == []


def test_golden_result__is_that_of_a_lively_network():
    counts = STORED["batch"]["spikes"]
    assert all(min(counts[name]) > 0 for name in counts)
    assert len(set(STORED["learned"]["decisions"])) > 2


@pytest.mark.skipif(
    numba.config.DISABLE_JIT or numba.config.BOUNDSCHECK,
    reason="the usual run of the tests compares vector widths; neither mode has the usual vectors",
)
def test_golden_result__does_not_depend_on_the_width_of_vectors():
    # compiled anew for a processor that has only what all of its kind have; half a minute
    narrow = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden"],
        cwd=ROOT,
        env={**os.environ, **narrow},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "processor generic" in done.stdout
