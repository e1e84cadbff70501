"""The progress bar of training: on standard error, so that stdout stays a program's own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich import progress
from rich.console import Console


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
