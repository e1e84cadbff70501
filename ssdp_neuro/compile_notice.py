"""One line on standard error while kernels are compiled, if that takes long.

The first run on a machine waits for it, from a few seconds to minutes; who does not know
takes it for a hang, or for the speed of the network.
"""

from __future__ import annotations

import threading
from typing import Any

from numba.core import event

from ssdp_neuro.progress import say

SLOW_SECONDS = 2.0
NOTICE = "compiling "


class _Notice(event.Listener):
    """Listens to Numba's compiler, which compiles one function, and what it calls, at a time."""

    def __init__(self) -> None:
        self.is_listening = False
        self._depth = 0
        self._timer: threading.Timer | None = None

    def on_start(self, event: Any) -> None:
        self._depth += 1
        function = event.data["dispatcher"].py_func
        module = function.__module__ or ""  # code that was made by exec has none
        if self._depth > 1 or not module.startswith("ssdp_neuro."):
            return
        self._timer = threading.Timer(SLOW_SECONDS, _say, [function.__name__])
        self._timer.daemon = True
        self._timer.start()

    def on_end(self, event: Any) -> None:
        self._depth -= 1
        if self._depth == 0 and self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _say(name: str) -> None:
    say(f"{NOTICE}{name} for this processor, which later runs find in the cache ...")


_NOTICE = _Notice()


def announce_compiling() -> None:
    """Say from now on, in this process, when compiling a kernel takes long."""
    if not _NOTICE.is_listening:
        _NOTICE.is_listening = True
        event.register("numba:compile", _NOTICE)
