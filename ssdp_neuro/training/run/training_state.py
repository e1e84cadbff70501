"""A model under training with all that changes beside it: what a checkpoint holds."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hw_models import ConversionError, InputError
from hw_models.chips import LOIHI2, Chip
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training.networks.batch_normalization import BatchNormalization
from ssdp_neuro.training.networks.eprop_feedback import EpropFeedback
from ssdp_neuro.training.networks.quantization import quantize
from ssdp_neuro.training.networks.stages import stages
from ssdp_neuro.training.run.finite_numbers import Whereabouts
from ssdp_neuro.training.run.progress_record import ProgressRecord
from ssdp_neuro.training.run.run_folder import RunFolder
from ssdp_neuro.training.run.tensor_tree import put_together, take_apart


class TrainingState:
    """Model, optimizer, rule, feedback and progress; changes with every step.

    Parameters
    ----------
    model
        On the device of the run.
    optimizer
        Of its parameters.
    rule
        Beside the optimizer; ``None`` for none.
    folder
        Of the run, or ``None``.
    feedback
        Of e-prop, where it is not the weights themselves.

    Attributes
    ----------
    best
        What ``network.state_dict()`` was after the best epoch; empty before the first.
    normalization
        Beside the model, as long as its weights are real numbers; ``None`` for none.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        rule: Any,
        folder: RunFolder | None,
        feedback: EpropFeedback | None = None,
    ) -> None:
        self.model, self.optimizer, self.rule, self.folder = model, optimizer, rule, folder
        self.feedback = feedback
        self.normalization: BatchNormalization | None = None
        self.progress = ProgressRecord()
        self.quantized = False
        self.best: dict[str, Any] = {}
        self.best_is_convertible = False

    @property
    def learning_rate(self) -> float:
        """Of the last step."""
        return self.optimizer.param_groups[0]["lr"]

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All that training moves."""
        beside = [] if self.normalization is None else list(self.normalization.parameters())
        return [*self.model.parameters(), *beside]

    @property
    def network(self) -> nn.Module:
        """The model as it is measured and stored: with what is beside it folded in, a copy."""
        if self.normalization is None:
            return self.model
        folded = copy.deepcopy(self.model)
        self.normalization.fold_into(folded)
        return folded

    def normalize(self, output_divisor: float) -> None:
        """Begin to train with a :class:`BatchNormalization`.

        Raises
        ------
        InputError
            If the model has not what it takes.
        """
        self.normalization = BatchNormalization(self.model, output_divisor)
        self.normalization.to(next(self.model.parameters()).device)
        added = list(self.normalization.parameters())
        self.optimizer.add_param_group({"params": added, "weight_decay": 0.0})

    def normalized(self) -> contextlib.AbstractContextManager[None]:
        """Passes through the model are normalised in it, if there is a normalisation."""
        if self.normalization is None:
            return contextlib.nullcontext()
        return self.normalization.within(self.model)

    def fold(self) -> None:
        """End batch normalisation; what the optimizer knows of other weights is forgotten."""
        if self.normalization is not None:
            self.normalization.fold_into(self.model)
            self._drop_normalization()

    def _drop_normalization(self) -> None:
        self.normalization = None
        self.optimizer.param_groups.pop()
        self.optimizer.state.clear()

    def quantize(self, weight_bits: Sequence[int] = (), chip: Chip | str = LOIHI2) -> None:
        """Put the model on the chip's integers, with so many bits of each layer's weights."""
        self.fold()
        quantize(self.model, chip=chip, weight_bits=weight_bits)  # type: ignore[arg-type]
        self.quantized = True
        # what was best in real numbers is not compared with what is in integers
        self.progress.forget_best()

    def taken_apart(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors by name, and the rest as JSON can hold it."""
        tensors: dict[str, Tensor] = {}
        state = {
            "model": dict(self.model.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "rule": None if self.rule is None else self.rule.state_dict(),
            "best": self.best,
            "feedback": None if self.feedback is None else self.feedback.state_dict(),
            "normalization": (
                None if self.normalization is None else dict(self.normalization.state_dict())
            ),
        }
        rest = {
            "progress": self.progress.to_plain(),
            "best_is_convertible": self.best_is_convertible,
            "grids": self._grids(),
            "state": take_apart(state, "", tensors),
        }
        return tensors, rest

    def restore(self, tensors: dict[str, Tensor], rest: dict[str, Any]) -> None:
        """Take what :meth:`taken_apart` gave in the same run.

        Raises
        ------
        InputError
            If the model or the rule is not the one of the run: the caller gave another.
        """
        state = put_together(rest["state"], tensors)
        if (self.rule is None) != (state["rule"] is None):
            had, has = ("no rule", "one") if self.rule is not None else ("a rule", "none")
            raise InputError(f"{self._where()}: the run had {had} and is now given {has}")
        try:
            if rest["grids"] is not None:
                quantize(
                    self.model,  # type: ignore[arg-type]
                    {name: WeightGrid(**grid) for name, grid in rest["grids"].items()},
                )
                self.quantized = True
            if self.normalization is not None:
                if state["normalization"] is None:
                    self._drop_normalization()
                else:
                    self.normalization.load_state_dict(state["normalization"])
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.rule is not None:
                self.rule.load_state_dict(state["rule"])
            if self.feedback is not None:
                self.feedback.load_state_dict(state["feedback"])
        except (ConversionError, LookupError, RuntimeError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"{self._where()}: the run had another model or rule; it needs the one that it"
                f" began with ({reason})"
            ) from None
        self.best = state["best"]
        self.progress = ProgressRecord.of_plain(rest["progress"])
        self.best_is_convertible = rest["best_is_convertible"]

    def where(self, step: int | None = None) -> Whereabouts:
        """Where the run is, for a message; the step that comes next if none is named."""
        return Whereabouts(
            step=self.progress.step if step is None else step,
            epoch=self.progress.epoch,
            learning_rate=self.learning_rate,
            has_rule=self.rule is not None,
            folder=self.folder,
        )

    def _where(self) -> str:
        return "fit" if self.folder is None else str(self.folder.path)

    def _grids(self) -> dict[str, Any] | None:
        if not self.quantized:
            return None
        grids = {s.neurons_path: s.neurons.grid for s in stages(self.model)}  # type: ignore[arg-type]
        return {name: dataclasses.asdict(grid) for name, grid in grids.items() if grid is not None}
