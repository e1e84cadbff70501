import re
import subprocess
import sys
from pathlib import Path

from tests.fresh_python import without_notice

ROOT = Path(__file__).parents[1]


def test_readme__example_prints_what_it_says():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code, promised = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.S).groups()
    assert len([line for line in code.splitlines() if line]) <= 12
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, without_notice(ran.stderr)) == (0, promised, "")


def test_readme__names_files_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    names = re.findall(r"\]\(((?!http)[^)#]+)\)", text) + re.findall(r"`([a-z_0-9/]+\.py)`", text)
    assert names
    missing = [name for name in names if not (ROOT / name).exists()]
    assert missing == []
