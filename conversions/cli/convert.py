"""``ssdp-neuro convert``: trained models to networks, networks to other formats."""

from __future__ import annotations

import enum
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conversions.cli.calibration_file import bit_planes_of, read_calibration
from conversions.cli.info import ChipName
from conversions.cli.model_sources import (
    NETX_OPTIONS,
    NIR_OPTIONS,
    ModelFormat,
    ModelRequest,
    source_of,
)
from conversions.cli.network_targets import Target, files_of, write
from hw_models import ConversionError, InputError
from hw_models.chips import chip_of

if TYPE_CHECKING:
    from conversions.conversion_report import ConversionReport

REPORT_KINDS = (".html", ".json")


class NirWriter(str, enum.Enum):
    """Frameworks whose NIR writers are known: how they get from time constants to steps."""

    SNNTORCH = "snntorch"
    SPIKINGJELLY = "spikingjelly"
    NORSE = "norse"
    SINABS = "sinabs"
    SINABS_UNSCALED = "sinabs-unscaled"


class Meaning(str, enum.Enum):
    """Whose reading of a netx file is kept where SLAYER and netx differ."""

    AS_TRAINED = "as-trained"
    AS_LOADED = "as-loaded"


class Reset(str, enum.Enum):
    """What a spike does, which NIR does not say."""

    ZERO = "zero"
    SUBTRACT = "subtract"
    DELAYED_ZERO = "delayed-zero"
    DELAYED_SUBTRACT = "delayed-subtract"
    NONE = "none"


def convert(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="Safetensors file that ssdp_neuro.training.save_model wrote, a NIR file, a file"
            " that lava-dl exported for netx, or a network file (.h5).",
        ),
    ],
    out: Annotated[Path, typer.Option(help="File to write.")],
    to: Annotated[
        Target | None,
        typer.Option(
            help="Format of the file: a network (HDF5, the default), a NIR graph, a file for"
            " lava-dl's netx, or a Lava program: a script .py that builds and runs the network in"
            " Lava, with the network file beside it.",
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="NPZ file with 'spikes' (B, T, ...), or with --real-input 'values' (B, T, ...) or"
            " (B, ...), and, if known, 'labels' (B,)."
        ),
    ] = None,
    chip: Annotated[ChipName, typer.Option(help="Chip to fit.")] = ChipName.LOIHI2,
    written_by: Annotated[
        NirWriter | None,
        typer.Option(help="NIR: framework that wrote the graph, for its time step and rounding."),
    ] = None,
    dt: Annotated[
        float | None,
        typer.Option(help="NIR: time step, in the unit of the time constants (Euler's method)."),
    ] = None,
    reset: Annotated[Reset | None, typer.Option(help="NIR: what a spike does.")] = None,
    recurrent_latency: Annotated[
        int | None, typer.Option(help="NIR: steps of feedback besides its delays.")
    ] = None,
    input_shape: Annotated[
        str | None,
        typer.Option(metavar="SIZES", help="NIR and netx: shape of the input, as 1,28,28."),
    ] = None,
    real_input: Annotated[
        str | None,
        typer.Option(
            metavar="LOW,HIGH[,BITS]",
            help="NIR: the input is real values in these bounds; each bit is an input population.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="NIR: steps in which values (B, ...) are repeated.")
    ] = None,
    netx_meaning: Annotated[
        Meaning | None,
        typer.Option(
            help="netx: what is meant where lava-dl's SLAYER and netx differ: as-trained by SLAYER"
            " (the default) or as-loaded by netx."
        ),
    ] = None,
    verify_each: Annotated[
        bool,
        typer.Option(
            "--verify-each",
            help="Run the calibration data before and after every pass, and count the spikes that"
            " it changes; one that rounds nothing and changes some is an error. Slow.",
        ),
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Also write the report, as .html or .json.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON object.")
    ] = False,
) -> None:
    r"""Convert a trained spiking network to the chip's integers and say what that cost.

    Nothing in MODEL is executed. With calibration data the integers are chosen by the
    spikes they change. A network file is written as it is, in another format.

    Examples
    \b
    ssdp-neuro convert digits.safetensors --out digits.h5
    ssdp-neuro convert digits.safetensors --out digits.h5 --report digits.html
    ssdp-neuro convert digits.safetensors --out digits.h5 --calibration some.npz --json
    ssdp-neuro convert digits.safetensors --out digits.h5 --calibration some.npz --verify-each
    ssdp-neuro convert net.nir --written-by snntorch --reset delayed-subtract --out net.h5
    ssdp-neuro convert net.nir --dt 1e-3 --reset zero --real-input 0,1 --out net.h5
    ssdp-neuro convert digits.h5 --to nir --out digits.nir
    ssdp-neuro convert slayer.net --out net.h5
    ssdp-neuro convert digits.h5 --to lava --out digits.py
    """
    source = source_of(model)
    target = to or Target.NETWORK
    options = file_options(written_by, dt, reset, recurrent_latency, input_shape, netx_meaning)
    if real_input is not None:
        options["real_input"] = bit_planes_of(real_input)
    if steps is not None:
        options["n_steps"] = steps
    if verify_each:
        options["verify_each"] = True
        if calibration is None:
            raise InputError("--verify-each: needs --calibration, on which spikes are compared")
    _refuse_mixed_up(source, target, model, out, report, options)
    data = (
        None if calibration is None else read_calibration(calibration, real=real_input is not None)
    )
    network, found = source.read(model, ModelRequest(chip_of("--chip", chip.value), data, options))
    if report is not None and found is None:
        raise ConversionError(f"--report {report}: {model} is {source.name}, nothing is converted")
    written, notes = write(network, target, out, source.read_code(model))
    if report is not None and found is not None:
        from conversions.report_pages.conversion_page import write_conversion

        write_conversion(report, model, found, network, chip_of("--chip", chip.value))
        written.append(report)
    if as_json:
        plain = {} if found is None else found.to_dict()
        result = {"model": str(model), "network": str(out), **plain}
        if notes:
            result["notes"] = [*result.get("notes", ()), *notes]
        json.dump(result, sys.stdout)
        sys.stdout.write("\n")
        return
    _print(found, notes, written)


