"""Figures as SVG: what every drawing of this package shares."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from hw_models.extras import missing_extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Result = TypeVar("Result")

DARK, OLD, NEW, GREY = "#1c2126", "#2f6f9f", "#c8552b", "#9aa5ae"
STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "ssdp-neuro",  # the same figure is the same file
}


def require_matplotlib() -> None:
    """Say early that matplotlib is missing.

    Raises
    ------
    MissingExtraError
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as missing:
        raise missing_extra("the report", "matplotlib") from missing


def draw(make: Callable[[Result], Figure], result: Result) -> str:
    """A figure of a result as an SVG document; the same result gives the same text."""
    import matplotlib as mpl

    text = io.StringIO()
    with mpl.rc_context(STYLE):
        make(result).savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def blank(width: float, height: float) -> Figure:
    """An empty figure; sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
