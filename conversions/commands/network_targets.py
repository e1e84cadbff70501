"""What ``ssdp-neuro convert`` writes: a table from formats to their writers."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path

from hw_models import ConversionError, FixedPointNetwork, load, same_record, save
from hw_models.atomic_file import write_whole


class Target(str, enum.Enum):
    """Formats of the file at ``--out``."""

    NETWORK = "network"
    NIR = "nir"
    NETX = "netx"
    LAVA = "lava"


def write(network: FixedPointNetwork, target: Target, out: Path) -> tuple[list[Path], list[str]]:
    """Write a network.

    Returns
    -------
    paths
        What was written.
    notes
        What the format does not say of the network, in sentences.
    """
    return WRITERS[target](network, out)


def files_of(target: Target, out: Path) -> list[Path]:
    """All files that :func:`write` would write."""
    return [out, _network_beside(out)] if target is Target.LAVA else [out]


def _write_network(network: FixedPointNetwork, out: Path) -> tuple[list[Path], list[str]]:
    save(network, out)
    return [out], []


def _write_nir(network: FixedPointNetwork, out: Path) -> tuple[list[Path], list[str]]:
    from conversions.nir_graph import to_nir, write_graph
    from conversions.nir_graph.metadata import facts_in

    graph = to_nir(network)
    write_graph(graph, out)
    facts = facts_in(graph.metadata)
    return [out], [] if facts is None else [
        f"Only in its metadata: {loss}." for loss in facts.losses
    ]


def _write_netx(network: FixedPointNetwork, out: Path) -> tuple[list[Path], list[str]]:
    from conversions.netx_file import to_netx

    return [out], list(to_netx(network, out))


def _network_beside(out: Path) -> Path:
    return out.with_suffix(".h5")


def _write_lava(network: FixedPointNetwork, out: Path) -> tuple[list[Path], list[str]]:
    from conversions.commands.lava_script import lava_script

    if out.suffix != ".py":
        raise ConversionError(f"--out {out}: a Lava program is written; the ending is .py")
    beside = _network_beside(out)
    if not beside.exists():
        save(network, beside)
    elif not same_record(load(beside), network):
        raise ConversionError(f"{beside}: exists, and is not the network that {out} is to run")
    write_whole(out, lava_script(network, beside.name).encode())
    return [out, beside], []


WRITERS: dict[Target, Callable[[FixedPointNetwork, Path], tuple[list[Path], list[str]]]] = {
    Target.NETWORK: _write_network,
    Target.NIR: _write_nir,
    Target.NETX: _write_netx,
    Target.LAVA: _write_lava,
}
