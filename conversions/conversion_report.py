"""What a conversion cost, layer by layer."""

from __future__ import annotations

import dataclasses
import enum
import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hw_models.html_table import table as html_table

if TYPE_CHECKING:
    from rich.table import Table

    from conversions.decision_rule import DecisionRule
    from conversions.real_network.bit_planes import BitPlanes


class GridChoice(enum.Enum):
    """Where the integers of a layer come from."""

    TRAINED = "trained on this grid"
    EXACT = "every weight is a whole number of steps"
    CALIBRATED = "least spike mismatch on the calibration data"
    COVERING = "covers every weight; no calibration data"


@dataclass(frozen=True, kw_only=True)
class LayerReport:
    """One projection and the neurons it ends at.

    Errors are in thresholds of the neurons; of a readout, which has none, in the largest of
    its weights.

    Parameters
    ----------
    projection, population
        Names in the network; no projection if none ends at the population.
    weight_exponent, threshold
        The integers chosen; the smallest threshold if neurons have their own.
    choice
        How they were chosen.
    step
        Between neighbouring weights; the largest, if neurons have their own scales.
    largest_rounding_error, mean_rounding_error
        Of the weights, saturation included. A trained grid counts from the real weights
        under it, although training already saw the rounded ones.
    saturated_share
        Of the weights beyond the grid.
    largest_current
        Bound of the current register if all synapses of one sign of all the population's
        projections are hit in every step, in registers: above 1 the current can wrap.
    largest_threshold
        If neurons have their own.
    threshold_error
        Largest difference to the threshold of the model, as a share of it.
    decay_error
        Largest difference of the share that a step leaves of current, potential or a threshold's
        rise.
    bias_error
        Largest difference of the constant input of a step.
    potential_unit
        Of a readout: real value of one unit of ``v``; None for neurons that fire.
    rate_before, rate_after
        Spikes per neuron and step on the calibration data; None without them.
    spike_agreement
        One minus the share of spikes without a counterpart at the same neuron and step,
        between the model given and the fixed-point network, with everything before
        this layer converted too; None without calibration data.
    potential_error
        Of a readout: root mean square difference of its potential to the model's, as a
        share of the root mean square of the model's; None without calibration data.
    """

    projection: str
    population: str
    weight_exponent: int
    threshold: int
    choice: GridChoice
    step: float
    largest_rounding_error: float
    mean_rounding_error: float
    saturated_share: float
    largest_current: float
    largest_threshold: int | None = None
    threshold_error: float = 0.0
    decay_error: float = 0.0
    bias_error: float = 0.0
    potential_unit: float | None = None
    rate_before: float | None = None
    rate_after: float | None = None
    spike_agreement: float | None = None
    potential_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class PassReport:
    """What one pass of the conversion did.

    Parameters
    ----------
    name
        As in :data:`conversions.PIPELINE`.
    rounds
        Whether it may change spikes.
    changed
        What it changed, in a few words; empty if nothing.
    spikes_changed
        Spikes too many or too few after it, on the calibration data; None if that was not
        looked at.
    """

    name: str
    rounds: bool
    changed: str
    spikes_changed: int | None = None


