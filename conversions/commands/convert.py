"""``ssdp-neuro convert``: a trained model to a network file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from hw_models import ConversionError, InputError, save
from hw_models.atomic_file import write_whole
from ssdp_neuro.cli.info import CHIPS, ChipName

if TYPE_CHECKING:
    from conversions.report import ConversionReport

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
REPORT_KINDS = (".html", ".json")


def convert(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="Safetensors file that ssdp_neuro.training.save_model wrote.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Network file to write (HDF5).")],
    calibration: Annotated[
        Path | None,
        typer.Option(help="NPZ file with 'spikes' (B, T, ...) and, if known, 'labels' (B,)."),
    ] = None,
    chip: Annotated[ChipName, typer.Option(help="Chip to fit.")] = ChipName.LOIHI2,
    report: Annotated[
        Path | None, typer.Option(help="Also write the report, as .html or .json.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON object.")
    ] = False,
) -> None:
    r"""Convert a trained spiking network to the chip's integers and say what that cost.

    Nothing in MODEL is executed. With calibration data the integers are chosen by the
    spikes they change.

    Examples
    \b
    ssdp-neuro convert digits.safetensors --out digits.h5
    ssdp-neuro convert digits.safetensors --out digits.h5 --report digits.html
    ssdp-neuro convert digits.safetensors --out digits.h5 --calibration some.npz --json
    """
    _refuse_mixed_up_files(model, out, report)
    from conversions.from_torch.conversion import from_torch
    from ssdp_neuro.training import load_model

    loaded = load_model(model)
    data = None if calibration is None else read_calibration(calibration)
    network, found = from_torch(loaded, chip=CHIPS[chip], calibration=data)
    save(network, out)
    if report is not None:
        write_report(report, model.name, found)
    if as_json:
        result = {"model": str(model), "network": str(out), **found.to_dict()}
        json.dump(result, sys.stdout)
        sys.stdout.write("\n")
        return
    from rich.console import Console

    console = Console()
    console.print(found.table())
    for path in filter(None, (out, report)):
        console.print(f"wrote {path}", highlight=False)


def read_calibration(path: Path) -> Any:
    """Spikes and labels (or None) of an NPZ file; nothing is unpickled.

    Raises
    ------
    InputError
        If the file cannot be read or has no ``spikes``.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            unknown = sorted(set(arrays.files) - {"spikes", "labels"})
            if "spikes" not in arrays.files or unknown:
                raise InputError(
                    f"{path}: arrays {', '.join(arrays.files) or 'none'}; 'spikes' is needed"
                    " and 'labels' may be there"
                )
            labels = arrays["labels"] if "labels" in arrays.files else None
            return arrays["spikes"], labels
    except InputError:
        raise
    except Exception as error:  # zipfile and numpy report damage by errors of many kinds
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: not a readable NPZ file: {reason}") from None


def write_report(path: Path, name: str, found: ConversionReport) -> None:
    """Write a conversion report as HTML or JSON, by the path's ending."""
    if path.suffix == ".json":
        write_whole(path, (json.dumps(found.to_dict(), indent=1) + "\n").encode())
        return
    from conversions import html_page

    sections = [
        ("Layers", html_page.table(found.rows())),
        ("Whole network", html_page.paragraphs(found.summary())),
    ]
    html_page.write_page(path, html_page.page(f"{name} on {found.chip}", sections))


def _refuse_mixed_up_files(model: Path, out: Path, report: Path | None) -> None:
    if model.is_file():
        with model.open("rb") as file:
            if file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE:
                raise ConversionError(
                    f"{model}: an HDF5 file, as converted networks are; MODEL must be a"
                    " safetensors file (to read a network: ssdp-neuro info or simulate)"
                )
    if report is not None and report.suffix not in REPORT_KINDS:
        raise ConversionError(f"--report {report}: endings are {' and '.join(REPORT_KINDS)}")
    paths = [path.resolve() for path in (model, out, report) if path is not None]
    if len(set(paths)) < len(paths):
        raise ConversionError("MODEL, --out and --report must be different files")
