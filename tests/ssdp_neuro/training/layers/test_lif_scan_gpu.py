"""The kernels of a GPU without one: interpreted on a CPU, and compiled for a GPU's processor."""

from pathlib import Path

import pytest

from tests.ssdp_neuro.training.gpu_child import COMPILED, ran, ran_interpreted

pytest.importorskip("triton", reason="Triton is made for Linux alone")

INTERPRETED = Path(__file__).with_name("interpreted_gpu_scan.py")
KERNELS = """
from ssdp_neuro.training.layers import lif_triton

for given, state in (("bf16", "fp32"), ("fp32", "i64")):
    real = dict.fromkeys(("numbers", "voltage", "current", "back_u", "back_v", "sums"), "*fp32")
    ends = dict.fromkeys(("given", "fired", "gradient", "back_given"), "*" + given)
    kept = ("current_kept", "voltage_kept", "bias")
    types = real | ends | dict.fromkeys((*kept, "u_state", "v_state"), "*" + state)
    modes = {"subtract": True, "refractory": 2, "block": lif_triton.BLOCK}
    forward = {"integers": state == "i64", "keeps_voltage": True, "keeps_current": True}
    print(compiled(lif_triton.run_steps, modes | forward, types | {"resting": "*i32"}))
    back = {"detached": False, "learned": True, "kind": 4}
    print(compiled(lif_triton.run_back, modes | back, types | dict.fromkeys(kept, "*fp32")))
"""


def test_kernels__interpreted_are_the_loop_over_the_steps():
    output = ran_interpreted(INTERPRETED)
    assert "31 passed" in output


def test_kernels__compile_for_a_gpu():
    sizes = [int(line) for line in ran("-c", COMPILED + KERNELS).split()]
    assert len(sizes) == 4
    assert min(sizes) > 1000
