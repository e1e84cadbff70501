"""The config file of a run: TOML, one section for each part, every field documented."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass, field
from typing import Any

from hw_models import InputError, TypeMismatchError
from hw_models.errors import brief
from ssdp_neuro.data import DataSettings
from ssdp_neuro.data.toml_file import parse_value, read_toml
from ssdp_neuro.training.run.choices import DelayKind, ScheduleKind
from ssdp_neuro.training.run.section import (
    field_notes,
    filled,
    nearest,
    plain,
    read_section,
    toml_value,
)
from ssdp_neuro.training.run.settings.model import ModelSettings
from ssdp_neuro.training.run.settings.optimizer import OptimizerSettings
from ssdp_neuro.training.run.settings.rule import RuleSection
from ssdp_neuro.training.run.settings.training import TrainingSettings

FREE_TO_CHANGE = {
    "data": {"folder", "cache"},
    "training": {
        "patience",
        "checkpoint_epochs",
        "checkpoint_steps",
        "keep",
        "tensorboard",
        "device",
        "threads",
    },
}


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All settings of a run.

    Parameters
    ----------
    data
        What is learned; ``None`` where the caller brings the samples.
    model, rule, optimizer, training
        See each.
    """

    data: DataSettings | None = None
    model: ModelSettings = field(default_factory=ModelSettings)
    rule: RuleSection = field(default_factory=RuleSection)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def plain(self) -> dict[str, dict[str, Any]]:
        """Every section as plain values, defaults too."""
        sections = {name: getattr(self, name) for name in SECTIONS}
        return {name: plain(section) for name, section in sections.items() if section is not None}

    def to_toml(self) -> str:
        """The config as a file that gives it again."""
        parts = []
        for name, values in self.plain().items():
            lines = [f"{key} = {toml_value(value)}" for key, value in values.items()]
            parts.append("\n".join([f"[{name}]", *lines]))
        return "\n\n".join(parts) + "\n"


SECTIONS: dict[str, Any] = {
    "data": DataSettings,
    "model": ModelSettings,
    "rule": RuleSection,
    "optimizer": OptimizerSettings,
    "training": TrainingSettings,
}


def read_config(path: str | os.PathLike[str], changes: tuple[str, ...] = ()) -> RunConfig:
    """Read a config file.

    Parameters
    ----------
    path
        TOML.
    changes
        Like ``"training.epochs=3"``: fields that differ from the file. Values are TOML;
        text may stand without quotes.

    Raises
    ------
    InputError, TypeMismatchError, RangeError
        If it is not TOML, or a section, a field or a value is not allowed; says where.
    OSError
        If it cannot be read.
    """
    tables = read_toml(path)
    for change in changes:
        _apply(tables, change)
    return config_of(tables, str(path))


def config_of(tables: dict[str, Any], where: str = "config") -> RunConfig:
    """A config from plain tables, as TOML gives them."""
    for name in tables:
        if name not in SECTIONS:
            raise InputError(f"{where}: no section {name!r}{nearest(name, SECTIONS)}")
    return RunConfig(
        **{
            name: read_section(SECTIONS[name], table, f"{where}: [{name}]")
            for name, table in tables.items()
        }
    )


def refuse_other_config(stored: dict[str, Any], now: RunConfig, where: str) -> None:
    """Refuse to go on with a run under settings that would have made another run.

    Raises
    ------
    InputError
        Names the first field that differs.
    """
    current = now.plain()
    free = {name: set(fields) for name, fields in FREE_TO_CHANGE.items()}
    fixed_windows = now.model.learned_delays is DelayKind.NONE
    if fixed_windows and now.optimizer.schedule in (ScheduleKind.CONSTANT, ScheduleKind.PLATEAU):
        free["training"].add("epochs")  # neither rate nor the windows of delays depend on it
    for section, kind in SECTIONS.items():
        before, after = (filled(kind, tables.get(section, {})) for tables in (stored, current))
        for name in sorted((before.keys() | after.keys()) - free.get(section, set())):
            if before.get(name) != after.get(name):
                raise InputError(
                    f"{where}: [{section}] {name} was {before.get(name, 'left out')!r} and is now"
                    f" {after.get(name, 'left out')!r}; a resumed run needs the same"
                    " (start anew with another --out)"
                )


def described_fields() -> str:
    """Every field of every section with its type, default and meaning, as text."""
    lines: list[str] = []
    indent = " " * 6
    for name, kind in SECTIONS.items():
        summary = (kind.__doc__ or "").strip().splitlines()[0]
        lines += [f"[{name}]  {summary}"]
        for note in field_notes(kind):
            lines.append(f"  {note.name} = {note.default}    ({note.allowed})")
            lines += textwrap.wrap(
                note.meaning,
                98,
                initial_indent=indent,
                subsequent_indent=indent,
                break_on_hyphens=False,
            )
        lines.append("")
    return "\n".join(lines)


def example_config() -> str:
    """A whole config file: every field at its default, with what it means above it."""
    lines: list[str] = []
    for name, kind in SECTIONS.items():
        lines.append(f"[{name}]")
        for note in field_notes(kind):
            text = f"{note.meaning} ({note.allowed})"
            lines += textwrap.wrap(
                text, 98, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
            )
            left_out = note.default in ("left out", "needed")
            lines.append(f"# {note.name} =" if left_out else f"{note.name} = {note.default}")
        lines.append("")
    return "\n".join(lines)


def _apply(tables: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    section, dot, name = key.strip().partition(".")
    if not equals or not dot:
        raise InputError(f"--set {change!r}; section.field=value is needed")
    table = tables.setdefault(section, {})
    if not isinstance(table, dict):
        raise TypeMismatchError(
            f"--set {change!r}: {section} is {brief(table)} in the file; a section is needed"
        )
    table[name] = parse_value(text)
