"""Records of benchmarks and examples, which lie outside of ``docs``, as pages of the site.

A hook of MkDocs. In a clone a page links to ``../../benchmarks/results/name.md``; on the site
the same link leads to ``repository/benchmarks/results/name.md``.
"""

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
SHOWN = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/results/*",
    "examples/*.py",
    "examples/configs/*.toml",
)
INSIDE = "repository"
LINK = re.compile(r"(\]\()(?!\w+:|#|/)([^)\s#]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add every file of the repository that the site shows."""
    for pattern in SHOWN:
        for path in sorted(ROOT.glob(pattern)):
            name = f"{INSIDE}/{path.relative_to(ROOT).as_posix()}"
            files.append(File.generated(config, name, abs_src_path=os.fspath(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Let links that leave the folder lead to the same file on the site."""
    return LINK.sub(lambda link: link[1] + moved(link[2], page.file.src_uri), markdown)


def moved(target: str, page: str) -> str:
    """The link of a page, given as the repository has it, as the site has it."""
    here = page.removeprefix(f"{INSIDE}/") if page.startswith(f"{INSIDE}/") else f"docs/{page}"
    meant = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
    on_site = meant.removeprefix("docs/") if meant.startswith("docs/") else f"{INSIDE}/{meant}"
    return posixpath.relpath(on_site, posixpath.dirname(page) or ".")
