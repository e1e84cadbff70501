"""The folder of a run: checkpoints that are whole or not there, and one writer at a time.

A checkpoint is two files, ``step-N.safetensors`` and ``step-N.json``. The JSON is written
last and holds the checksum of the tensors, so a checkpoint counts only if both are whole:
a run that is killed at any moment leaves its last one as it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from hw_models import InputError, NetworkFileError
from hw_models.atomic_file import write_whole
from ssdp_neuro.training.run.errors import TrainingError

FORMAT = "ssdp_neuro training checkpoint"
VERSION = 2  # 1 had no best model in it
CHECKPOINT = re.compile(r"^step-(\d{9})\.json$")
CONFIG, BEST, RESULT, LOCK, TENSORBOARD = (
    "config.toml",
    "best.safetensors",
    "result.json",
    ".lock",
    "tensorboard",
)


class DamagedCheckpointWarning(UserWarning):
    """A checkpoint is not whole, and the one before it is taken."""


class RunFolder:
    """The files of one run.

    Parameters
    ----------
    path
        Made if it is not there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training into this folder; a killed one frees it.

        Raises
        ------
        TrainingError
            If another process does.
        """
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        try:
            import fcntl
        except ImportError:  # not on Windows
            yield
            return
        with (self.path / LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TrainingError(f"{self.path}: another process is training there") from None
            yield

    def steps(self) -> list[int]:
        """Steps of which there are checkpoints, in order; they may be damaged."""
        if not self.checkpoints.is_dir():
            return []
        found = (CHECKPOINT.match(entry.name) for entry in self.checkpoints.iterdir())
        return sorted(int(match.group(1)) for match in found if match)

    def write(self, step: int, tensors: dict[str, Tensor], rest: dict[str, Any]) -> None:
        """Write a checkpoint.

        Raises
        ------
        NetworkFileError
            If it cannot be written, as on a full disk; older ones are left as they are.
        """
        from safetensors.torch import save

        data = save(tensors)
        write_whole(self._file(step, "safetensors"), data)
        described = {
            "format": FORMAT,
            "version": VERSION,
            "step": step,
            "sha256": hashlib.sha256(data).hexdigest(),
            **rest,
        }
        write_whole(self._file(step, "json"), (json.dumps(described, indent=1) + "\n").encode())

    def remove_old(self, keep: int) -> None:
        """Leave the newest ``keep`` checkpoints, and nothing half-written by a killed run."""
        kept = {f"{self._stem(step)}.{end}" for step in self.steps()[-keep:] for end in ENDS}
        for entry in self.checkpoints.iterdir():
            if entry.name not in kept:
                entry.unlink(missing_ok=True)

    def newest(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors and the rest of the newest whole checkpoint; ``None`` if there is none.

        Raises
        ------
        NetworkFileError
            If there are some, all damaged or of another version.
        """
        reason = ""
        for step in reversed(self.steps()):
            try:
                return self._read(step)
            except (NetworkFileError, OSError) as error:
                reason = reason or str(error)
                warnings.warn(f"left out: {error}", DamagedCheckpointWarning, stacklevel=2)
        if reason:
            raise NetworkFileError(f"{self.path}: no checkpoint is whole: {reason}")
        return None

    def refuse_used(self) -> None:
        """Refuse a folder that holds a run.

        Raises
        ------
        InputError
        """
        if self.steps() or (self.path / RESULT).exists():
            raise InputError(
                f"{self.path}: holds a run already; go on with it by --resume, or give another"
                " --out"
            )

    def refuse_changed(self, before: list[int]) -> None:
        """Refuse to go on from steps that are no longer those of the folder.

        Raises
        ------
        TrainingError
        """
        if self.steps() != before:
            raise TrainingError(f"{self.path}: another process has trained there meanwhile")

    def _read(self, step: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
        from safetensors import SafetensorError
        from safetensors.torch import load

        path = self._file(step, "json")
        try:
            rest = json.loads(path.read_text(encoding="utf-8"))
            if rest.get("format") != FORMAT or rest.get("version") != VERSION:
                raise NetworkFileError(
                    f"{path}: {rest.get('format')!r} {rest.get('version')!r}; {FORMAT!r}"
                    f" {VERSION} is needed"
                )
            data = self._file(step, "safetensors").read_bytes()
            if hashlib.sha256(data).hexdigest() != rest["sha256"]:
                raise NetworkFileError(f"{path}: the tensors beside it are damaged")
            return load(data), rest
        except (ValueError, KeyError, AttributeError, SafetensorError) as error:
            if isinstance(error, NetworkFileError):
                raise
            raise NetworkFileError(f"{path}: damaged: {error}") from None

    def _file(self, step: int, ending: str) -> Path:
        return self.checkpoints / f"{self._stem(step)}.{ending}"

    @staticmethod
    def _stem(step: int) -> str:
        return f"step-{step:09d}"


ENDS = ("safetensors", "json")
