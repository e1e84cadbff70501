"""The interpreter in which Lava runs: ``python -m conversions.lava.child FOLDER``.

It has no threads and no other libraries' start method, whatever the program that
started it has done. See :mod:`conversions.lava.exchange_folder`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from conversions.lava import exchange_folder
from hw_models import SsdpError


def main(folder: Path) -> int:
    """Run every sample of the folder's request; returns the exit status."""
    try:
        from hw_models.lava_processes.sample_run import run_sample_in_runtime

        request = exchange_folder.read_request(folder)
        for number in range(request.n_samples):
            sample = run_sample_in_runtime(
                request.network,
                request.inputs_of(number),
                request.n_steps,
                request.probes,
                request.plan,
                request.rules,
                request.sent_in(number),
            )
            exchange_folder.write_sample(folder, number, request, sample)
    except SsdpError as error:
        exchange_folder.write_error(folder, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
