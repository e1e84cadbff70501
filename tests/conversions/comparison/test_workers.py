"""A cluster that somebody else runs."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from distributed import LocalCluster
from distributed.comm import CommClosedError

from conversions.comparison import workers
from hw_models import ExecutorError


@pytest.mark.filterwarnings("default")  # what dask warns of while it ends is its own
def test_map_tasks__on_a_cluster_in_order_and_not_without_workers(monkeypatch):
    with LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        monkeypatch.setattr(workers, "WAIT_FOR_WORKERS", 0.5)
        with pytest.raises(ExecutorError, match=r"no worker has joined .* in 0\.5 s"):
            workers.map_tasks(abs, [-1], cluster=address)
        monkeypatch.undo()
        cluster.scale(1)
        assert workers.map_tasks(abs, [-3, 1, -2, 0, -5], cluster=address) == [3, 1, 2, 0, 5]
        with pytest.raises(ExecutorError, match="the dask scheduler has ended: in <TCP>"):
            workers.map_tasks(lose_the_connection, [1], cluster=address)


def lose_the_connection(number):
    raise CommClosedError(f"in <TCP>: {number}")


def end_the_scheduler(number, *, pid):
    """A task in the middle of which the scheduler's process is gone."""
    if number == 3:
        os.kill(pid, 9)
    return number


@pytest.mark.filterwarnings("default")
def test_map_tasks__scheduler_that_ends_in_the_middle_is_an_executor_error(tmp_path):
    file = tmp_path / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler", *options]
    scheduler = subprocess.Popen(
        [*program, "--scheduler-file", str(file)], stderr=subprocess.DEVNULL
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file),
         "--nthreads", "1", "--no-nanny", "--no-dashboard"],
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    try:
        while not file.exists() or not file.read_text().endswith("}"):
            assert scheduler.poll() is None
        address = json.loads(file.read_text())["address"]
        task = functools.partial(end_the_scheduler, pid=scheduler.pid)
        with pytest.raises(ExecutorError, match="the dask scheduler has ended"):
            workers.map_tasks(task, range(9), cluster=address)
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()


def test_map_tasks__workers_that_die_while_they_start_are_an_executor_error(tmp_path):
    script = tmp_path / "script.py"  # each worker runs it again, for want of a guard
    script.write_text(
        "from conversions.comparison.workers import map_tasks\n"
        "from hw_models import ExecutorError\n"
        "try:\n"
        "    map_tasks(abs, [-1], n_workers=2)\n"
        "except ExecutorError as error:\n"
        "    print(f'refused: {error}')\n"
    )
    ran = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert "refused: 2 workers on this machine did not start" in ran.stdout
    assert "if __name__" in ran.stdout
