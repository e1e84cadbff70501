"""A small Lava program of a network, for people who know Lava."""

from __future__ import annotations

from hw_models import FixedPointNetwork

TEMPLATE = '''"""A Lava program of the network in the file beside it, written by ssdp-neuro convert.

It builds Lava Processes that compute the network bit for bit, runs them in Lava's own
runtime, and prints how often each of the last neurons fired. Give spikes as .npy or .npz, 0/1
arrays (T, N) or (step, index) pairs; without them they are random.
"""

import argparse
from pathlib import Path

from conversions import random_spikes, to_lava  # first: makes Lava importable
from hw_models import load
from ssdp_neuro.cli.spike_file import load_spikes

from lava.magma.core.run_conditions import RunSteps

NETWORK = Path(__file__).with_name({file!r})
SHOWN = {populations!r}  # populations whose spikes are recorded


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spikes", nargs="?", type=Path)
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()
    network = load(NETWORK)
    if arguments.spikes is None:
        spikes = random_spikes(network, 0.1, n_steps=arguments.steps, n_samples=None, seed=0)
    else:
        spikes = load_spikes(arguments.spikes, network)
    model = to_lava(network, spikes, n_steps=arguments.steps)
    # model.populations and model.projections have the Processes by name; they have the ports
    # and variables of Lava's own (a_in, s_out, u, v, weights) and connect like them
    sinks = {{name: model.record_spikes(name, arguments.steps) for name in SHOWN}}
    first = model.populations[SHOWN[0]]
    first.run(condition=RunSteps(num_steps=arguments.steps), run_cfg=model.run_config)
    for name, sink in sinks.items():
        counts = sink.data.get().sum(axis=1).astype(int)
        print(f"{{name}}: {{counts.tolist()}}")
    first.stop()


if __name__ == "__main__":
    main()
'''


def lava_script(network: FixedPointNetwork, file: str) -> str:
    """Source of a program that runs a network in Lava.

    Parameters
    ----------
    network
        What it is for; the populations without successors are those it shows.
    file
        Name of the network's file in the program's folder.
    """
    feeding = {p.source for p in network.projections if p.source != p.target}
    neurons = [population.name for population in network.neurons]
    shown = [name for name in neurons if name not in feeding] or neurons
    return TEMPLATE.format(file=file, populations=shown)
