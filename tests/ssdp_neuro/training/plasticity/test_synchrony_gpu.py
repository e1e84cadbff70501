"""The kernel of a GPU without one: interpreted on a CPU, and compiled for a GPU's processor."""

from pathlib import Path

import pytest

from tests.ssdp_neuro.training.gpu_child import COMPILED, ran, ran_interpreted

pytest.importorskip("triton", reason="Triton is made for Linux alone")

INTERPRETED = Path(__file__).with_name("interpreted_gpu_update.py")
KERNELS = """
from ssdp_neuro.training.plasticity import synchrony_triton as module

for real in ("fp32", "fp64"):
    types = dict.fromkeys(("kernel", "amplitudes", "share", "update"), "*" + real)
    blocks = {"block_post": module.BLOCK_POST, "block_pre": module.BLOCK_PRE}
    codes = {"post": "*i32", "pre": "*i32"}
    print(compiled(module.sum_over_samples, blocks, types | codes))
"""


def test_kernel__interpreted_is_the_formula():
    assert "7 passed" in ran_interpreted(INTERPRETED)


def test_kernel__compiles_for_a_gpu():
    sizes = [int(line) for line in ran("-c", COMPILED + KERNELS).split()]
    assert len(sizes) == 2
    assert min(sizes) > 1000
