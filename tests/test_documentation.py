"""Links of the documentation, and of README.md, lead somewhere; pages that are made included."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    path
    for pattern in ("*.md", "docs/**/*.md", "docs/tutorials/*.py", "benchmarks/results/*.md")
    for path in sorted(ROOT.glob(pattern))
]
LINK = re.compile(r"\]\((?!\w+:)([^)\s]*)\)")
REFERENCE = (
    "hw_models",
    "ssdp_neuro",
    "rules",
    "rules.eprop",
    "plot",
    "data",
    "training",
    "conversions",
)
# pages and figures that are made while the site is built
MADE = {
    ROOT / "docs/reference/command_line.md",
    *(ROOT / f"docs/reference/{name}.md" for name in REFERENCE),
    *(path.with_suffix(".md") for path in ROOT.glob("docs/tutorials/*.py")),
    *(path.with_suffix(".svg") for path in ROOT.glob("docs/figures/*.py")),
}


def anchors(page):
    """What headings of a page can be linked by."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_page__links_to_what_is_there(page):
    text = page.read_text(encoding="utf-8").replace("\n# ", " ")
    broken = []
    for link in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.S)):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if target in MADE:
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("name", ["how-to/latencies", "explanation/integer_eprop"])
def test_page__has_code_that_runs(name, capsys):
    text = (ROOT / f"docs/{name}.md").read_text(encoding="utf-8")
    found = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.S)), found)
    printed = capsys.readouterr().out
    if name == "how-to/latencies":
        assert float(printed) > 0.9
    else:
        assert found["learned"].n_updates == 80


def test_pages__are_many():
    assert len(PAGES) > 40
