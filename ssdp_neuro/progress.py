"""Progress on standard error, so that stdout stays a program's own.

On a terminal a bar, elsewhere one line; neither where a run is short.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

BAR_AFTER_SECONDS = 1.0
LINE_AFTER_SECONDS = 2.0
PREFIX = "ssdp_neuro: "


class Progress:
    """A bar, or a line, that appears only when a run turns out to be long; a context manager.

    Parameters
    ----------
    wanted
        True for a bar, False for nothing; None for a bar on a terminal and a line elsewhere.
    doing
        What it is that takes long.
    """

    def __init__(self, wanted: bool | None, doing: str = "simulating") -> None:
        self._has_bar = sys.stderr.isatty() if wanted is None else wanted
        self._has_line = wanted is None and not self._has_bar
        self._doing = doing
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
        elapsed = time.perf_counter() - self._started
        if self._has_line and elapsed > LINE_AFTER_SECONDS and done < total:
            self._has_line = False
            say(f"{self._doing}: {done:.0f} of {total} {unit} done ...")
        if not self._has_bar or elapsed < BAR_AFTER_SECONDS:
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


def say(message: str) -> None:
    """One line on standard error."""
    print(f"{PREFIX}{message}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def progress_bar(
    title: str, total: int, *, show: bool = True, done: int = 0
) -> Iterator[Callable[[], None]]:
    """Show how far ``total`` steps are, with their rate and the time left.

    Parameters
    ----------
    title
        Before the bar.
    total
        Steps that make it full.
    show
        Whether anything is printed.
    done
        Steps that were made before.

    Yields
    ------
    callable
        To be called after each step.
    """
    from rich import progress
    from rich.console import Console

    bar = progress.Progress(
        progress.TextColumn("  {task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not show,
    )
    with bar:
        task = bar.add_task(title, total=total, completed=done, rate="")

        def advance() -> None:
            bar.advance(task)
            speed = bar.tasks[task].speed
            bar.update(task, rate=f"{speed:.0f} steps/s" if speed else "")

        yield advance
