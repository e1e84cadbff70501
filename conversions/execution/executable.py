"""What an executor is given, and what it gives back."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from conversions.decision_rule import DecisionRule
from conversions.real_network.bit_planes import BitPlanes
from hw_models import FixedPointNetwork, InputError
from hw_models.records import short_repr
from ssdp_neuro.engine.results import RunResult

SPIKES = "spikes"  # the variable of a population that is no state


@dataclass(frozen=True, kw_only=True, eq=False)
class Executable:
    """A network, and the PyTorch model that it was made of if there is one.

    Parameters
    ----------
    network
        What the integer executors run.
    shifts
        By population, the network's step in which the model's first one takes place.
    decision
        How a class is made of a run of the network.
    model
        ``torch.nn.Module`` that PyTorch runs, or None.
    calling
        How :func:`conversions.from_torch` was told to call the model.
    planes
        Of a model whose input is real values, the levels that the network's input spikes stand
        for; None of one that is given spikes.
    """

    network: FixedPointNetwork
    shifts: Mapping[str, int] = field(default_factory=dict)
    decision: DecisionRule | None = None
    model: Any = None
    calling: Mapping[str, Any] = field(default_factory=dict)
    planes: BitPlanes | None = None

    __repr__ = short_repr

    @property
    def later(self) -> int:
        """Steps that a run of the network has more than the model."""
        by_decision = 0 if self.decision is None else self.decision.later
        return max([by_decision, *self.shifts.values()])

    def needed_model(self) -> Any:
        """The model, for an executor that can do nothing without."""
        if self.model is None:
            raise InputError("a network without the PyTorch model that it was made of; give that")
        return self.model

    @cached_property
    def real_model(self) -> Any:
        """The model in real numbers: one on the chip's integers is taken off them."""
        from conversions.execution.pytorch import is_quantized, make_real

        model = self.needed_model()
        return make_real(copy_of(model)) if is_quantized(model) else model

    def __reduce__(self) -> Any:
        """For other processes: PyTorch's parametrized layers, as integers have, don't pickle."""
        from ssdp_neuro.training import SpikingNetwork

        settings = {one.name: getattr(self, one.name) for one in fields(self)}
        if isinstance(self.model, SpikingNetwork):
            settings["model"] = _file_of(self.model)
        return _restored, (settings,)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ModelRun(RunResult):
    """A run of a PyTorch model, in the network's time.

    Parameters
    ----------
    decided
        Classes that the model itself decided for, int64 ``(B,)``; None where the network's rule
        says that from the spikes.
    """

    decided: np.ndarray | None = None


def decisions_of(run: RunResult, rule: DecisionRule) -> np.ndarray:
    """Class of each sample, int64 ``(B,)``: a model's own, else by the rule."""
    if isinstance(run, ModelRun) and run.decided is not None:
        return run.decided
    return rule.decide(run)


def copy_of(model: Any) -> Any:
    """A model as it would be read from its file: PyTorch's own copies may share a class."""
    return _model_in(_file_of(model))


def _file_of(model: Any) -> bytes:
    from ssdp_neuro.training import save_model

    with tempfile.TemporaryDirectory() as folder:
        save_model(model, Path(folder) / "model.safetensors")
        return (Path(folder) / "model.safetensors").read_bytes()


def _model_in(content: bytes) -> Any:
    from ssdp_neuro.training import load_model

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.safetensors").write_bytes(content)
        return load_model(Path(folder) / "model.safetensors")


def _restored(settings: dict[str, Any]) -> Executable:
    made = Executable(**{**settings, "model": None})
    model = settings["model"]
    return replace(made, model=_model_in(model) if isinstance(model, bytes) else model)
