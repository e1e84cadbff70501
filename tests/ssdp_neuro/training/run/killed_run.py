"""Trains the toy in a process of its own, and may kill itself: FOLDER KILL_AT_WRITE."""

import os
import signal
import sys
import time
from pathlib import Path

from hw_models import atomic_file
from ssdp_neuro.training import fit
from tests.ssdp_neuro.training.run.made_runs import toy_config, toy_split


def main(folder, kill_at):
    wait_for_disk = atomic_file._sync
    calls = 0

    def wait_or_die(path):
        nonlocal calls
        calls += 1
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)  # time enough for others to kill it
        wait_for_disk(path)

    atomic_file._sync = wait_or_die
    begun = Path(folder).exists()
    fit(toy_config(), data=toy_split(), out=folder, resume=begun, show_progress=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
