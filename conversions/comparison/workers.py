"""Where the pieces of a comparison are computed: here, in processes, or on a cluster."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from hw_models import ExecutorError
from hw_models.extras import import_extra

WAIT_FOR_WORKERS = 60  # seconds

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_tasks(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    n_workers: int = 1,
    cluster: str | None = None,
    done: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Results in the order of the tasks.

    Parameters
    ----------
    function
        Of one task; importable, for workers elsewhere.
    tasks
        Anything that pickles. At most two per worker are made ahead.
    n_workers
        Processes of a local cluster; 1 computes in this one and needs no dask.
    cluster
        Address of a running dask scheduler, such as ``tcp://host:8786``; its workers need
        this distribution.
    done
        Called after each task.

    Raises
    ------
    MissingExtraError
        If dask.distributed is needed and not installed.
    ExecutorError
        If workers on this machine do not start; or the scheduler cannot be reached, has no
        worker for a minute, loses one, or ends.
    """
    if cluster is None and n_workers == 1:
        results = []
        for task in tasks:
            results.append(function(task))
            done()
        return results
    with _client(n_workers, cluster) as client:
        return _submit(client, function, tasks, done)


def _submit(
    client: Any,
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    done: Callable[[], None],
) -> list[Result]:
    from distributed import as_completed
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    waiting = enumerate(tasks)
    places: dict[Any, int] = {}
    results: dict[int, Result] = {}
    running = as_completed()

    def submit_next() -> None:
        for number, task in waiting:
            try:
                future = client.submit(function, task, pure=False)
            except (OSError, RuntimeError, TimeoutError) as error:
                raise ExecutorError(f"the dask scheduler takes no more tasks: {error}") from None
            places[future.key] = number
            running.add(future)
            return

    for _ in range(2 * max(1, len(client.scheduler_info()["workers"]))):
        submit_next()
    for future in running:
        try:
            results[places.pop(future.key)] = future.result()
        except KilledWorker as error:
            raise ExecutorError(f"a worker of the cluster was lost: {error}") from None
        # what a client raises that has lost its scheduler: the second while it asks for a result
        except (CancelledError, CommClosedError) as error:
            reason = " ".join(str(error).split())
            raise ExecutorError(f"the dask scheduler has ended: {reason}") from None
        done()
        submit_next()
    return [results[number] for number in sorted(results)]


@contextlib.contextmanager
def _client(n_workers: int, cluster: str | None) -> Iterator[Any]:
    dask = import_extra("distributed", "cluster", "a run by several workers", "dask")
    with contextlib.ExitStack() as stack:
        if cluster is None:
            try:
                local = dask.LocalCluster(
                    n_workers=n_workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    host="127.0.0.1",
                )
            except (OSError, RuntimeError, TimeoutError) as error:
                raise ExecutorError(
                    f"{n_workers} workers on this machine did not start: {error} A script that"
                    " starts workers needs 'if __name__ == \"__main__\":'; memory may be short"
                ) from None
            address: Any = stack.enter_context(local)
        else:
            address = cluster
        try:
            client = stack.enter_context(dask.Client(address, timeout="10s"))
        except (OSError, TimeoutError, ValueError) as error:
            raise ExecutorError(f"no dask scheduler at {cluster}: {error}") from None
        try:
            client.wait_for_workers(1, timeout=WAIT_FOR_WORKERS)
        except (TimeoutError, asyncio.TimeoutError):  # two kinds before Python 3.11
            raise ExecutorError(
                f"no worker has joined the dask scheduler at {cluster} in {WAIT_FOR_WORKERS} s"
            ) from None
        yield client
