"""``ssdp-neuro compare``: a model or a network in PyTorch, in the engine and in Lava."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conversions.cli.convert import NirWriter, Reset, file_options
from conversions.cli.data_options import (
    Changes,
    DataSet,
    Folder,
    Steps,
    code_notes,
    data_table,
    settings_in_code,
)
from conversions.cli.info import ChipName
from conversions.cli.model_sources import source_of
from hw_models import InputError
from ssdp_neuro.progress import say

if TYPE_CHECKING:
    from conversions.decision_rule import DecisionRule
    from ssdp_neuro.data import DataSettings

LAVA_SAMPLES = 20


def compare(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...",
            help="Safetensors file of a trained model, NIR or netx file, or network file (.h5);"
            " or several of the same layers, such as one for each training seed.",
        ),
    ],
    data: DataSet,
    folder: Folder = None,
    steps: Steps = None,
    changes: Changes = None,
    seeds: Annotated[
        int, typer.Option(help="Drawings of the input spikes, where they are random.", min=1)
    ] = 1,
    samples: Annotated[
        int | None, typer.Option(help="Test samples, from the first.", show_default="all")
    ] = None,
    lava: Annotated[bool, typer.Option("--lava", help="Run Lava's models as well.")] = False,
    lava_samples: Annotated[
        int, typer.Option(help="With --lava: on so many samples of each run.", min=1)
    ] = LAVA_SAMPLES,
    chip: Annotated[ChipName, typer.Option(help="Chip to fit.")] = ChipName.LOIHI2,
    decision: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Of a network file: report of its conversion (convert --report), which says how it"
            " decides; without it, by most spikes of its last population.",
        ),
    ] = None,
    written_by: Annotated[
        NirWriter | None, typer.Option(help="NIR: framework that wrote the graph, as of convert.")
    ] = None,
    dt: Annotated[float | None, typer.Option(help="NIR: time step, as of convert.")] = None,
    reset: Annotated[Reset | None, typer.Option(help="NIR: what a spike does.")] = None,
    recurrent_latency: Annotated[
        int | None, typer.Option(help="NIR: steps of feedback besides its delays.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes on this machine.", min=1)] = 1,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A running dask scheduler, such as tcp://host:8786."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write an HTML report with figures to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    r"""Compare accuracy, spikes, latencies, speed and energy of one model in every executor.

    The test part is used, and nothing is chosen by it: a model that was trained in real
    numbers gets its integers from the validation part. Numbers do not depend on the workers.

    Examples
    \b
    ssdp-neuro compare run/best.safetensors --data run.toml
    ssdp-neuro compare seed*.safetensors --data run.toml --lava --report comparison.html
    ssdp-neuro compare net.nir --written-by snntorch --reset zero --data run.toml
    ssdp-neuro compare net.h5 --decision report.json --data run.toml --lava
    ssdp-neuro compare m.safetensors --data fashion-mnist --folder data --seeds 5 --json
    """
    from conversions.comparison.model_comparison import compare as run_comparison
    from conversions.comparison.presentation import as_table, sentences
    from conversions.report_pages.figures import require_matplotlib
    from ssdp_neuro.data import load

    if report is not None:
        require_matplotlib()
        if not report.absolute().parent.is_dir():  # now, not after the work is done
            raise InputError(f"--report {report}: there is no folder {report.absolute().parent}")
    rule = None if decision is None else _decision_in(decision)
    codes = {str(model): source_of(model).read_code(model) for model in models}
    known = next((code for code in codes.values() if code is not None), None)
    settings = settings_in_code(data_table(data, folder, steps, changes or ()), known)
    split = load(settings)
    notes = [note for name, code in codes.items() for note in code_notes(code, split.code, name)]
    found = run_comparison(
        models,
        split.test,
        seeds=seeds,
        calibration=split.validation if len(split.validation) else split.train,
        lava_samples=lava_samples if lava else 0,
        n_samples=samples,
        chip=chip.value,
        decision=rule,
        file_options=file_options(written_by, dt, reset, recurrent_latency, None, None),
        n_workers=workers,
        cluster=cluster,
        circumstances=_described(data, settings),
        show_progress=True,
    )
    found = dataclasses.replace(found, notes=(*notes, *found.notes))
    if as_json:
        json.dump(found.to_dict(), sys.stdout)
        sys.stdout.write("\n")
    else:
        from rich.console import Console

        console = Console(highlight=False)
        console.print(as_table(found))
        for sentence in sentences(found):
            console.print(sentence, markup=False)
    if report is not None:  # last: figures take seconds
        say(f"writing {report} ...")
        found.write_html(report)
        if not as_json:
            console.print(f"Wrote {report}", markup=False)


def _decision_in(path: Path) -> DecisionRule:
    """The rule in a report of ``ssdp-neuro convert``."""
    from conversions.decision_rule import DecisionRule

    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return DecisionRule.from_dict(plain["decision"])
    except OSError as error:
        raise InputError(f"--decision {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"--decision {path}: not a report of convert with a decision ({type(error).__name__})"
        ) from None


def _described(data: str, settings: DataSettings) -> dict[str, str]:
    """The config file, if there is one, and what in its table is not left at its default."""
    usual = type(settings)().to_table()
    always = ("name", "n_steps", "encoding", "seed")
    table = {k: v for k, v in settings.to_table().items() if k in always or v != usual.get(k)}
    said = {"data": ", ".join(f"{name} = {value!r}" for name, value in table.items())}
    if not data.endswith(".toml"):
        return said
    digest = hashlib.sha256(Path(data).read_bytes()).hexdigest()
    return {"config": f"{data} (SHA-256 {digest})", **said}
