"""What ``ssdp-neuro convert`` writes: a table from formats to their writers."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path

from hw_models import ConversionError, FixedPointNetwork, SpikeCode, load, same_record, save
from hw_models.atomic_file import write_whole

TEMPLATE = '''"""A Lava program of the network in the file beside it, written by ssdp-neuro convert.

It builds Lava Processes that compute the network bit for bit, runs them in Lava's own
runtime, and prints how often each of the last neurons fired. Give spikes as .npy or .npz, 0/1
arrays (T, N) or (step, index) pairs; without them they are random.
"""

import argparse
from pathlib import Path

from conversions import to_lava  # first: makes Lava importable
from hw_models import load
from conversions.cli.spike_file import load_spikes
from ssdp_neuro import random_spikes

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


class Target(str, enum.Enum):
    """Formats of the file at ``--out``."""

    NETWORK = "network"
    NIR = "nir"
    NETX = "netx"
    LAVA = "lava"


def write(
    network: FixedPointNetwork, target: Target, out: Path, code: SpikeCode | None = None
) -> tuple[list[Path], list[str]]:
    """Write a network, with the code in which it was trained where the format has a place for it.

    Returns
    -------
    paths
        What was written.
    notes
        What the format does not say of the network, in sentences.
    """
    return WRITERS[target](network, out, code)


def files_of(target: Target, out: Path) -> list[Path]:
    """All files that :func:`write` would write."""
    return [out, _network_beside(out)] if target is Target.LAVA else [out]


def _write_network(
    network: FixedPointNetwork, out: Path, code: SpikeCode | None
) -> tuple[list[Path], list[str]]:
    save(network, out, code=code)
    return [out], []


def _write_nir(
    network: FixedPointNetwork, out: Path, code: SpikeCode | None
) -> tuple[list[Path], list[str]]:
    from conversions.nir import to_nir, write_graph
    from conversions.nir.metadata import facts_in

    graph = to_nir(network)
    write_graph(graph, out)
    facts = facts_in(graph.metadata)
    losses = () if facts is None else facts.losses
    return [out], [*(f"Only in its metadata: {loss}." for loss in losses), *_lost(code)]


def _write_netx(
    network: FixedPointNetwork, out: Path, code: SpikeCode | None
) -> tuple[list[Path], list[str]]:
    from conversions.netx import to_netx

    return [out], [*to_netx(network, out), *_lost(code)]


def _lost(code: SpikeCode | None) -> list[str]:
    if code is None:
        return []
    return [f"Not in the file: the code it was trained in, {code.encoding}, {code.n_steps} steps."]


def _network_beside(out: Path) -> Path:
    return out.with_suffix(".h5")


def _write_lava(
    network: FixedPointNetwork, out: Path, code: SpikeCode | None
) -> tuple[list[Path], list[str]]:

    if out.suffix != ".py":
        raise ConversionError(f"--out {out}: a Lava program is written; the ending is .py")
    beside = _network_beside(out)
    if not beside.exists():
        save(network, beside, code=code)
    elif not same_record(load(beside), network):
        raise ConversionError(f"{beside}: exists, and is not the network that {out} is to run")
    write_whole(out, lava_script(network, beside.name).encode())
    return [out, beside], []


Writer = Callable[[FixedPointNetwork, Path, SpikeCode | None], tuple[list[Path], list[str]]]
WRITERS: dict[Target, Writer] = {
    Target.NETWORK: _write_network,
    Target.NIR: _write_nir,
    Target.NETX: _write_netx,
    Target.LAVA: _write_lava,
}
