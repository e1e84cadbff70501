"""Reports as one HTML file that needs nothing else: no script, no link, images inside."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable

from hw_models.atomic_file import write_whole
from hw_models.html_table import table

__all__ = ["figure", "page", "paragraphs", "table", "write_page"]

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2126; background: #fff;
       max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9rem;
        font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #d8dde2; text-align: right;
         white-space: nowrap; }
th { border-bottom: 2px solid #1c2126; white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; }
figure { margin: 1rem 0; } figcaption, footer { color: #56616b; font-size: .9rem; }
"""


def paragraphs(lines: Iterable[str]) -> str:
    """Each line as a paragraph; escaped."""
    return "\n".join(f"<p>{html.escape(line)}</p>" for line in lines)


def figure(svg: str, caption: str) -> str:
    """An SVG drawing (trusted, as matplotlib writes it) above its caption (escaped)."""
    drawing = svg[svg.index("<svg") :]
    return f"<figure>{drawing}<figcaption>{html.escape(caption)}</figcaption></figure>"


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
