"""The kernels of a GPU without one: interpreted on a CPU, and compiled for a GPU's processor."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="Triton is made for Linux alone")

INTERPRETED = Path(__file__).with_name("interpreted_gpu_scan.py")
COMPILED = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from ssdp_neuro.training.layers import lif_triton

def compiled(kernel, constants, types):
    names = kernel.arg_names
    signature = {n: types.get(n, "constexpr" if n in constants else "i32") for n in names}
    places = {(names.index(name),): value for name, value in constants.items()}
    source = ASTSource(fn=kernel, signature=signature, constexprs=places)
    return len(triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"])

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


def ran(*command, **environment):
    child = subprocess.run(
        [sys.executable, *command],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert child.returncode == 0, child.stdout[-3000:] + child.stderr[-3000:]
    return child.stdout


def test_kernels__interpreted_are_the_loop_over_the_steps():
    output = ran("-m", "pytest", "-p", "no:cacheprovider", str(INTERPRETED), TRITON_INTERPRET="1")
    assert "31 passed" in output


def test_kernels__compile_for_a_gpu():
    sizes = [int(line) for line in ran("-c", COMPILED).split()]
    assert len(sizes) == 4
    assert min(sizes) > 1000
