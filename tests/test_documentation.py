"""Links of the documentation lead somewhere, and its reference has every public name."""

import re
from pathlib import Path

import pytest

import conversions
import hw_models
import ssdp_neuro
from ssdp_neuro import data, plot, rules, training

ROOT = Path(__file__).parents[1]
PAGES = [
    path
    for pattern in ("*.md", "docs/**/*.md", "docs/tutorials/*.py", "benchmarks/results/*.md")
    for path in sorted(ROOT.glob(pattern))
]
LINK = re.compile(r"\]\((?!\w+:)([^)\s]*)\)")
# pages and figures that are made while the site is built
MADE = {
    ROOT / "docs/reference/command_line.md",
    *(path.with_suffix(".md") for path in ROOT.glob("docs/tutorials/*.py")),
    *(path.with_suffix(".svg") for path in ROOT.glob("docs/figures/*.py")),
}
PARTS = ("data", "plot", "training")  # of ssdp_neuro, with pages of their own
PACKAGES = (hw_models, ssdp_neuro, plot, data, rules, training, conversions)


def anchors(page):
    """What headings of a page can be linked by."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    named = re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings} | {
        *named
    }


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


def test_pages__are_many():
    assert len(PAGES) > 40


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_reference__has_every_public_name(package):
    text = "\n".join(p.read_text(encoding="utf-8") for p in ROOT.glob("docs/reference/*.md"))
    described = set(re.findall(r"^::: (\S+)$", text, re.M))
    prefix = package.__name__ + "."
    here = {name.removeprefix(prefix) for name in described if name.startswith(prefix)}
    expected = {name for name in package.__all__ if name not in {*PARTS, "__version__"}}
    assert {name for name in here if "." not in name} == expected
