"""The model of the best epoch so far: in the run's folder, or in memory without one."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ssdp_neuro.training.run.device import Place, as_first_rank
from ssdp_neuro.training.run.finite_numbers import refuse_weights_not_finite
from ssdp_neuro.training.run.model_file import read_model, write_model
from ssdp_neuro.training.run.run_folder import BEST
from ssdp_neuro.training.run.training_state import TrainingState


class BestModel:
    """What the model was after its best epoch.

    Parameters
    ----------
    state
        Of the run; it learns whether the file is one that the converter reads.
    place
        The first rank writes and reads.
    """

    def __init__(self, state: TrainingState, place: Place) -> None:
        self.state, self.place = state, place
        self._tensors: dict[str, Any] = {}

    def keep(self) -> None:
        """Take the model as it is now for the best one.

        Raises
        ------
        TrainingError
            If a weight is no number.
        NetworkFileError
            If the file cannot be written.
        """
        model, folder = self.state.model, self.state.folder
        if folder is None:
            self._tensors = {
                name: value.clone() if isinstance(value, Tensor) else value
                for name, value in model.state_dict().items()
            }
        elif self.place.is_first:
            refuse_weights_not_finite(model, self.state.where())
            self.state.best_is_convertible = write_model(model, folder.path / BEST)

    def give_back(self) -> None:
        """Give the model the weights of its best epoch, on every rank.

        Mutates
        -------
        the model
        """
        model, folder = self.state.model, self.state.folder
        if folder is None:
            model.load_state_dict(self._tensors)
        elif self.place.is_first:
            read_model(model, folder.path / BEST)
        as_first_rank(model, self.place)
