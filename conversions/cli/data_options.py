"""Which data set, in which code: the options that commands with ``--data`` share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hw_models import InputError, SpikeCode, load_code

if TYPE_CHECKING:
    from ssdp_neuro.data import DataSettings

DataSet = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="FILE|NAME",
        help=r"TOML file with a \[data] table, as train takes it, .npz file of samples, or the name"
        " of a data set.",
    ),
]
Folder = Annotated[
    Path | None, typer.Option(help="Where the data set's files are, instead of the table's.")
]
Steps = Annotated[int | None, typer.Option(help="Steps of a sample, instead of the table's.")]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="FIELD=VALUE", help=r"A field of the \[data] table; may be repeated."
    ),
]


def data_table(
    data: str, folder: Path | None = None, steps: int | None = None, changes: Iterable[str] = ()
) -> dict[str, Any]:
    """The ``[data]`` table that the options ask for, with nothing but what they say.

    ``FILE.npz`` is short for the data set ``npz`` with that file.

    Raises
    ------
    InputError
        If a TOML file cannot be read, is no TOML, or has no such table, or a change is none.
    """
    from ssdp_neuro.data.toml_file import read_toml

    table: dict[str, Any] = {"name": data}
    if data.endswith(".toml"):
        stored = read_toml(data).get("data")
        if not isinstance(stored, Mapping) or not stored:
            raise InputError(f"{data}: no [data] table")
        table = dict(stored)
    elif data.endswith(".npz"):
        table = {"name": "npz", "folder": data}
    if folder is not None:
        table["folder"] = str(folder)
    if steps is not None:
        table["n_steps"] = steps
    for change in changes:
        name, value = _field(change)
        table[name] = value
    return table


def settings_in_code(table: Mapping[str, Any], code: SpikeCode | None) -> DataSettings:
    """Settings in which what the table leaves out is as a network was trained."""
    from ssdp_neuro.data import DataSettings
    from ssdp_neuro.data.code import in_code

    return DataSettings.from_table(in_code(code, table))


def code_notes(trained: SpikeCode | None, shown: SpikeCode | None, what: str) -> list[str]:
    """What differs between the code of a network and that of the data, as sentences.

    Parameters
    ----------
    trained
        Kept with the network; None if it is not known.
    shown
        Of the data; None likewise.
    what
        The network's file, for messages.

    Raises
    ------
    InputError
        If an output neuron would stand for another class than the one it was trained for.
    """
    if trained is None or shown is None:
        return []
    known, given = trained.class_names, shown.class_names
    if known and given and known[: len(given)] != given[: len(known)]:
        raise InputError(
            f"{what}: its output stands for the classes {', '.join(known)}; the data have"
            f" {', '.join(given)} (--set classes=[...] chooses and orders them)"
        )
    return [
        f"{what} is shown another code than it was trained with: {difference}."
        for difference in trained.differences(shown)
    ]


def steps_in_code(
    network: Path, asked: int | None, usual: int | None = None
) -> tuple[int, list[str]]:
    """Steps of a sample for a network file: as asked for, else as it was trained, else as usual.

    Returns
    -------
    n_steps
    notes
        A sentence if what is asked for is not what it was trained with.

    Raises
    ------
    InputError
        If none of the three is known.
    """
    code = load_code(network)
    trained = None if code is None else code.n_steps
    n_steps = next((steps for steps in (asked, trained, usual) if steps is not None), None)
    if n_steps is None:
        raise InputError(f"--steps: needed, {network} does not say how long a sample is")
    if trained in (None, n_steps):
        return n_steps, []
    return n_steps, [f"{network} was trained with samples of {trained} steps, not {n_steps}."]


def _field(text: str) -> tuple[str, Any]:
    from ssdp_neuro.data.toml_file import parse_value

    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--set {text!r}; field=value is needed")
    return name.strip(), parse_value(value)
