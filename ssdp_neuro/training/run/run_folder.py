"""The folder of a run: checkpoints that are whole or not there, and one writer at a time.

A checkpoint is two files, ``step-N.safetensors`` and ``step-N.json``. The JSON is written
last and holds the checksums of the tensors and of itself, so a checkpoint counts only if
both are whole: a run that is killed at any moment leaves its last one as it was.

Files that the run did not write, also in the folder of its checkpoints, are left alone.
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

from hw_models import InputError, NetworkFileError, SsdpError
from hw_models.atomic_file import write_whole
from ssdp_neuro.training.run.config import read_config
from ssdp_neuro.training.run.errors import TrainingError

FORMAT = "ssdp_neuro training checkpoint"
VERSION = 3  # 1 had no best model in it, 2 no checksum of the JSON itself
CHECKSUM = "sha256_of_this"  # of all other fields
CHECKPOINT = re.compile(r"^step-(\d{9})\.json$")
CHECKPOINT_PART = re.compile(r"^step-(\d{9})\.(?:json|safetensors)$")
CONFIG, BEST, RESULT, LOCK, TENSORBOARD = (
    "config.toml",
    "best.safetensors",
    "result.json",
    ".lock",
    "tensorboard",
)
# what hw_models.atomic_file leaves of a file that was being written when the run was killed
HALF_WRITTEN = re.compile(
    r"^\.(?:step-\d{9}\.(?:json|safetensors)|config\.toml|best\.safetensors|result\.json)"
    r"\.[0-9a-f]{32}\.partial$"
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

        What a killed one had written half is removed.

        Raises
        ------
        TrainingError
            If another process does.
        """
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        try:
            import fcntl
        except ImportError:  # not on Windows
            self._remove_half_written()
            yield
            return
        with (self.path / LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TrainingError(f"{self.path}: another process is training there") from None
            self._remove_half_written()
            yield

    def steps(self) -> list[int]:
        """Steps of which there are checkpoints, in order; they may be damaged."""
        if not self.checkpoints.is_dir():
            return []
        files = (entry.name for entry in self.checkpoints.iterdir() if entry.is_file())
        found = (CHECKPOINT.match(name) for name in files)
        return sorted(int(match.group(1)) for match in found if match)

    def has_run(self) -> bool:
        """Whether a run has begun here; it may have been killed before its first checkpoint."""
        return (self.path / CONFIG).is_file() or bool(self.steps() or self._half_written())

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
        described[CHECKSUM] = _checksum(described)
        write_whole(self._file(step, "json"), (json.dumps(described, indent=1) + "\n").encode())

    def remove_old(self, keep: int, *, up_to: int) -> None:
        """Leave the newest ``keep`` checkpoints, of those to step ``up_to``.

        Later ones are damaged, or the run would have gone on from them: they would stand in
        the way of whole ones.
        """
        kept = set([step for step in self.steps() if step <= up_to][-keep:])
        for entry in self.checkpoints.iterdir():
            part = CHECKPOINT_PART.match(entry.name)
            if part and int(part.group(1)) not in kept and entry.is_file():
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
        """Refuse a folder that holds a run, or a config that somebody wrote by hand.

        Raises
        ------
        InputError
        """
        if self.steps() or any((self.path / name).exists() for name in (RESULT, BEST)):
            raise InputError(
                f"{self.path}: holds a run already; go on with it by --resume, or give another"
                " --out"
            )
        config = self.path / CONFIG
        if config.exists() and not _is_ours(config):
            raise InputError(f"{config}: the run would replace it; give another --out")

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
            if not isinstance(rest, dict) or rest.get("format") != FORMAT:
                raise NetworkFileError(f"{path}: damaged: not a {FORMAT!r}")
            if rest.get("version") != VERSION:
                raise NetworkFileError(
                    f"{path}: version {rest.get('version')!r}; this release reads {VERSION}"
                )
            if rest.pop(CHECKSUM, None) != _checksum(rest):
                raise NetworkFileError(f"{path}: damaged: it is not what was written")
        except (ValueError, RecursionError) as error:
            if isinstance(error, NetworkFileError):
                raise
            raise NetworkFileError(f"{path}: damaged: {error}") from None
        if rest["step"] != step:
            raise NetworkFileError(f"{path}: is of step {rest['step']}")
        data = self._file(step, "safetensors").read_bytes()
        if hashlib.sha256(data).hexdigest() != rest["sha256"]:
            raise NetworkFileError(f"{path}: the tensors beside it are damaged")
        try:
            return load(data), rest
        except SafetensorError as error:
            raise NetworkFileError(f"{path}: damaged: {error}") from None

    def _half_written(self) -> list[Path]:
        folders = [folder for folder in (self.path, self.checkpoints) if folder.is_dir()]
        entries = (entry for folder in folders for entry in folder.iterdir())
        return [entry for entry in entries if HALF_WRITTEN.match(entry.name)]

    def _remove_half_written(self) -> None:
        for entry in self._half_written():
            entry.unlink(missing_ok=True)

    def _file(self, step: int, ending: str) -> Path:
        return self.checkpoints / f"{self._stem(step)}.{ending}"

    @staticmethod
    def _stem(step: int) -> str:
        return f"step-{step:09d}"


def _is_ours(config: Path) -> bool:
    """Whether it is as a run writes it: every field, no comments."""
    try:
        return read_config(config).to_toml().encode() == config.read_bytes()
    except (SsdpError, OSError):
        return False


def _checksum(described: dict[str, Any]) -> str:
    """Of a checkpoint's JSON, however it is laid out."""
    text = json.dumps(described, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
