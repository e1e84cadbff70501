"""Make the golden result, or check this machine against it.

    python -m tests.golden            # exit status 1 and what differs, if anything does
    python -m tests.golden --write    # after a change that is meant to change bits

It needs the minimal install only, so any Python is quick to ask:

    uv run --isolated --no-dev --python 3.10 python -m tests.golden
    uv run --isolated --no-dev --python 3.13 python -m tests.golden

and vectors as narrow as the architecture allows are

    NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES= python -m tests.golden
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba

from tests.golden.network import golden_result

RESULT = Path(__file__).with_name("result.json")


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Places at which two results differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], f"{where}/{key}")
    elif one != other:
        yield f"{where}: {str(one)[:60]} is {str(other)[:60]} here"


def main() -> None:
    """Compare on one and two threads, or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="replace the stored result")
    if parser.parse_args().write:
        text = json.dumps(golden_result(1), indent=1) + "\n"
        RESULT.write_text(re.sub(r"\s+(?=[-\d\]])", " ", text))  # a list of numbers is a line
        return
    stored = json.loads(RESULT.read_text())
    found = [place for n in (1, 2) for place in differences(stored, golden_result(n))]
    processor = numba.config.CPU_NAME or "as this one"
    good = f"the golden result; Python {sys.version.split()[0]}, processor {processor}"
    print("\n".join(found) or good)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
