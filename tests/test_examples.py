import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.fresh_python import without_notice

# Python ignores ImportWarnings by default; networkx, which Lava uses, gives one
STRICT = ("-W", "error", "-W", "ignore:pandas not found:ImportWarning")
EXAMPLES = sorted(Path(__file__).parents[1].glob("examples/*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example__prints_what_it_says(path, tmp_path):
    promised = path.read_text().split('"""')[1].partition("Prints:\n\n")[2]
    ran = subprocess.run(
        [sys.executable, *STRICT, path], cwd=tmp_path, capture_output=True, text=True
    )
    assert (ran.returncode, without_notice(ran.stderr)) == (0, "")
    assert promised.strip()
    assert ran.stdout.rstrip() == textwrap.dedent(promised).rstrip()
    assert not list(tmp_path.iterdir())


def test_examples__are_there():
    assert [path.name[:3] for path in EXAMPLES] == [f"{n:02}_" for n in range(1, 9)]
