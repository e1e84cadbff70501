"""What needs Triton in a process of its own: its interpreter, and compiling for a GPU."""

import os
import subprocess
import sys

COMPILED = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

def compiled(kernel, constants, types):
    names = kernel.arg_names
    signature = {n: types.get(n, "constexpr" if n in constants else "i32") for n in names}
    places = {(names.index(name),): value for name, value in constants.items()}
    source = ASTSource(fn=kernel, signature=signature, constexprs=places)
    return len(triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"])
"""


def ran(*command, **environment):
    """What a child process of Python printed; it must end well."""
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


def ran_interpreted(path):
    """What pytest said of a file of tests whose kernels Triton interprets."""
    return ran("-m", "pytest", "-p", "no:cacheprovider", str(path), TRITON_INTERPRET="1")
