"""Reports as one HTML file that needs nothing else: no script, no link, images inside."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Mapping, Sequence

from hw_models.atomic_file import write_whole
from hw_models.html_table import table
from ssdp_neuro.plot.palette import NEUTRAL

__all__ = ["beside", "facts", "figure", "page", "paragraphs", "table", "words", "write_page"]

STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --pale: #56616b; --line: #d8dde2;
        --ground: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ea; --pale: #a3adb6; --line: #3a4147; --ground: #16191c; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
       max-width: 66rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
p { max-width: 46rem; }
table { border-collapse: collapse; margin: .6rem 0; font-size: .9rem;
        font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
         white-space: nowrap; }
th { border-bottom: 2px solid var(--ink); white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0;
         background: var(--ground); white-space: normal; min-width: 7rem; }
.words th, .words td { white-space: normal; text-align: left; vertical-align: top; }
svg { max-width: 100%; height: auto; display: block; }
figure { margin: .6rem 0; } figcaption { color: var(--pale); font-size: .9rem; max-width: 46rem; }
@media (max-width: 40rem) { table { font-size: .8rem; } th, td { padding: .2rem .3rem; }
  th:first-child, td:first-child { min-width: 5rem; } }
.beside { display: flex; flex-wrap: wrap; gap: 0 2rem; }
.beside > figure { flex: 0 1 29rem; min-width: min(100%, 20rem); }
dl { display: grid; grid-template-columns: fit-content(10rem) 1fr; gap: .3rem 1rem;
     font-size: .9rem; } dt { color: var(--pale); } dd { margin: 0; overflow-wrap: anywhere; }
"""


def paragraphs(lines: Iterable[str]) -> str:
    """Each line as a paragraph; escaped."""
    return "\n".join(f"<p>{html.escape(line)}</p>" for line in lines)


def words(rows: Iterable[Sequence[str]]) -> str:
    """A table of sentences, which wrap."""
    return f"<div class='words'>{table(rows)}</div>"


def facts(pairs: Mapping[str, str]) -> str:
    """Names and what they say, which may be long; escaped."""
    lines = (f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in pairs.items())
    return "<dl>\n" + "\n".join(lines) + "\n</dl>"


def figure(svg: str, caption: str = "") -> str:
    """An SVG drawing (trusted, as matplotlib writes it) above its caption (escaped).

    What is drawn in the neutral colour gets that of the page's letters.
    """
    drawing = svg[svg.index("<svg") :].replace(NEUTRAL, "currentColor")
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{drawing}{below}</figure>"


def beside(figures: Iterable[str]) -> str:
    """Figures in a row, where there is room."""
    return f"<div class='beside'>{''.join(figures)}</div>"


def page(title: str, sections: Iterable[tuple[str, str]]) -> str:
    """A whole document.

    Parameters
    ----------
    title
        Plain text.
    sections
        Heading (plain text) and content (HTML) of each.
    """
    body = "\n".join(
        f"<section><h2>{html.escape(heading)}</h2>\n{content}</section>"
        for heading, content in sections
    )
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{html.escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def write_page(path: str | os.PathLike[str], document: str) -> None:
    """Write a document, whole or not at all."""
    write_whole(path, document.encode())
