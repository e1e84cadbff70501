"""A Hypothesis test for as long as one likes: by atheris where it is installed, else by itself."""

from __future__ import annotations

import os
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import seed as with_seed

PACKAGES = ("hw_models", "ssdp_neuro", "conversions")
# a round of examples, between looks at the clock; decorates the test
ROUND = settings(
    max_examples=300,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


def run_for(check: Callable[[], Any], seconds: float, seed: int) -> None:
    """Run a test decorated with ROUND and ``given`` until the time is over, a round at least.

    Raises
    ------
    AssertionError, or what the test raises
        On the first example that fails, which Hypothesis makes small and prints.
    """
    try:
        import atheris
    except ImportError:
        _by_hypothesis(check, seconds, seed)
        return
    _by_atheris(atheris, check, seconds, seed)


def _by_hypothesis(check: Any, seconds: float, seed: int) -> None:
    end, number = time.monotonic() + seconds, 0
    while number == 0 or time.monotonic() < end:
        with_seed(seed + number)(check)()
        number += 1


def _own_functions() -> Iterator[Any]:
    """Functions of this distribution that are loaded; all of PyTorch's would take minutes."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in PACKAGES:
            classes = [value for value in vars(module).values() if isinstance(value, type)]
            for space in (module, *classes):
                for value in vars(space).values():
                    if isinstance(value, types.FunctionType) and value.__module__ == name:
                        yield value


def _by_atheris(atheris: Any, check: Any, seconds: float, seed: int) -> None:
    """In a child, as libFuzzer ends its process; guided by the branches that examples reach."""
    child = os.fork()
    if child == 0:
        for function in _own_functions():
            atheris.instrument_func(function)
        limits = [
            f"-max_total_time={int(seconds)}",
            f"-seed={seed % 2**32}",
            "-max_len=512",
            "-len_control=0",
        ]
        atheris.Setup([sys.argv[0], *limits], check.hypothesis.fuzz_one_input)
        atheris.Fuzz()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"atheris ended with status {os.waitstatus_to_exitcode(status)}"
