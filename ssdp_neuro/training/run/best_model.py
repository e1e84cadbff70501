"""The model of the best epoch so far: in the state of the run, and as a file in its folder.

A checkpoint holds it too. So a run that goes on from one ends with the best of its own
epochs, not with one of a killed run that had gone further and that nothing follows.
"""

from __future__ import annotations

from torch import Tensor

from hw_models.spike_code import SpikeCode
from ssdp_neuro.training.run.device import Place, as_first_rank
from ssdp_neuro.training.run.finite_numbers import refuse_weights_not_finite
from ssdp_neuro.training.run.model_file import write_model
from ssdp_neuro.training.run.run_folder import BEST
from ssdp_neuro.training.run.training_state import TrainingState


class BestModel:
    """What the model was after its best epoch.

    Parameters
    ----------
    state
        Of the run; it holds the tensors, and whether the file is one that the converter reads.
    place
        The first rank writes.
    code
        How the samples became spikes; goes into the file if it is known.
    """

    def __init__(self, state: TrainingState, place: Place, code: SpikeCode | None) -> None:
        self.state, self.place, self.code = state, place, code

    def keep(self) -> None:
        """Take the model as it is now for the best one.

        Raises
        ------
        TrainingError
            If a weight is no number.
        NetworkFileError
            If the file cannot be written.
        """
        refuse_weights_not_finite(self.state.model, self.state.where())
        self.state.best = {
            name: value.detach().clone() if isinstance(value, Tensor) else value
            for name, value in self.state.network.state_dict().items()
        }
        self._write()

    def give_back(self) -> None:
        """Give the model the weights of its best epoch, on every rank.

        Raises
        ------
        NetworkFileError
            If the file cannot be written.

        Mutates
        -------
        the model
        """
        self.state.fold()  # of a run that ends in real numbers
        self.state.model.load_state_dict(self.state.best)
        as_first_rank(self.state.model, self.place)
        self._write()

    def _write(self) -> None:
        folder = self.state.folder
        if folder is not None and self.place.is_first:
            self.state.best_is_convertible = write_model(
                self.state.network, folder.path / BEST, self.code
            )
