"""Pictures of ``ssdp_neuro.plot`` as parts of a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hw_models.extras import import_extra
from ssdp_neuro.plot import Background, style, svg
from ssdp_neuro.plot.style import outside_pyplot


def require_matplotlib() -> None:
    """Say early that matplotlib is missing.

    Raises
    ------
    MissingExtraError
    """
    import_extra("matplotlib", "plot", "the report")


def drawn(picture: Callable[..., Any], *given: Any, **options: Any) -> str:
    """What a function draws, axes or a figure, as SVG on no ground; arguments are handed on."""
    with style(Background.TRANSPARENT), outside_pyplot():
        return svg(picture(*given, **options), dpi=150)
