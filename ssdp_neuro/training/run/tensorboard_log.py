"""TensorBoard's event files of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from hw_models.extras import missing_extra
from ssdp_neuro.training.run.progress_record import EpochRecord
from ssdp_neuro.training.run.run_folder import TENSORBOARD


@contextlib.contextmanager
def tensorboard_log(folder: Path | None, step: int) -> Iterator[Callable[[EpochRecord, int], None]]:
    """Write loss, accuracies and learning rate of every epoch.

    Parameters
    ----------
    folder
        Of the run; nothing is written without one.
    step
        Where it goes on; what an interrupted run wrote after that is hidden.

    Raises
    ------
    MissingExtraError
        If TensorBoard is not installed.
    """
    if folder is None:
        yield lambda record, step: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as missing:
        raise missing_extra("[training] tensorboard", "tensorboard") from missing
    with SummaryWriter(str(folder / TENSORBOARD), purge_step=step + 1) as writer:

        def log(record: EpochRecord, step: int) -> None:
            writer.add_scalar("loss/train", record.loss, step)
            writer.add_scalar("accuracy/train", record.train_accuracy, step)
            if record.validation_accuracy is not None:
                writer.add_scalar("accuracy/validation", record.validation_accuracy, step)
            writer.add_scalar("learning_rate", record.learning_rate, step)

        yield log
