"""How well a classifier does: shares as bars, and who was taken for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hw_models import InputError, RangeError, ShapeError
from hw_models.arrays import integer_array
from ssdp_neuro.decision import UNDECIDED
from ssdp_neuro.plot.palette import BLUE, series_colour, share_colours
from ssdp_neuro.plot.style import drawing, ink_of, legend_above, legend_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NUMBERS = 12
"""Classes up to which a table of decisions shows its numbers."""
MOST_CLASSES = 1000
"""If they have no names: a label far above the others is a mistake, and a table of many rows."""
BAR = 0.8  # of the distance of two bars


def shares(
    values: Mapping[str, Any],
    *,
    label: str = "",
    low: float = 0.0,
    digits: int = 1,
    colors: Mapping[str, Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Accuracies or agreements as bars from zero to 100 %, each with its number.

    Parameters
    ----------
    values
        By name a share from 0 to 1, or several of repeated runs: the bar is their mean,
        the dots are the runs, and the number has their standard deviation. Or by group
        such a mapping, for bars in groups.
    label
        What is shared, such as "accuracy"; becomes "accuracy, %".
    low
        Share at which the axis begins: 0, or below all values. Above 0 the axis and every bar
        are drawn broken.
    digits
        Decimals of the percentages.
    colors
        By name of a bar; the palette's if not given.
    ax
        Where to draw; a new figure if not given.

    Raises
    ------
    InputError
        If there is nothing to draw.
    RangeError
        If a share is outside 0..1, or ``low`` is not below all of them.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> ax = shares({"PyTorch": [0.97, 0.98], "engine": 0.96}, label="accuracy")
    >>> [round(float(bar.get_width()), 1) for bar in ax.patches]
    [97.5, 96.0]
    """
    groups = _groups(values)
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    every = [run for group in groups.values() for runs in group.values() for run in runs]
    if not every:
        raise InputError("values: nothing given; at least one share is needed")
    if low != 0 and not 0 < low < min(every):
        raise RangeError(
            f"low: {low}; allowed 0, or above it and below the smallest share {min(every)}"
        )
    n_bars = sum(len(group) for group in groups.values())
    grouped = any(isinstance(group, Mapping) for group in values.values())
    gap = 0.7 if grouped else 0.0
    height = 0.75 + 0.27 * (n_bars + gap * len(groups)) + (0.3 if grouped else 0)
    with drawing(ax, height) as axes:
        ticks, places, place, seen = [], [], 0.0, set()
        for group in groups.values():
            first = place
            for name, runs in group.items():
                colour = (colors or {}).get(name) or (
                    series_colour(names.index(name)) if grouped else BLUE
                )
                shown = "_" if name in seen else legend_name(name)  # once in the legend
                _bar(axes, place, 100 * runs, colour, shown, digits)
                seen.add(name)
                places.append(place)
                place += 1
            ticks.append((first + place - 1) / 2)
            place += gap
        axes.set_yticks(ticks, list(groups))
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(place - gap - 0.4, -0.6)
        axes.set_xlim(100 * low, 100)
        axes.set_xlabel(f"{label}, %" if label else "%")
        if low:
            _break_axis(axes, places)
        if grouped:
            legend_above(axes)
    return axes


