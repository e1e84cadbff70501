"""Functions that wait for each other, run one at a time: threads that hand on a baton.

A job that has to wait keeps its thread; the rest of the work goes on in another one. Only the
thread that holds the baton runs, and who is next follows from the order of the jobs and from
nothing else, so a run repeats itself exactly. A job that never waits costs no thread.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hw_models.errors import ExecutorError

LAST_TURNS = 1000  # that a job gets to see that the run shall end
POLL_S = 0.02  # how long to sleep at most until events from outside are looked for


class _Abandoned(BaseException):
    """Unwinds a job that will never be continued."""


class StoppedRunError(ExecutorError):
    """A run was ended by ``stop`` while models still waited for the program."""


class _Worker:
    """A thread, asleep until it is given the baton."""

    def __init__(self) -> None:
        self._signal = threading.Lock()
        self._signal.acquire()

    def sleep(self) -> None:
        self._signal.acquire()

    def wake(self) -> None:
        self._signal.release()


@dataclass(eq=False)
class Turn:
    """Something to run.

    Parameters
    ----------
    name
        For messages.
    call
        What is run.
    enter, leave
        Called around every stretch of it that runs without a break.
    background
        Whether it may go on after :meth:`Crew.run` has returned.
    key
        Of the model: id of its Process.
    hears
        Keys of the models that it receives from in this turn.
    sends
        Whether it sends in this turn.
    asks
        Whether it reads or writes Vars of other models.
    """

    name: str
    call: Callable[[], None]
    enter: Callable[[], None] | None = None
    leave: Callable[[], None] | None = None
    background: bool = False
    key: int = -1
    hears: tuple[int, ...] = ()
    sends: bool = True
    asks: bool = False


@dataclass(eq=False)
class _Wait:
    job: Turn
    worker: _Worker
    is_over: Callable[[], bool]
    what: str
    outside: bool
    polite: bool
    has_turn: bool = False


class Crew:
    """Runs jobs; see the module."""

    def __init__(self) -> None:
        self.news = threading.Condition()  # of something that others did from outside
        self.waits = 0  # jobs that had to wait, so far
        self.is_active = False  # whether a run is going on, in whatever thread
        self.is_managing = False  # whether Vars may be read and written by other models
        self.first_acts: dict[int, str] | None = None  # "send" or "receive" by key, if wanted
        self.ending = ""  # "stop" or "pause" when the run shall end
        self.place: Callable[[], str] = str  # where the run is, for messages
        self._pending: deque[Turn] = deque()
        self._background: deque[Turn] = deque()
        self._waiting: list[_Wait] = []
        self._idle: list[_Worker] = []
        self._hired: set[threading.Thread] = set()
        self._driver = self._holder = _Worker()
        self._job: Turn | None = None
        self._n_open = 0
        self._n_background = 0
        self._error: BaseException | None = None
        self._driving: threading.Thread | None = None
        self._is_draining = False
        self._n_last_turns = 0
        self._is_closed = False

    @property
    def n_background(self) -> int:
        """Background jobs that have not ended."""
        return self._n_background

    def start(self, job: Turn) -> None:
        """Add a background job; it runs while others are run."""
        self._background.append(job)
        self._n_background += 1

    def run(self, jobs: Iterable[Turn], *, drain: bool = False) -> None:
        """Run jobs in their order until all have ended.

        Parameters
        ----------
        jobs
            Each once; one that waits is continued as soon as it can be.
        drain
            Wait for background jobs too.

        Raises
        ------
        ExecutorError
            If a job fails, or none can go on; names the job. No job is left then.
        """
        self._pending.extend(jobs)
        self._n_open = len(self._pending)
        self._is_draining = drain
        self._n_last_turns = LAST_TURNS
        for wait in self._waiting:
            wait.has_turn = wait.polite
        self._drive()

    def notice(self) -> None:
        """Have waiting jobs look at what has changed, from any thread."""
        with self.news:
            self.news.notify_all()

    def close(self) -> None:
        """Give up what still waits, and end all threads."""
        if self._waiting or self._background:
            self._error = _Abandoned()
            with contextlib.suppress(_Abandoned):
                self._drive()
        self._is_closed = True
        for worker in self._idle:
            worker.wake()
        self._idle.clear()
        with self.news:
            self.news.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether nothing will run any more."""
        return self._is_closed

    def wait_until(
        self, is_over: Callable[[], bool], what: str, *, outside: bool = False, polite: bool = False
    ) -> None:
        """Let others run until a condition holds; called by a job.

        Parameters
        ----------
        is_over
            The condition; asked again and again.
        what
            What the job waits for, to say it.
        outside
            Whether threads of the program can make it true.
        polite
            Whether the job could go on anyway, and only gives others a turn.
        """
        job, worker = self._job, self._holder
        if job is None:
            raise ExecutorError(f"{what}: only a running program can wait for it")
        self.waits += 1
        self._waiting.append(_Wait(job, worker, is_over, what, outside, polite))
        if job.leave:
            job.leave()
        other = self._idle.pop() if self._idle else self._hire()
        other.wake()
        self._sleep(worker)
        if self._error is not None:
            raise _Abandoned
        self._job = job
        if job.enter:
            job.enter()

    def is_alone(self) -> bool:
        """Whether no other thread of the program could do anything for a waiting job."""
        mine = {threading.current_thread(), self._driving, *self._hired}
        return mine.issuperset(threading.enumerate())

    def _drive(self) -> None:
        """Work in this thread until all is done."""
        self._driver = self._holder = _Worker()
        self._driving = threading.current_thread()
        self._work(self._driver)
        self._driving = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _work(self, me: _Worker) -> None:
        """Run and hand on until all is done (the driver), or the crew is closed."""
        while not self._is_closed:
            if self._error is not None:
                self._n_open = 0
                self._pending.clear()
                self._n_background -= len(self._background)
                self._background.clear()
                if self._waiting:
                    self._hand_to(self._waiting.pop().worker, me)
                    continue
            elif self._pending:
                self._do(self._pending.popleft())
                continue
            elif self._background:
                if me is self._driver:  # which must be free when all others are done
                    self._hand_to(self._idle.pop() if self._idle else self._hire(), me)
                else:
                    self._do(self._background.popleft())
                continue
            else:
                wait = next((w for w in self._waiting if w.has_turn or w.is_over()), None)
                if wait is not None:
                    self._waiting.remove(wait)
                    self._hand_to(wait.worker, me)
                    continue
            if not self._n_open and not (self._is_draining and self._n_background):
                if me is self._driver:
                    return
                self._idle.remove(self._driver)
                self._hand_to(self._driver, me)
            elif self._error is None:
                self._look_around()

    def _do(self, job: Turn) -> None:
        self._job = job
        if job.enter:
            job.enter()
        try:
            job.call()
        except _Abandoned:
            pass
        except Exception as error:
            self._error = self._error or named_error(f"{job.name}{self.place()}", error)
        except BaseException as error:  # an interrupt of the user, or an exit
            self._error = self._error or error
        if job.leave:
            job.leave()
        self._job = None
        if job.background:
            self._n_background -= 1
        elif self._n_open:
            self._n_open -= 1

    def _look_around(self) -> None:
        """Nobody can go on: give turns, wait for others, or say who waits for what."""
        polite = [wait for wait in self._waiting if wait.polite]
        if self.ending and not self._n_open and self._n_last_turns == 0:
            self._is_draining = False  # those that do not look whether to end stay as they are
        elif polite:
            self._n_last_turns -= bool(self.ending)
            time.sleep(0)
            for wait in polite:
                wait.has_turn = True
        elif self.ending and not self._n_open:
            self._is_draining = False
        elif self.ending == "stop":
            self._error = StoppedRunError("stopped")
        elif (
            any(wait.outside for wait in self._waiting) and not self.is_alone() and not self.ending
        ):
            with self.news:
                if not any(wait.is_over() for wait in self._waiting) and self._error is None:
                    self.news.wait(POLL_S)
        else:
            waiting = "; ".join(f"{wait.job.name} waits for {wait.what}" for wait in self._waiting)
            self._error = ExecutorError(
                f"nothing can go on{self.place()} (Lava would hang): {waiting}"
            )

    def _hand_to(self, other: _Worker, me: _Worker) -> None:
        self._idle.append(me)
        other.wake()
        self._sleep(me)

    def _sleep(self, me: _Worker) -> None:
        while True:
            try:
                me.sleep()
                break
            except KeyboardInterrupt as interrupt:  # only the driver's thread gets it
                self._error = self._error or interrupt
        self._holder = me

    def _hire(self) -> _Worker:
        worker = _Worker()
        context = contextvars.copy_context()

        def live() -> None:
            self._sleep(worker)
            context.run(self._work, worker)
            self._hired.discard(threading.current_thread())

        thread = threading.Thread(target=live, name="lava-model", daemon=True)
        self._hired.add(thread)
        thread.start()
        return worker


def named_error(name: str, error: Exception) -> ExecutorError:
    """An error of a model, with the name of its Process."""
    named = ExecutorError(f"{name}: {type(error).__name__}: {error}")
    named.__cause__ = error
    return named
