import json
import re
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev

from tests.fresh_python import without_notice

ROOT = Path(__file__).parents[1]


def test_readme__example_prints_what_it_says():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code, promised = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.S).groups()
    assert len([line for line in code.splitlines() if line]) <= 12
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, without_notice(ran.stderr)) == (0, promised, "")


def test_readme__shows_the_newest_record_of_latencies():
    (*_, path) = sorted((ROOT / "benchmarks/results").glob("latency_bits_*.json"))
    rows = json.loads(path.read_text(encoding="utf-8"))["together"]["anywhere"]
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    (said,) = re.findall(
        r"([\d.]+) ± ([\d.]+) % with 8-bit latency codes, ([\d.]+) ± ([\d.]+) with 3 bits;"
        r" a flat kernel (\d+), shuffled latencies (\d+), ridge on the latencies (\d+)",
        text,
    )
    _, eight, _, three, flat, shuffled, ridge = rows.values()
    spread = [f"{value:.1f}" for x in (eight, three) for value in (mean(x), stdev(x))]
    assert said == (*spread, *(f"{mean(x):.0f}" for x in (flat, shuffled, ridge)))


def test_readme__names_files_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    names = re.findall(r"\]\(((?!http)[^)#]+)\)", text) + re.findall(r"`([a-z_0-9/]+\.py)`", text)
    assert names
    missing = [name for name in names if not (ROOT / name).exists()]
    assert missing == []
