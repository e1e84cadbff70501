"""How many cores this process may use, and threads that stay for the next run."""

from __future__ import annotations

import functools
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MOST_THREADS = 1024
SHARE_SECONDS = 5
OVERLOAD = 2  # processes and threads at work for each processor


def available_cores(root: Path = Path("/")) -> int:
    """Cores that the process may run on and that its group is given time for, at least 1.

    A container on a machine of 64 cores may have two of them: more threads would only be
    stopped in turn.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not Linux
        cores = os.cpu_count() or 1
    share = _least_share(root, int(time.monotonic() // SHARE_SECONDS))
    return max(int(min(cores, share)), 1)


def is_overloaded() -> bool:
    """Whether much more is at work on the machine than it has processors for.

    Threads that wait for each other in every step then wait for long.
    """
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows, or not known
        return False
    return load > OVERLOAD * (os.cpu_count() or 1)


@functools.lru_cache(maxsize=1)
def _least_share(root: Path, moment: int) -> float:
    """Cores' worth of time that the group is given, looked up anew in every ``moment``.

    Reading its files takes twice as long as a short run.
    """
    shares = [share for share in map(_share, _group_files(root)) if share is not None]
    return min(shares, default=math.inf)


def _group_files(root: Path) -> list[Path]:
    """Files that say how much time the process's control group, or one above it, is given."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    files = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        home = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        name = "cpu.cfs_quota_us" if controllers else "cpu.max"
        group = home / path.lstrip("/")
        while True:
            files.append(group / name)
            if group == home or home not in group.parents:
                break
            group = group.parent
    return files


def _share(file: Path) -> float | None:
    """Cores' worth of time that a file allows; None if it sets no limit."""
    try:
        words = file.read_text().split()
        if file.name != "cpu.max":
            words += file.with_name("cpu.cfs_period_us").read_text().split()
        quota, period = float(words[0]), float(words[1])
    except (OSError, ValueError, IndexError):  # no such file, or "max"
        return None
    return quota / period if quota > 0 and period > 0 else None


@functools.cache
def helpers() -> ThreadPoolExecutor:
    """Threads beside the caller's; a thread is made when all others are at work."""
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="ssdp_neuro")


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=helpers.cache_clear)
