"""What a conversion cost, layer by layer."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


class GridChoice(enum.Enum):
    """Where the integers of a layer come from."""

    TRAINED = "trained on this grid"
    CALIBRATED = "least spike mismatch on the calibration data"
    COVERING = "covers every weight; no calibration data"


@dataclass(frozen=True, kw_only=True)
class LayerReport:
    """One projection and the neurons it ends at.

    Parameters
    ----------
    projection, population
        Names in the network.
    weight_exponent, threshold
        The integers chosen.
    choice
        How they were chosen.
    step
        Between neighbouring weights, in thresholds.
    largest_rounding_error, mean_rounding_error
        Of the weights, saturation included, in thresholds. A trained grid counts from
        the real weights under it, although training already saw the rounded ones.
    saturated_share
        Of the weights beyond the grid.
    largest_current
        Bound of the current register if all synapses of one sign are hit in every
        step, in registers: above 1 the current can wrap.
    rate_before, rate_after
        Spikes per neuron and step on the calibration data; None without them.
    spike_agreement
        One minus the share of spikes without a counterpart at the same neuron and step,
        between the model given and the fixed-point network, with everything before
        this layer converted too; None without calibration data.
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
    rate_before: float | None = None
    rate_after: float | None = None
    spike_agreement: float | None = None


@dataclass(frozen=True, kw_only=True)
class ConversionReport:
    """The whole conversion.

    Parameters
    ----------
    chip
        Name of the chip whose registers were filled.
    layers
        From input to output.
    n_samples
        Calibration samples; 0 without calibration data.
    accuracy_before, accuracy_after
        On the calibration data, as fractions; None without labels.
    decisions_changed
        Share of calibration samples decided otherwise; None without calibration data.
    notes
        What else the conversion changed, in sentences.
    """

    chip: str
    layers: tuple[LayerReport, ...]
    n_samples: int = 0
    accuracy_before: float | None = None
    accuracy_after: float | None = None
    decisions_changed: float | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        plain = dataclasses.asdict(self)
        for layer in plain["layers"]:
            layer["choice"] = layer["choice"].name.lower()
        plain["layers"], plain["notes"] = list(plain["layers"]), list(plain["notes"])
        return plain

    def rows(self) -> list[tuple[str, ...]]:
        """Headings, then one row of text per layer."""
        return [COLUMNS, *(_row(layer) for layer in self.layers)]

    def summary(self) -> list[str]:
        """What holds for the whole network, in sentences."""
        lines = [LEGEND]
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
    "step",
    "largest error",
    "mean error",
    "saturated",
    "current",
    "rate before",
    "rate after",
    "agreement",
)
LEGEND = (
    "Step and errors of the weights in thresholds; current: share of its register that is full if"
    " all synapses of one sign are hit in every step; rates per neuron and step."
)


def _row(layer: LayerReport) -> tuple[str, ...]:
    compared = layer.rate_before is not None and layer.spike_agreement is not None
    return (
        f"{layer.population} ({layer.choice.name.lower()})",
        f"m << {layer.weight_exponent}",
        str(layer.threshold),
        f"{layer.step:.2g}",
        f"{layer.largest_rounding_error:.2g}",
        f"{layer.mean_rounding_error:.2g}",
        f"{layer.saturated_share:.2%}",
        f"{layer.largest_current:.0%}",
        f"{layer.rate_before:.4f}" if compared else "-",
        f"{layer.rate_after:.4f}" if compared else "-",
        f"{layer.spike_agreement:.2%}" if compared else "-",
    )