@dataclass(frozen=True, kw_only=True)
class ConversionReport:
    """The whole conversion.

    Parameters
    ----------
    chip
        Name of the chip whose registers were filled.
    layers
        From input to output, one for each projection.
    shifts
        By population: network step in which it does what it does in step 0 of the model.
        A run needs as many steps more than the model as the largest.
    n_samples
        Calibration samples; 0 without calibration data.
    accuracy_before, accuracy_after
        On the calibration data, as fractions; None without labels.
    decisions_changed
        Share of calibration samples that the network decides by ``decision`` otherwise than the
        model itself did; None without calibration data.
    notes
        What else the conversion changed, in sentences.
    real_input
        Of a model of real values: how they become the spikes of the network's inputs.
    decision
        How a class is made of what the network does: ``decision.decide(result)``.
    passes
        What each pass changed, in their order; empty where integers were only read.
    """

    chip: str
    layers: tuple[LayerReport, ...]
    shifts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    n_samples: int = 0
    accuracy_before: float | None = None
    accuracy_after: float | None = None
    decisions_changed: float | None = None
    notes: tuple[str, ...] = ()
    real_input: BitPlanes | None = None
    decision: DecisionRule | None = None
    passes: tuple[PassReport, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        bare = dataclasses.replace(self, decision=None)
        plain = dataclasses.asdict(bare)
        plain["decision"] = None if self.decision is None else self.decision.to_dict()
        for layer in plain["layers"]:
            layer["choice"] = layer["choice"].name.lower()
        for part in ("layers", "notes", "passes"):
            plain[part] = list(plain[part])
        plain["shifts"] = dict(self.shifts)
        return plain

    def rows(self) -> list[tuple[str, ...]]:
        """Headings, then one row of text per layer."""
        return [COLUMNS, *(_row(layer) for layer in self.layers)]

    def pass_rows(self) -> list[tuple[str, ...]]:
        """Headings, then one row of text per pass that changed something or was verified."""
        told = [one for one in self.passes if one.changed or one.spikes_changed is not None]
        headings = ("pass", "what it changed", "spikes changed")
        return [headings, *(_pass_row(one) for one in told)]

    def summary(self) -> list[str]:
        """What holds for the whole network, in sentences."""
        lines = [LEGEND]
        if any(self.shifts.values()):
            late = ", ".join(f"{name} {shift}" for name, shift in self.shifts.items() if shift)
            lines.append(f"Steps later than in the model: {late}.")
        if self.decision is not None:
            lines.append(str(self.decision))
        if self.decisions_changed is not None:
            lines.append(
                f"Calibration: {self.n_samples} samples, {self.decisions_changed:.2%} of the"
                " decisions changed."
            )
        if self.accuracy_before is not None and self.accuracy_after is not None:
            lines.append(
                f"Accuracy on them: {self.accuracy_before:.2%} before,"
                f" {self.accuracy_after:.2%} after."
            )
        return [*lines, *self.notes]

    def __str__(self) -> str:
        """The table as text."""
        from rich.console import Console

        console = Console()
        with console.capture() as text:
            for table in self.tables():
                console.print(table)
        return text.get()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self.summary())
        rows = self.rows() if self.layers else [("layers",), ("kept as they are",)]
        return html_table(rows, f"Conversion to {self.chip}") + lines

    def tables(self) -> list[Table]:
        """Of the layers and, if there were any, of the passes, as rich tables."""
        tables = [self.table()]
        if self.passes:
            from rich.markup import escape
            from rich.table import Table

            headings, *rows = self.pass_rows()
            tables.append(Table(*headings, title="What the passes changed"))
            for row in rows:
                tables[-1].add_row(*map(escape, row))
        return tables

    def table(self) -> Table:
        """A rich table, one column per layer: there are fewer of these than of quantities."""
        from rich.markup import escape
        from rich.table import Table

        headings, *quantities = zip(*self.rows(), strict=True)
        table = Table(
            title=f"Conversion to {self.chip}",
            caption=escape("\n".join(self.summary())),
            caption_justify="left",
        )
        for place, heading in enumerate(headings):
            table.add_column(escape(heading), justify="left" if place == 0 else "right")
        for quantity in quantities:
            table.add_row(*map(escape, quantity))
        return table


COLUMNS = (
    "layer",
    "weights",
    "threshold",
    "decay error",
    "step",
    "largest error",
    "mean error",
    "saturated",
    "bias error",
    "current",
    "rate before",
    "rate after",
    "agreement",
)
LEGEND = (
    "Step and errors of weights and biases in thresholds (of a readout: in its largest weight);"
    " decay error: of the share that a step leaves; current: share of its register that is full"
    " if all synapses of one sign are hit in every step; rates per neuron and step. A readout has"
    " the relative error of its potential in the place of the agreement."
)


def _pass_row(one: PassReport) -> tuple[str, ...]:
    count = "-" if one.spikes_changed is None else str(one.spikes_changed)
    return one.name, one.changed or "nothing", count


def _row(layer: LayerReport) -> tuple[str, ...]:
    low, high = layer.threshold, layer.largest_threshold
    agreement = "-"
    if layer.spike_agreement is not None:
        agreement = f"{layer.spike_agreement:.2%}"
    if layer.potential_error is not None:
        agreement = f"v {layer.potential_error:.2%}"
    name = layer.population
    if layer.projection not in {"", layer.population}:
        name = f"{layer.population} by {layer.projection}"
    return (
        f"{name} ({layer.choice.name.lower()})",
        f"m << {layer.weight_exponent}",
        "-" if layer.potential_unit is not None else f"{low}" + (f"..{high}" if high else ""),
        f"{layer.decay_error:.2g}",
        f"{layer.step:.2g}",
        f"{layer.largest_rounding_error:.2g}",
        f"{layer.mean_rounding_error:.2g}",
        f"{layer.saturated_share:.2%}",
        f"{layer.bias_error:.2g}",
        f"{layer.largest_current:.0%}",
        "-" if layer.rate_before is None else f"{layer.rate_before:.4f}",
        "-" if layer.rate_after is None else f"{layer.rate_after:.4f}",
        agreement,
    )
