"""Requests to stop (Ctrl-C, SIGTERM): kept until the step under way is over."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

from ssdp_neuro.training.run.run_folder import RunFolder

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Whether a signal asked to stop; a second one of the same kind acts at once."""

    def __init__(self) -> None:
        self.asked = False

    @contextlib.contextmanager
    def caught(self, *, alone: bool) -> Iterator[None]:
        """Note signals instead of being ended by them; in the main thread only.

        Not if there are other ranks: one that waits for them would never see the note.
        """
        if not alone or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._note) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def raise_again(self, folder: RunFolder | None) -> None:
        """End the run as an interruption.

        Raises
        ------
        KeyboardInterrupt
        """
        where = "" if folder is None else f"; go on with {folder.path} by --resume"
        raise KeyboardInterrupt(f"stopped{where}")

    def _note(self, number: int, frame: Any) -> None:
        self.asked = True
        signal.signal(number, signal.SIG_DFL)
