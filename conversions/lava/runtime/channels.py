"""Channels between models that run one at a time, with the ends that Lava's ports expect."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from lava.magma.compiler.channels.pypychannel import CspRecvPort, CspSendPort

from conversions.lava.runtime.crew import POLL_S, Crew
from hw_models.errors import ExecutorError, InputError

READER_S = 0.1  # that a thread of the program has to go on reading
ARRIVAL_S = 0.5  # after which a message in a channel of Lava's is taken to be lost


class ModelChannel:
    """Messages on their way from one port to another.

    Parameters
    ----------
    crew
        Who runs the models at both ends.
    shape, dtype
        Of a message: those of the sending port.
    size
        Messages that it holds; a sender waits while it is full.
    names
        Of the sending and the receiving port, for messages.
    """

    def __init__(
        self,
        crew: Crew,
        shape: tuple[int, ...],
        dtype: Any,
        size: int,
        names: tuple[str, str],
    ) -> None:
        self.crew = crew
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.size = size
        self.sender, self.receiver = names
        self.source: Any = None  # the port of the Process that sends
        self.messages: deque[np.ndarray] = deque()
        self.on_put: Callable[[], Any] = _nothing
        self.on_empty: Callable[[], Any] = _nothing  # when a receiver finds no message

    def qsize(self) -> int:
        """Messages on their way, as of a queue."""
        return len(self.messages)

    def put(self, data: np.ndarray) -> None:
        """Add a message."""
        if data.shape != self.shape:
            raise InputError(f"{self.sender} sends shape {data.shape}; the port has {self.shape}")
        self.messages.append(data.astype(self.dtype, order="C"))

    def has_message(self) -> bool:
        """Whether there is one, or can be at once."""
        if not self.messages:
            self.on_empty()
        return bool(self.messages)

    def is_full(self) -> bool:
        """Whether a sender has to wait."""
        return len(self.messages) >= self.size


def _nothing() -> None:
    pass


class _End:
    """What both ends of a channel have in common."""

    observer = None
    thread = None

    def __init__(self, name: str, link: ModelChannel, owner: int = -1) -> None:
        self._name, self._queue, self._owner = name, link, owner
        self._shape, self._dtype, self._size = link.shape, link.dtype, link.size
        self._done = False

    def start(self) -> None:
        """Nothing has to be started."""

    def join(self) -> None:
        """Nothing has to be ended."""


class ModelSend(_End, CspSendPort):
    """Where a model sends."""

    def send(self, data: np.ndarray) -> None:
        """Send; waits while the channel is full."""
        link = self._queue
        if link.crew.first_acts is not None:
            link.crew.first_acts.setdefault(self._owner, "send")
        if len(link.messages) >= link.size:
            link.crew.wait_until(
                lambda: len(link.messages) < link.size,
                f"room in the channel {link.sender} -> {link.receiver}, which holds {link.size}"
                " messages that nobody reads",
            )
        link.put(data)
        link.on_put()

    def probe(self) -> bool:
        """Whether there is room."""
        return not self._queue.is_full()


class ModelReceive(_End, CspRecvPort):
    """Where a model receives."""

    polite = False  # whether the model must let others run when it only looks

    def recv(self) -> np.ndarray:
        """The oldest message; waits for one."""
        messages = self._queue.messages
        if self._queue.crew.first_acts is not None:
            self._queue.crew.first_acts.setdefault(self._owner, "receive")
        if not messages:
            self._wait()
        return messages.popleft()

    def peek(self) -> np.ndarray:
        """A copy of the oldest message, which stays; waits for one."""
        if not self._queue.messages:
            self._wait()
        return self._queue.messages[0].copy()

    def probe(self) -> bool:
        """Whether there is a message."""
        link = self._queue
        if not link.messages and self.polite:
            link.crew.wait_until(_never, f"a message on {link.receiver}", polite=True)
        return bool(link.messages)

    def _wait(self) -> None:
        link = self._queue
        if not link.has_message():
            link.crew.wait_until(
                link.has_message, f"a message on {link.receiver} from {link.sender}"
            )


def _never() -> bool:
    return False


class OutsideSend(_End, CspSendPort):
    """Where the program sends to a model while it runs (Injector)."""

    def send(self, data: np.ndarray) -> None:
        """Send; waits while the channel is full."""
        link, crew = self._queue, self._queue.crew
        with crew.news:
            while link.is_full():
                _check_hope(link, "is full")
                crew.news.wait(POLL_S)
            link.put(np.asarray(data))
            crew.news.notify_all()

    def probe(self) -> bool:
        """Whether there is room."""
        return not self._queue.is_full()


class OutsideReceive(_End, CspRecvPort):
    """Where the program receives from a model while it runs (Extractor)."""

    _reader: threading.Thread | None = None

    def let_reader_finish(self) -> None:
        """Wait for a thread that reads on while the run has ended; not for one that has stopped.

        In Lava the end of a run takes so long that such a thread always has read what was sent.
        """
        reader, messages = self._reader, self._queue.messages
        if reader is None or reader is threading.current_thread():
            return
        left, deadline = len(messages), time.monotonic() + READER_S
        while messages and reader.is_alive() and time.monotonic() < deadline:
            time.sleep(POLL_S / 40)
            if len(messages) < left:
                left, deadline = len(messages), time.monotonic() + READER_S
        time.sleep(POLL_S / 40)

    def recv(self) -> np.ndarray:
        """The oldest message; waits for one."""
        link, crew = self._queue, self._queue.crew
        self._reader = threading.current_thread()
        with crew.news:
            while not link.messages:
                _check_hope(link, "is empty")
                crew.news.wait(POLL_S)
            message = link.messages.popleft()
            crew.news.notify_all()
            return message

    def peek(self) -> np.ndarray:
        """A copy of the oldest message, which stays; waits for one."""
        link, crew = self._queue, self._queue.crew
        with crew.news:
            while not link.messages:
                _check_hope(link, "is empty")
                crew.news.wait(POLL_S)
            return link.messages[0].copy()

    def probe(self) -> bool:
        """Whether there is a message."""
        return bool(self._queue.messages)


def _check_hope(link: ModelChannel, state: str) -> None:
    """Refuse to wait where nothing can come."""
    if link.crew.is_closed or (not link.crew.is_active and link.crew.is_alone()):
        raise ExecutorError(
            f"the channel {link.sender} -> {link.receiver} {state}, and no run is going on that"
            " could change it (Lava would hang)"
        )


class PipedSend(ModelSend):
    """Where a model sends to the program (Extractor)."""

    def send(self, data: np.ndarray) -> None:
        """Send; waits while the channel is full."""
        link = self._queue
        if link.is_full():
            link.crew.wait_until(
                lambda: not link.is_full(),
                f"room in the channel to {link.receiver}, which holds {link.size} messages",
                outside=True,
            )
        with link.crew.news:
            link.put(data)
            link.crew.news.notify_all()


class PipedReceive(ModelReceive):
    """Where a model receives from the program (Injector)."""

    def recv(self) -> np.ndarray:
        """The oldest message; waits for one."""
        link = self._queue
        if not link.messages:
            self._wait()
        with link.crew.news:
            message = link.messages.popleft()
            link.crew.news.notify_all()
        return message

    def _wait(self) -> None:
        link = self._queue
        link.crew.wait_until(
            lambda: bool(link.messages), f"{link.sender}, which the program calls", outside=True
        )


class WireSend:
    """Where a VarWire's model sends: into the channel of Lava's that its Process has made.

    What was sent has arrived when this returns.
    """

    def __init__(self, port: CspSendPort, arrived: Any, crew: Crew, to: str) -> None:
        self._port, self._arrived, self._crew, self._to = port, arrived, crew, to
        self.start, self.join, self.probe = port.start, port.join, port.probe

    def send(self, data: np.ndarray) -> None:
        """Send; waits while the channel is full."""
        if not self._port.probe():
            room = f"room in the channel to {self._to}, which is full"
            self._crew.wait_until(self._port.probe, room, outside=True)
        before = self._arrived.unfinished_tasks
        self._port.send(data)
        deadline = time.monotonic() + ARRIVAL_S
        while self._arrived.unfinished_tasks == before and time.monotonic() < deadline:
            time.sleep(1e-5)