def confusion(
    labels: Any,
    decisions: Any,
    *,
    class_names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Samples by class and decision; shades are shares of the class.

    Parameters
    ----------
    labels
        Class of each sample, from 0; int ``(B,)``.
    decisions
        As :func:`ssdp_neuro.decision.decide` gives them, -1 where none; int ``(B,)``.
        These have a last column of their own.
    class_names
        Of every class; numbers if not given.
    ax
        Where to draw; a new figure if not given.

    Raises
    ------
    ShapeError
        If there are not as many decisions as labels.
    InputError
        If there are no samples.
    RangeError, TypeMismatchError
        If a label is negative, no integer, or above those that have names (1000 without).
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> ax = confusion([0, 0, 1], [0, 1, -1])
    >>> ax.images[0].get_array().tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """
    table = confusion_table(labels, decisions, None if class_names is None else len(class_names))
    n_classes = len(table)
    if not table[:, -1].any():
        table = table[:, :-1]
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    names = list(map(str, range(n_classes))) if class_names is None else list(class_names)
    with drawing(ax, height=float(np.clip(1.0 + 0.32 * n_classes, 2.4, 4.8))) as axes:
        axes.imshow(share, cmap=share_colours(), vmin=0, vmax=1, aspect="auto")
        if n_classes <= MOST_NUMBERS:
            for (row, column), count in np.ndenumerate(table):
                if count:
                    colour = "white" if share[row, column] > 0.6 else ink_of(axes)
                    axes.text(
                        column, row, f"{count:,}", ha="center", va="center", size=8, color=colour
                    )
        step = -(-n_classes // 16)
        shown = np.arange(0, n_classes - step // 2, step)  # the last is apart from "none"
        tall = max(map(len, names)) > 3
        across = [names[i] for i in shown]
        places = shown.tolist()
        if table.shape[1] > n_classes:
            across.append("none")
            places.append(n_classes)
            axes.axvline(n_classes - 0.5, color=ink_of(axes), lw=0.8)
        axes.set_xticks(places, across, rotation=90 if tall else 0)
        axes.set_yticks(shown, [names[i] for i in shown])
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.set(xlabel="decision", ylabel="class")
    return axes


def confusion_table(labels: Any, decisions: Any, n_classes: int | None = None) -> np.ndarray:
    """Samples by class and decision, int64 ``(C, C + 1)``; undecided ones come last.

    Raises
    ------
    ShapeError, InputError, RangeError, TypeMismatchError
        As :func:`confusion`.
    """
    highest = (MOST_CLASSES if n_classes is None else n_classes) - 1
    wanted = integer_array("labels", labels, 0, highest, np.int64)
    decided = integer_array("decisions", decisions, UNDECIDED, highest, np.int64)
    if wanted.ndim != 1 or wanted.shape != decided.shape:
        raise ShapeError(
            f"labels {wanted.shape} and decisions {decided.shape}; equal shapes (B,) are needed"
        )
    if not wanted.size:
        raise InputError("labels: none given; at least one sample is needed")
    if n_classes is None:
        n_classes = int(max(wanted.max(), decided.max())) + 1
    table = np.zeros((n_classes, n_classes + 1), dtype=np.int64)
    np.add.at(table, (wanted, decided), 1)  # -1 is the last column
    return table


def _groups(values: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """By group and name the runs' shares, float64 ``(R,)``; a lone bar is a group of its own."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, value in values.items():
        bars = value if isinstance(value, Mapping) else {name: value}
        groups[name] = {key: np.atleast_1d(np.asarray(v, dtype=float)) for key, v in bars.items()}
        for key, runs in groups[name].items():
            if not runs.size or not np.all((runs >= 0) & (runs <= 1)):
                raise RangeError(f"values: {key!r} of {name!r} is {runs.tolist()}; allowed 0..1")
    return groups


def _bar(axes: Axes, place: float, runs: np.ndarray, colour: Any, label: str, digits: int) -> None:
    mean = float(runs.mean())
    axes.barh(place, mean, BAR, color=colour, label=label)
    text = f"{mean:.{digits}f}"
    if runs.size > 1:
        text += f" ± {runs.std(ddof=1):.{digits}f}"
        axes.scatter(
            runs, np.full(runs.shape, place), s=9, color=ink_of(axes), zorder=3, clip_on=False
        )
    axes.annotate(
        text,
        (1.01, place),
        xycoords=axes.get_yaxis_transform(),
        va="center",
        fontsize=9,
        color=ink_of(axes),
        annotation_clip=False,
    )


def _break_axis(axes: Axes, places: Sequence[float]) -> None:
    """Two slanted strokes through the axis and through every bar: what is left of them is cut."""
    low, high = axes.get_xlim()
    bottom = axes.get_ylim()[0]
    for place in [*places, bottom]:
        for shift in (0.025, 0.045):
            middle = low + shift * (high - low)
            lean = 0.008 * (high - low)
            rise = 0.3 if place == bottom else 0.62 * BAR
            axes.plot(
                [middle - lean, middle + lean],
                [place + rise, place - rise],
                color=ink_of(axes),
                linewidth=1,
                clip_on=False,
            )
    axes.set_xlabel(f"{axes.get_xlabel()} (the axis begins at {low:g})")
