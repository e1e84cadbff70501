"""One peer on one workload: ``python -m benchmarks.peers PEER WORKLOAD THREADS FOLDER``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from benchmarks.workloads import WORKLOADS

PEERS = {
    "engine": ("engine", "measure"),
    "Lava": ("lava", "measure_gather"),
    "Lava, product": ("lava", "measure_product"),
    "Brian2 C++": ("brian2_cpp", "measure"),
    "norse": ("torch_layers", "measure_norse"),
    "sinabs": ("torch_layers", "measure_sinabs"),
    "snntorch": ("torch_layers", "measure_snntorch"),
    "spikingjelly": ("torch_layers", "measure_spikingjelly"),
}


def main(peer: str, workload: str, n_threads: str, folder: str) -> None:
    module, function = PEERS[peer]
    measure = getattr(importlib.import_module(f"benchmarks.peers.{module}"), function)
    measure(WORKLOADS[workload](), int(n_threads), Path(folder)).save(Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
