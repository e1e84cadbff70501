"""What the demo found, as one table and as one JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ssdp_neuro.decision import ClassAccuracy

if TYPE_CHECKING:
    from rich.table import Table

    from conversions.conversion_report import ConversionReport
    from conversions.demo.settings import DemoSettings


@dataclass(frozen=True, kw_only=True)
class ChipLearning:
    """Learning on the chip from a few samples.

    Parameters
    ----------
    shots
        Samples of each new class.
    rehearsed
        Whether as many of each trained class were shown in between.
    accuracy
        Afterwards.
    n_updates
        Samples after which weights were updated.
    """

    shots: int
    rehearsed: bool
    accuracy: ClassAccuracy
    n_updates: int


@dataclass(frozen=True, kw_only=True)
class LavaComparison:
    """Engine against Lava.

    Parameters
    ----------
    equal
        Whether every spike of every population was the same.
    n_runtime, n_models
        Digits run by Lava's runtime, and by its models without the runtime, with the
        network before learning and the one after it taken together.
    n_spikes
        Spikes compared, input not counted.
    """

    equal: bool
    n_runtime: int
    n_models: int
    n_spikes: int


@dataclass(frozen=True, kw_only=True)
class LatencyAccuracy:
    """One condition of the task in which only latencies tell the classes.

    Parameters
    ----------
    condition
        What learned, in words.
    shares
        Of the test samples that are right, by seed.
    """

    condition: str
    shares: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.shares))

    @property
    def deviation(self) -> float:
        """Standard deviation over the seeds."""
        return float(np.std(self.shares, ddof=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """One digit, for the raster.

    Parameters
    ----------
    image
        float ``(8, 8)``.
    label
        Its class.
    rasters
        Spikes by population after learning, bool ``(T, N)``.
    before
        Output spikes before learning, bool ``(T, N)``.
    """

    image: np.ndarray
    label: int
    rasters: Mapping[str, np.ndarray]
    before: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class DemoResult:
    """Everything the demo found.

    Parameters
    ----------
    settings
        What was done.
    n_held_out
        Held-out digits: of the trained classes, of all classes.
    accuracy_float, accuracy_fixed
        On the held-out digits of the trained classes, as fractions.
    conversion
        What the conversion cost, on some of the training digits.
    lava
        Engine against Lava.
    before
        All ten classes, without learning.
    learning
        The last one that rehearses is the headline.
    example
        A held-out digit of a new class.
    first_spikes
        First spike steps on the held-out digits, after learning: by population, of
        those neurons that fired.
    latencies
        Learning where only latencies tell three classes apart, by condition.
    seconds
        By part of the demo, and ``total``.
    """

    settings: DemoSettings
    n_held_out: tuple[int, int]
    accuracy_float: float
    accuracy_fixed: float
    conversion: ConversionReport
    lava: LavaComparison
    before: ClassAccuracy
    learning: tuple[ChipLearning, ...]
    example: Example = field(repr=False)
    first_spikes: Mapping[str, np.ndarray] = field(repr=False)
    latencies: tuple[LatencyAccuracy, ...]
    seconds: Mapping[str, float]

    @property
    def after(self) -> ChipLearning:
        """What counts: most shots, with rehearsal."""
        return max((x for x in self.learning if x.rehearsed), key=lambda found: found.shots)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "accuracy_float": self.accuracy_float,
            "accuracy_fixed": self.accuracy_fixed,
            "lava_equal": self.lava.equal,
            "accuracy_before_learning": self.before.everything,
            "accuracy_after_learning": self.after.accuracy.everything,
            "new_classes_before_learning": self.before.new,
            "new_classes_after_learning": self.after.accuracy.new,
            "trained_classes_before_learning": self.before.trained,
            "trained_classes_after_learning": self.after.accuracy.trained,
            "learning": [
                {
                    "shots": found.shots,
                    "rehearsed": found.rehearsed,
                    "updates": found.n_updates,
                    "accuracy": found.accuracy.everything,
                    "accuracy_new_classes": found.accuracy.new,
                    "accuracy_trained_classes": found.accuracy.trained,
                }
                for found in self.learning
            ],
            "held_out_trained_classes": self.n_held_out[0],
            "held_out_all_classes": self.n_held_out[1],
            "lava_digits_runtime": self.lava.n_runtime,
            "lava_digits_models": self.lava.n_models,
            "lava_spikes_compared": self.lava.n_spikes,
            "latencies": {one.condition: list(one.shares) for one in self.latencies},
            "conversion": self.conversion.to_dict(),
            "seed": self.settings.seed,
            "seconds": self.seconds["total"],
            "seconds_by_part": {k: v for k, v in self.seconds.items() if k != "total"},
        }

    def rows(self) -> list[tuple[str, ...]]:
        """Headings, then one row of text per network and executor."""
        trained, new = self._class_names()
        same = "equal" if self.lava.equal else "UNEQUAL"
        fixed = f"{self.accuracy_fixed:.1%}"
        rows: list[tuple[str, ...]] = [
            ("network", "run by", trained, new, "all"),
            ("trained, real numbers", "PyTorch", f"{self.accuracy_float:.1%}", "", ""),
            ("trained, fixed point", "engine", fixed, "", ""),
            ("spikes of trained and learned", "Lava", same, same, same),
            ("no learning on the chip", "engine", *_shares(self.before)),
        ]
        for found in self.learning:
            which = "each digit" if found.rehearsed else "each new digit"
            name = f"learned, {found.shots} of {which}"
            rows.append((name, "engine", *_shares(found.accuracy)))
        return rows

    def latency_rows(self) -> list[tuple[str, str, str]]:
        """Headings, then one row of text for each condition of the latency task."""
        return [
            ("what learns", "accuracy", "deviation"),
            *((x.condition, f"{x.mean:.1%}", f"{100 * x.deviation:.1f}") for x in self.latencies),
        ]

    def latency_remark(self) -> str:
        """What the latency task is."""
        return (
            f"Three classes, made for the rule: 64 inputs, each fires once in every sample, and"
            f" only when tells the class. {len(self.latencies[0].shares)} seeds, chance 33.3%."
        )

    def remarks(self) -> list[str]:
        """What the table does not say, in sentences."""
        trained, new = self._class_names()
        lava = self.lava
        return [
            f"Accuracies on held-out digits that nothing was trained or tuned on:"
            f" {self.n_held_out[0]} of {trained}, {self.n_held_out[1]} of all classes.",
            f"Lava: {lava.n_runtime} digits in its runtime and {lava.n_models} in its models,"
            f" {lava.n_spikes:,} spikes, "
            + ("every one at the same neuron and step." if lava.equal else "not all the same."),
            f"Learning on the chip: integer DA-SSDP, 8-bit weights, {new} never seen in PyTorch.",
            f"{self.seconds['total']:.1f} s in all.",
        ]

    def table(self) -> Table:
        """A rich table."""
        headings, *rows = self.rows()
        table = _table("Held-out handwritten digits", "\n".join(self.remarks()), headings, 2)
        for number, row in enumerate(rows):
            # the trained classes end here, all ten begin
            table.add_row(*row, end_section=number == 2)
        return table

    def latency_table(self) -> Table:
        """The latency task as a rich table."""
        headings, *rows = self.latency_rows()
        table = _table("What the latency kernel is for", self.latency_remark(), headings, 1)
        for row in rows:
            table.add_row(*row)
        return table

    def _class_names(self) -> tuple[str, str]:
        first_new = self.settings.n_trained_classes
        return f"digits 0-{first_new - 1}", f"digits {first_new}-9"


def _shares(accuracy: ClassAccuracy) -> tuple[str, str, str]:
    values = (accuracy.trained, accuracy.new, accuracy.everything)
    trained, new, everything = ("" if value is None else f"{value:.1%}" for value in values)
    return trained, new, everything


def _table(title: str, caption: str, headings: tuple[str, ...], n_left: int) -> Table:
    from rich.table import Table

    table = Table(title=title, caption=caption, caption_justify="left")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < n_left else "right")
    return table
