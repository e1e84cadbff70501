"""``ssdp-neuro demo``: handwritten digits, from training to learning on the chip."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from conversions.demo.settings import DemoSettings, quick_settings
from hw_models import InputError


def demo(
    seed: Annotated[int, typer.Option(help="Seed of everything.", min=0)] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="A smaller network, less training, fewer digits.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write an HTML report with figures to this file.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Folder for the model, the networks and the held-out digits."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    r"""Train on real digits, convert to fixed point, compare with Lava, learn new digits.

    Then learn classes that only latencies tell apart, with the rule's kernel and without.

    Works offline, in under two minutes on two cores.

    Examples
    \b
    ssdp-neuro demo
    ssdp-neuro demo --report demo.html
    ssdp-neuro demo --quick --json
    """
    from rich.console import Console

    from conversions.demo.demo_page import write_demo_report
    from conversions.demo.demonstration import run_demo
    from conversions.report_pages.figures import require_matplotlib

    if report is not None:
        require_matplotlib()
        if not report.absolute().parent.is_dir():  # now, not after the work is done
            raise InputError(f"--report {report}: there is no folder {report.absolute().parent}")
    progress = Console(stderr=True, highlight=False)
    settings = quick_settings(seed) if quick else DemoSettings(seed=seed)
    result = run_demo(settings, say=progress.print, show_progress=True, save_to=save)
    if report is not None:
        write_demo_report(report, result)
    if as_json:
        json.dump(result.to_dict(), sys.stdout)
        sys.stdout.write("\n")
        return
    console = Console(highlight=False)
    console.print(result.table())
    console.print(result.latency_table())
    if report is None:
        console.print("For the spikes as figures: ssdp-neuro demo --report demo.html")
    else:
        console.print(f"Wrote {report}", markup=False)
    if save is not None:
        console.print(
            f"Wrote {save}; try: ssdp-neuro verify {save / 'digits.h5'} --spikes"
            f" {save / 'held_out.npz'}",
            markup=False,
            soft_wrap=True,
        )
