"""Arrays of every kind into every public call that takes one.

Whatever an array is, a call answers as it does to the same values given plainly, or refuses
by an error of this distribution; it never crashes. A crash takes the process with it, so
the case under way is written down first, where ``CASE_FILE`` names a place for it.

``python -m tests.fuzz.arrays --seconds 600 --seed 1`` runs this module alone; with
``--sweep`` first every call with every dtype and layout that holds its values.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hw_models import SsdpError
from tests.fuzz.array_calls import ArrayCall, engine_calls, training_calls
from tests.fuzz.disguises import LAYOUTS, disguised, fitting_dtypes, scribbled, wild
from tests.fuzz.long_run import ROUND, run_for

CASE_FILE = "FUZZ_CASE_FILE"  # names the environment variable
CALLS = [*engine_calls(), *training_calls()]
EXPECTED = {call.name: call.call(call.plain) for call in CALLS}


class Case(NamedTuple):
    """An array for a call; ``same`` says that its values are the plain ones."""

    call: ArrayCall
    what: str
    array: Any
    same: bool

    def __repr__(self) -> str:
        return f"{self.call.name}: {self.what}"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Every call, with disguised and with wild arrays."""
    call = draw(st.sampled_from(CALLS))
    same = draw(st.booleans())
    plain = call.plain
    what, array = draw(disguised(plain, call.is_binary) if same else wild(plain.shape))
    return Case(call, what, array, same)


@ROUND
@given(case=cases())
def check(case: Case) -> None:
    """One case; Hypothesis finds the smallest that fails."""
    try_case(case)


def try_case(case: Case) -> None:
    """The case's call; raises if its answer is neither right nor a refusal."""
    if CASE_FILE in os.environ:
        Path(os.environ[CASE_FILE]).write_text(repr(case))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if case.same:
            assert case.call.call(case.array) == EXPECTED[case.call.name], repr(case)
            return
        with contextlib.suppress(SsdpError):
            case.call.call(case.array)


def sweep() -> int:
    """Every call with every dtype that holds its values, and every layout; how many cases."""
    rng, count = np.random.default_rng(0), 0
    for call in CALLS:
        kinds = [(dtype, "as it is") for dtype in fitting_dtypes(call.plain, call.is_binary)]
        kinds += [(kinds[-1][0], layout) for layout in LAYOUTS]
        for dtype, layout in kinds:
            array = call.plain.astype(dtype)
            array = scribbled(array, rng) if dtype == "?" else array
            try_case(Case(call, f"dtype {dtype}, {layout}", LAYOUTS[layout](array), same=True))
            count += 1
    return count


def run(seconds: float, seed: int) -> None:
    """New cases until the time is over; raises on the first that fails."""
    run_for(check, seconds, seed)


def main() -> None:
    """Run this module alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sweep", action="store_true")
    arguments = parser.parse_args()
    if arguments.sweep:
        print(sweep(), "cases swept")
    run(arguments.seconds, arguments.seed)


if __name__ == "__main__":
    main()
