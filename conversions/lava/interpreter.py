"""Lava's runtime in an interpreter of its own, watched and always cleaned up.

Lava forks a process per Process. In a program that has used threads (Numba, PyTorch,
BLAS) a fork can deadlock, and Lava's start method would stay in force afterwards. A
clean interpreter has neither problem, and if it hangs it can be ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from conversions.lava import exchange_folder
from conversions.lava.exchange_folder import LavaRequest, Sample
from hw_models import ExecutorError

POLL_SECONDS = 0.05
GRACE_SECONDS = 5.0  # between asking the processes to end and ending them
LOG_LINES = 15
THREAD_SWITCHES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_in_interpreter(
    request: LavaRequest, timeout_s: float, on_sample: Callable[[int], None] = lambda done: None
) -> Iterator[Sample]:
    """Run a request and give its samples in order.

    Parameters
    ----------
    request
        What to run.
    timeout_s
        Seconds that the start and one sample may take.
    on_sample
        Called with the number of finished samples.

    Raises
    ------
    ExecutorError
        If Lava failed, or a sample took longer; says what Lava printed last.
    SsdpError
        As raised inside, for instance MissingExtraError.
    """
    if os.name != "posix":
        raise ExecutorError(f"Lava's runtime needs fork, which {sys.platform} does not have")
    with tempfile.TemporaryDirectory(prefix="ssdp-lava-") as name:
        folder = Path(name)
        exchange_folder.write_request(folder, request)
        with (folder / "log.txt").open("wb") as log, _interpreter(folder, log) as process:
            _watch(process, folder, request.n_samples, timeout_s, on_sample)
        for number in range(request.n_samples):
            yield exchange_folder.read_sample(folder, number, request)


def _watch(
    process: subprocess.Popen[bytes],
    folder: Path,
    n_samples: int,
    timeout_s: float,
    on_sample: Callable[[int], None],
) -> None:
    """Wait until the interpreter is done with every sample."""
    done, since = 0, time.monotonic()
    while True:
        status = process.poll()
        if (folder / f"{done}.npz").exists():
            done, since = done + 1, time.monotonic()
            on_sample(done)
        elif status is not None:
            break
        elif time.monotonic() - since > timeout_s:
            raise ExecutorError(
                f"Lava's runtime did not finish sample {done} of {n_samples} within"
                f" {timeout_s} s and was ended; its last words:\n{_last_words(folder)}"
            )
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_SECONDS)
    error = exchange_folder.read_error(folder)
    if error is not None:
        raise error
    if status != 0 or done != n_samples:
        raise ExecutorError(
            f"Lava's runtime failed with exit status {status} after {done} of {n_samples}"
            f" samples; its last words:\n{_last_words(folder)}"
        )


@contextlib.contextmanager
def _interpreter(folder: Path, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A Python with Lava in a process group of its own, which ends with the block.

    It finds the modules that this program finds, whatever lies in the working directory.
    """
    search_path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    switches = dict.fromkeys(THREAD_SWITCHES, "1")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "conversions.lava.child", str(folder)],
        cwd=folder,
        env={**os.environ, **switches, "PYTHONPATH": search_path},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the interpreter and its children.

    They are asked first: Python's resource tracker outlives that, and removes the shared
    memory of the others before it ends.
    """
    done = process.poll() == 0
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while not done and time.monotonic() < deadline:
            process.poll()
            os.killpg(process.pid, 0)  # fails once nobody is left
            time.sleep(POLL_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(folder: Path) -> str:
    lines = (folder / "log.txt").read_text(errors="replace").splitlines()
    return "\n".join(lines[-LOG_LINES:]) or "(none)"