def _print(found: ConversionReport | None, notes: list[str], written: list[Path]) -> None:
    from rich.console import Console

    console = Console()
    if found is not None and found.layers:
        for table in found.tables():
            console.print(table)
    elif found is not None:
        notes = [*found.notes, *notes]
    for note in notes:
        console.print(note, highlight=False, markup=False)
    for path in written:
        console.print(f"wrote {path}", highlight=False, markup=False)


def file_options(
    written_by: NirWriter | None,
    dt: float | None,
    reset: Reset | None,
    recurrent_latency: int | None,
    input_shape: str | None,
    netx_meaning: Meaning | None,
) -> dict[str, Any]:
    """The options that were given, as arguments of from_nir and from_netx."""
    given: dict[str, Any] = {"dt": dt, "recurrent_latency": recurrent_latency}
    if written_by is not None:
        given["discretization"] = written_by.value
    if reset is not None:
        given["reset"] = reset.value
    if netx_meaning is not None:
        given["meaning"] = netx_meaning.value
    if input_shape is not None:
        try:
            given["input_shape"] = tuple(int(size) for size in input_shape.split(","))
        except ValueError:
            raise InputError(
                f"--input-shape {input_shape}: integers with commas between are needed"
            ) from None
    return {name: value for name, value in given.items() if value is not None}


def _refuse_mixed_up(
    source: ModelFormat,
    target: Target,
    model: Path,
    out: Path,
    report: Path | None,
    options: dict[str, Any],
) -> None:
    if target is Target.NETWORK and source.name == "a network of ssdp-neuro":
        others = ", ".join(other.value for other in Target if other is not Target.NETWORK)
        raise ConversionError(
            f"{model}: {source.name} already (an HDF5 file); --to one of {others} writes it in"
            " another format (to read it: ssdp-neuro info or simulate)"
        )
    if not options.keys() <= source.options:
        raise ConversionError(
            f"{model}: {source.name}; {NIR_OPTIONS} are for NIR files, {NETX_OPTIONS} for netx"
            " files, --verify-each for what is in real numbers"
        )
    if report is not None and report.suffix not in REPORT_KINDS:
        raise ConversionError(f"--report {report}: endings are {' and '.join(REPORT_KINDS)}")
    paths = [model, *files_of(target, out), *([report] if report is not None else [])]
    if target is Target.LAVA and model.resolve() == out.with_suffix(".h5").resolve():
        paths.remove(model)  # the program's network file is the model itself
    if len({path.resolve() for path in paths}) < len(paths):
        raise ConversionError("MODEL, --out and --report must be different files")
