"""The passes in their order, and running them, with a check of each on request."""

from __future__ import annotations

from typing import Any

import numpy as np

from conversions.conversion_report import PassReport
from conversions.quantization.passes.bias_drives import BIASES
from conversions.quantization.passes.bit_plane_inputs import BIT_PLANES
from conversions.quantization.passes.chip_check import CHIP_CHECK
from conversions.quantization.passes.chip_records import RECORDS
from conversions.quantization.passes.conversion_pass import ConversionPass
from conversions.quantization.passes.decay_rounding import DECAYS
from conversions.quantization.passes.grid_choice import GRIDS
from conversions.quantization.passes.meaning import sent_spikes
from conversions.quantization.passes.schedule import SCHEDULE
from conversions.quantization.passes.state import ConversionState
from hw_models import ConversionError


class Pipeline(tuple[ConversionPass, ...]):
    """Passes, one after the other; printed they are a table."""

    def __str__(self) -> str:
        from rich.console import Console
        from rich.table import Table

        table = Table(title="From real numbers to integers")
        for heading in ("pass", "what it does", "spikes"):
            table.add_column(heading)
        for one in self:
            table.add_row(one.name, one.description, "may change" if one.rounds else "stay")
        console = Console()
        with console.capture() as text:
            console.print(table)
        return text.get()

    def run(
        self, state: ConversionState, *, verify_each: bool = False
    ) -> tuple[ConversionState, tuple[PassReport, ...]]:
        """Apply every pass.

        Parameters
        ----------
        state
            To begin with.
        verify_each
            Whether to run the network on the calibration data before and after every pass.

        Returns
        -------
        state, reports
            The last state, and what each pass changed.

        Raises
        ------
        ConversionError
            If a pass refuses the network, or one that rounds nothing changes a spike; names it.
        """
        reports = []
        was = sent_spikes(state) if verify_each else {}
        for one in self:
            state, changed = one.apply(state)
            count = None
            if verify_each:
                sent = sent_spikes(state)
                count = sum(int(np.abs(sent[name] - was[name]).sum()) for name in was)
                if count and not one.rounds:
                    raise ConversionError(
                        f"pass {one.name!r} rounds nothing and changes {count} spikes, first of"
                        f" {_first_difference(was, sent)}"
                    )
                was = sent
            reports.append(
                PassReport(name=one.name, rounds=one.rounds, changed=changed, spikes_changed=count)
            )
        return state, tuple(reports)


def _first_difference(was: dict[str, Any], sent: dict[str, Any]) -> str:
    """Population, sample, step and neuron of the earliest spike that differs."""
    places = []
    for name in was:
        for sample, step, neuron in np.argwhere(was[name] != sent[name])[:1]:
            places.append((int(step), int(sample), name, int(neuron)))
    step, sample, name, neuron = min(places)
    return f"{name} in sample {sample}, step {step}, neuron {neuron}"


PIPELINE = Pipeline((BIT_PLANES, SCHEDULE, DECAYS, GRIDS, BIASES, RECORDS, CHIP_CHECK))
"""What :func:`conversions.to_fixed_point` does, in this order."""
