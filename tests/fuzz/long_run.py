"""A Hypothesis test for as long as one likes: by atheris where it is installed, else by itself."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
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
    has_atheris = importlib.util.find_spec("atheris") is not None
    (_by_atheris if has_atheris else _by_hypothesis)(check, seconds, seed)


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


def _by_atheris(check: Any, seconds: float, seed: int) -> None:
    """In a process of its own, as libFuzzer ends it, and threads do not survive a fork."""
    module = sys.modules[check.__module__].__spec__
    assert module is not None
    arguments = [module.name, check.__name__, str(int(seconds)), str(seed % 2**32)]
    ran = subprocess.run([sys.executable, "-m", "tests.fuzz.long_run", *arguments], check=False)
    assert ran.returncode == 0, f"atheris ended with status {ran.returncode}"


def main(module: str, name: str, seconds: str, seed: str) -> None:
    """Guided by the branches that examples reach; never returns."""
    import atheris

    check = getattr(importlib.import_module(module), name)
    for function in _own_functions():
        atheris.instrument_func(function)
    limits = [f"-max_total_time={seconds}", f"-seed={seed}", "-max_len=512", "-len_control=0"]
    atheris.Setup([sys.argv[0], *limits], check.hypothesis.fuzz_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
