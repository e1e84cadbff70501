"""Arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NetworkFile = Annotated[Path, typer.Argument(metavar="NETWORK.h5", help="A network file.")]

SpikeFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Input spikes, .npy or .npz: 0/1 arrays (T, N) or (B, T, N), or (step, index)"
        " pairs; in an .npz one array per input population, under its name, or spikes and labels.",
    ),
]

NetworkSteps = Annotated[
    int | None,
    typer.Option("--steps", help="Steps of a sample.", show_default="as the network was trained"),
]
