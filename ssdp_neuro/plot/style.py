"""How every picture looks: sizes, backgrounds, axes that are made when none are given."""

from __future__ import annotations

import contextlib
import enum
import io
from collections.abc import Generator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from hw_models import TypeMismatchError
from hw_models.extras import import_extra
from ssdp_neuro.plot.palette import NEUTRAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 4.8
"""Inches: 10-point letters are still legible where a phone shows it 360 pixels wide."""

_LOOK: Any = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.constrained_layout.h_pad": 0.06,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "svg.hashsalt": "ssdp-neuro",  # the same figure is the same file
    "svg.fonttype": "none",  # letters stay letters: smaller, and a search finds them
}

_NO_METADATA: Any = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_outside_pyplot = ContextVar("outside_pyplot", default=False)
LETTERS = 48  # that fit beside each other above the axes


class Background(enum.Enum):
    """What a picture stands on; ``TRANSPARENT`` is legible on white and on black."""

    LIGHT = "light"
    DARK = "dark"
    TRANSPARENT = "transparent"


_GROUND = {
    Background.LIGHT: ("#ffffff", "#1c2126"),
    Background.DARK: ("#16191c", "#e4e7ea"),
    Background.TRANSPARENT: ("none", NEUTRAL),
}


@contextlib.contextmanager
def style(background: Background = Background.LIGHT) -> Generator[None]:
    """The look of this package for everything drawn inside, with a background.

    Without it, pictures keep the colours that matplotlib is set to.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    TypeMismatchError
        If the background is none.

    Examples
    --------
    >>> with style(Background.TRANSPARENT):
    ...     drawing = new_figure(2, 1)
    >>> drawing.get_facecolor()
    (0.0, 0.0, 0.0, 0.0)
    """
    if not isinstance(background, Background):
        raise TypeMismatchError(f"background: {background!r}; a Background is needed")
    import_extra("matplotlib", "plot", "a picture")
    ground, ink = _GROUND[background]
    colours = dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), ground)
    for part in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"):
        colours[part] = ink
    with _settings({**_LOOK, **colours}):
        yield


@contextlib.contextmanager
def _settings(settings: Any) -> Generator[None]:
    """Settings of matplotlib for what is drawn inside.

    Pyplot may be imported inside for the first time. A notebook's backend then makes it
    interactive, which has to stay so: or else no later figure would be shown there.
    """
    import matplotlib as mpl

    with mpl.rc_context(settings):
        try:
            yield
        finally:
            interactive = mpl.is_interactive()
    mpl.interactive(interactive)


@contextlib.contextmanager
def drawing(ax: Axes | None, height: float = 2.8, width: float = WIDTH) -> Generator[Axes]:
    """The axes given, or those of a new pyplot figure (inches), in the look of this package.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    import_extra("matplotlib", "plot", "a picture")
    with _settings(_LOOK):
        yield _own_figure(width, height).add_subplot() if ax is None else ax


@contextlib.contextmanager
def drawing_panels(figure: Figure | None, height: float) -> Generator[Figure]:
    """The figure given, or a new pyplot figure (inches), in the look of this package.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    import_extra("matplotlib", "plot", "a picture")
    with _settings(_LOOK):
        yield _own_figure(WIDTH, height) if figure is None else figure


@contextlib.contextmanager
def outside_pyplot() -> Generator[None]:
    """What is drawn inside without axes has a figure that pyplot knows nothing of, for files."""
    token = _outside_pyplot.set(True)
    try:
        yield
    finally:
        _outside_pyplot.reset(token)


def _own_figure(width: float, height: float) -> Figure:
    if _outside_pyplot.get():
        return new_figure(width, height)
    from matplotlib import pyplot

    return pyplot.figure(figsize=(width, height), layout="constrained")


def new_figure(width: float = WIDTH, height: float = 2.8) -> Figure:
    """An empty figure outside pyplot, for files and pages; inches.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    import_extra("matplotlib", "plot", "a picture")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def svg(figure: Figure | Axes, dpi: float = 200) -> str:
    """A figure, or the figure of axes, as an SVG document; the same one gives the same text.

    Parts with very many marks are pixels in it, ``dpi`` of them to an inch.

    Examples
    --------
    >>> svg(new_figure(2, 1)) == svg(new_figure(2, 1))
    True
    """
    import matplotlib as mpl

    owner: Any = figure if hasattr(figure, "savefig") else figure.figure
    text = io.StringIO()
    with mpl.rc_context(_LOOK), _settled(owner):
        owner.savefig(
            text, format="svg", dpi=dpi, facecolor=owner.get_facecolor(), metadata=_NO_METADATA
        )
    return text.getvalue()


@contextlib.contextmanager
def _settled(figure: Figure) -> Generator[None]:
    """The layout as it is found, to six digits: the solver's last ones differ between runs."""
    figure.draw_without_rendering()
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    figure.set_layout_engine("none")
    places = [(a, a.get_position(original=True), a.get_in_layout()) for a in figure.axes]
    for axes, place, _ in places:
        left, bottom, width, height = (round(float(side), 6) for side in place.bounds)
        axes.set_position((left, bottom, width, height))
    try:
        yield
    finally:
        for axes, place, in_layout in places:
            axes.set_position(place)
            axes.set_in_layout(in_layout)  # which setting its position ends
        figure.set_layout_engine(engine)


def ink_of(ax: Axes) -> Any:
    """The colour in which axes are labelled: of marks that need none of their own."""
    return ax.xaxis.label.get_color()


def whole_ticks(axis: Any, most: int = 8) -> None:
    """Ticks of an axis that counts at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most, integer=True))


def legend_above(ax: Axes, above: float = 0.0) -> None:
    """A legend over the axes, where it hides nothing, in as many columns as there is room for.

    ``above`` is what has to be left free in between, in parts of the height of the axes.
    """
    handles, labels = ax.get_legend_handles_labels()
    if labels:
        columns = int(LETTERS / (max(map(len, labels)) + 5))  # 5 for the line before it
        ax.legend(
            handles,
            labels,
            ncols=max(1, min(columns, len(labels), 4)),
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0 + above),
            borderaxespad=0.3,
            columnspacing=1.2,
            handlelength=1.6,
        )


def legend_name(name: str) -> str:
    """A name as a legend shows it: matplotlib keeps those that begin with _ for itself."""
    return f" {name}" if name.startswith("_") else name


def thousands(axis: Any) -> None:
    """Numbers of an axis with a comma between thousands."""
    from matplotlib.ticker import StrMethodFormatter

    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
