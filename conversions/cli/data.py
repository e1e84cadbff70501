"""``ssdp-neuro data``: what a data set looks like once it is spikes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from conversions.cli.data_options import Changes, Folder, Steps, data_table
from hw_models import InputError
from ssdp_neuro.data import DATA_SETS, DataSettings, DataSplit, SpikeDataset, load

LOOKED_AT = 256  # samples of a part of which spikes are counted
SHADES = " .:+#"
ROWS, COLUMNS = 24, 76


def data(
    name: Annotated[
        str,
        typer.Argument(
            metavar="FILE|NAME",
            help=r"TOML file with a \[data] table, or a data set: " + f"{', '.join(DATA_SETS)}.",
        ),
    ],
    folder: Folder = None,
    steps: Steps = None,
    encoding: Annotated[str | None, typer.Option(help="auto, or one that suits the data.")] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option(help="Speaker or patient of whom the test is; may be repeated."),
    ] = None,
    changes: Changes = None,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw a sample of each class, .png or .svg.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    r"""Read a data set, divide and encode it, and say how many samples and spikes there are.

    Most need the folder of their files, and those with speakers or patients can keep some for
    the test: data fsdd --folder recordings --held-out theo

    For example:

    \b
    ssdp-neuro data digits
    ssdp-neuro data digits --steps 30 --encoding rate --set max_rate=0.5 --set test_limit=100
    ssdp-neuro data digits --set pool=2 --figure digits.png --json
    """
    table = data_table(name, folder, steps, changes or ())
    if encoding is not None:
        table["encoding"] = encoding
    if held_out:
        table["held_out"] = held_out
    settings = DataSettings.from_table(table)
    split = load(settings)
    if figure is not None:
        _draw(split, figure)
    report = {"settings": settings.to_table(), **description(split)}
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    _print(report)
    typer.echo(raster_text(split.train.spikes([0])[0]))
    if figure is not None:
        typer.echo(f"written: {figure}")


def description(split: DataSplit) -> dict[str, Any]:
    """Sizes, classes, groups and activity of a data set, in plain types."""
    parts = {}
    for part, groups, data in zip(
        ("train", "validation", "test"), split.groups, split.parts, strict=True
    ):
        counts = np.bincount(data.labels, minlength=split.n_classes)
        parts[part] = {
            "samples": len(data),
            "per_class": counts.tolist(),
            "groups": list(groups),
            **_activity(data),
        }
    return {
        "n_steps": split.n_steps,
        "input_shape": list(split.input_shape),
        "class_names": list(split.class_names),
        "parts": parts,
    }


def _activity(data: SpikeDataset) -> dict[str, Any]:
    """Spikes of up to 256 samples, evenly chosen."""
    places = np.unique(np.linspace(0, max(0, len(data) - 1), LOOKED_AT).astype(int))[: len(data)]
    # as many at a time as fit in some 64 MB
    at_once = max(1, 2**26 // (data.n_steps * math.prod(data.input_shape)))
    counts = [
        data.spikes(places[i : i + at_once]).reshape(len(places[i : i + at_once]), -1).sum(axis=1)
        for i in range(0, len(places), at_once)
    ]
    each = np.concatenate(counts) if counts else np.zeros(0)
    cells = data.n_steps * math.prod(data.input_shape)
    return {
        "looked_at": len(each),
        "spikes_per_sample": float(each.mean()) if each.size else None,
        "fewest": int(each.min()) if each.size else None,
        "most": int(each.max()) if each.size else None,
        "rate": float(each.mean() / cells) if each.size else None,
        "silent": int((each == 0).sum()),
    }


def raster_text(spikes: np.ndarray) -> str:
    """A sample as characters: time to the right, inputs downwards, the denser the darker.

    Parameters
    ----------
    spikes
        bool ``(n_steps, ...)``.
    """
    flat = spikes.reshape(len(spikes), -1)
    rows, columns = min(ROWS, flat.shape[1]), min(COLUMNS, flat.shape[0])
    of_row = np.arange(flat.shape[1]) * rows // flat.shape[1]
    of_column = np.arange(flat.shape[0]) * columns // flat.shape[0]
    density = np.zeros((rows, columns))
    np.add.at(density, (of_row[None, :], of_column[:, None]), flat)
    size = np.bincount(of_row)[:, None] * np.bincount(of_column)
    density /= size
    highest = density.max() or 1.0
    shade = np.ceil(density / highest * (len(SHADES) - 1)).astype(int)
    return "\n".join("|" + "".join(SHADES[value] for value in row) + "|" for row in shade)


def _draw(split: DataSplit, path: Path) -> None:
    """A sample of each of the first six classes."""
    from hw_models.atomic_file import whole_file
    from ssdp_neuro import plot

    if path.suffix not in (".png", ".svg"):
        raise InputError(f"--figure {path}: .png or .svg is needed")
    shown = [label for label in range(split.n_classes) if (split.train.labels == label).any()][:6]
    with plot.style():
        figure = plot.new_figure(3 * len(shown), 3.2)
        all_axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axes, label in zip(all_axes, shown, strict=True):
            place = int((split.train.labels == label).argmax())
            spikes = split.train.spikes([place])[0]
            plot.raster(spikes.reshape(len(spikes), -1), ax=axes)
            axes.set(title=split.class_names[label], ylabel="")
        all_axes[0].set_ylabel("input")
        with whole_file(path) as partial:
            figure.savefig(partial, format=path.suffix[1:], dpi=150)


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    settings = report["settings"]
    shape = " x ".join(map(str, report["input_shape"]))
    title = f"{settings['name']}: {report['n_steps']} steps of {shape} inputs"
    table = Table(title=escape(title))
    table.add_column("part")
    for heading in ("samples", "fewest of a class", "spikes a sample", "rate", "silent"):
        table.add_column(heading, justify="right")
    for part, row in report["parts"].items():
        active = row["spikes_per_sample"] is not None
        table.add_row(
            part,
            f"{row['samples']:,}",
            f"{min(row['per_class']):,}",
            f"{row['spikes_per_sample']:,.1f}" if active else "-",
            f"{row['rate']:.4f}" if active else "-",
            f"{row['silent']} of {row['looked_at']}",
        )
    console.print(table)
    lines = [f"classes: {', '.join(report['class_names'])}"]
    for part, row in report["parts"].items():
        if row["groups"]:
            lines.append(f"{part}: {', '.join(row['groups'])}")
    console.print("\n".join(lines), highlight=False, markup=False)
