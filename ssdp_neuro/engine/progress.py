"""A progress bar that appears only when a run turns out to be long."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

APPEARS_AFTER_SECONDS = 1.0


class Progress:
    """Progress on standard error, as a context manager.

    Parameters
    ----------
    enabled
        Whether a bar may appear at all.
    doing
        What it is that takes long.
    """

    def __init__(self, enabled: bool, doing: str = "simulating") -> None:
        self.enabled, self._doing = enabled, doing
        self._started = time.perf_counter()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: float, total: int, unit: str) -> None:
        """Say how far the run is; ``unit`` is what is counted, in the plural."""
        if not self.enabled or time.perf_counter() - self._started < APPEARS_AFTER_SECONDS:
            return
        if self._bar is None:
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.TextColumn(self._doing),
                progress.BarColumn(),
                progress.TextColumn("{task.completed:.0f}/{task.total} {task.description}"),
                progress.TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(unit, total=total)
            self._bar.start()
        self._bar.update(self._task, completed=done, description=unit)
