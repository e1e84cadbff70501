"""``ssdp-neuro info``: what is installed, or what a network file holds."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from hw_models import (
    DaSsdpParams,
    EpropParams,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LearningRule,
    PoolProjection,
    check,
    load,
    load_code,
)
from hw_models.chips import chip_of
from hw_models.constraints import stored_synapses
from hw_models.learning_engine.learning_rule import TARGETS
from hw_models.populations import Population

CORE = ("ssdp-neuro", "numpy", "numba", "h5py", "typer", "rich")
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+).*;.*extra\s*==\s*['\"]([a-z]+)['\"]")


class ChipName(str, enum.Enum):
    """Chips that a network can be checked against."""

    LOIHI1 = "loihi1"
    LOIHI2 = "loihi2"


def info(
    network: Annotated[
        Path | None, typer.Argument(metavar="[NETWORK.h5]", help="A network file.")
    ] = None,
    chip: Annotated[
        ChipName | None, typer.Option(help="List what of the network this chip cannot hold.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    r"""Report versions and extras, or the populations, projections and memory of a network.

    For example:

    \b
    ssdp-neuro info
    ssdp-neuro info net.h5 --chip loihi1
    ssdp-neuro info net.h5 --json
    """
    if network is None:
        if chip is not None:
            raise InputError("--chip: only together with a network file")
        report = environment()
        printer = _print_environment
    else:
        described = load(network)
        code = load_code(network)
        report = {
            "network": str(network),
            **description(described),
            "code": None if code is None else dataclasses.asdict(code),
        }
        if chip is not None:
            limits = chip_of("--chip", chip.value)
            report["chip"] = limits.name
            report["violations"] = [str(v) for v in check(described, limits)]
        printer = _print_network
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        printer(report)


def environment() -> dict[str, Any]:
    """Versions of the packages, and of what each extra brings (None if it is missing)."""
    extras: dict[str, dict[str, str | None]] = {}
    for requirement in metadata.requires("ssdp-neuro") or ():
        found = REQUIREMENT.match(requirement)
        if found:
            package, extra = found.groups()
            extras.setdefault(extra, {})[package] = _version(package)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "packages": {package: _version(package) for package in CORE},
        "extras": extras,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def description(network: FixedPointNetwork) -> dict[str, Any]:
    """Populations, projections and memory of a network, in plain types."""
    populations = [
        {
            "name": population.name,
            "kind": type(population).__name__,
            "shape": list(population.shape),
            "neurons": population.n_neurons,
            "threshold_rise": _highest_rise(population),
        }
        for population in network.populations
    ]
    projections = [_projection(projection) for projection in network.projections]
    return {
        "populations": populations,
        "projections": projections,
        "neurons": sum(population.n_neurons for population in network.neurons),
        "inputs": sum(population.n_neurons for population in network.inputs),
        "weight_bytes": sum(p["weights"] for p in projections),
        "plasticity_state_bits": _plasticity_bits(network),
    }


def _highest_rise(population: Population) -> int:
    return 0 if isinstance(population, InputPopulation) else int(population.threshold_rise.max())


def _projection(projection: Any) -> dict[str, Any]:
    weights = projection.weight if isinstance(projection, PoolProjection) else projection.weights
    rule = getattr(projection, "plasticity", None)
    delays = getattr(projection, "delays", None)
    filled = getattr(weights, "size", 1) > 0
    return {
        "name": projection.name,
        "kind": type(projection).__name__,
        "source": projection.source,
        "target": projection.target,
        "weights": stored_synapses(projection),
        "lowest": int(getattr(weights, "min", lambda: weights)()) if filled else None,
        "highest": int(getattr(weights, "max", lambda: weights)()) if filled else None,
        "weight_exponent": projection.weight_exponent,
        "longest_delay": int(delays.max()) if delays is not None and delays.size else 0,
        "plasticity": None if rule is None else _rule_text(rule),
    }


def _rule_text(rule: DaSsdpParams | EpropParams | LearningRule) -> str:
    if isinstance(rule, DaSsdpParams):
        return f"DA-SSDP, {rule.third_factor.value}"
    if isinstance(rule, EpropParams):
        stamps = ", time stamps" if rule.stamped else ""
        return f"e-prop, {'taught' if rule.feedback is None else 'by feedback'}{stamps}"
    equations = [f"{name} = {rule.equation(name)}" for name in TARGETS if rule.equation(name)]
    graded = f"; numbers of spikes {rule.graded_spikes.value} x1" if rule.takes_numbers else ""
    return f"{', '.join(equations)}; epoch {rule.epoch}{graded}"


def _plasticity_bits(network: FixedPointNetwork) -> int:
    """What rules keep beside weights.

    Of DA-SSDP flag and latency code of every neuron at an end of a plastic projection, of a
    LearningRule and of e-prop their ``state_bits``.
    """
    of_rules = 0
    bits: dict[tuple[str, int, int], int] = {}
    for projection in network.projections:
        rule = getattr(projection, "plasticity", None)
        ends = [network.population(name) for name in (projection.source, projection.target)]
        n_pre, n_post = (end.n_neurons for end in ends)
        if isinstance(rule, LearningRule):
            of_rules += rule.state_bits(n_pre, n_post, stored_synapses(projection))
        elif isinstance(rule, EpropParams):
            delays = projection.delays
            longest = 0 if delays is None else int(delays.max(initial=0))
            of_rules += rule.state_bits(n_pre, n_post, longest)
        elif rule is not None:
            for end in ends:
                key = (end.name, rule.latency_bits, rule.latency_shift)
                bits[key] = end.n_neurons * (rule.latency_bits + 1)
    return of_rules + sum(bits.values())


def _print_environment(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(title="ssdp-neuro")
    for heading in ("part", "version"):
        table.add_column(heading)
    table.add_row("Python", f"{report['python']}, {report['cores']} cores")
    for package, version in report["packages"].items():
        table.add_row(package, version or "missing")
    for extra, packages in report["extras"].items():
        for package, version in packages.items():
            table.add_row(f"{package} ({extra})", version or "missing")
    console.print(table)


def _print_network(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(title=escape(report["network"]))
    for heading in ("population", "kind", "shape", "neurons"):
        table.add_column(heading, justify="right" if heading == "neurons" else "left")
    for row in report["populations"]:
        shape = " x ".join(map(str, row["shape"]))
        kind = "input" if row["kind"] == InputPopulation.__name__ else "LIF"
        kind += ", rising thresholds" if row["threshold_rise"] else ""
        table.add_row(escape(row["name"]), kind, shape, f"{row['neurons']:,}")
    console.print(table)
    table = Table()
    headings = ("projection", "kind", "weights", "range", "exponent", "delay", "plasticity")
    for heading in headings:
        table.add_column(heading)
    for row in report["projections"]:
        table.add_row(
            escape(row["name"]),
            row["kind"].removesuffix("Projection").lower(),
            f"{row['weights']:,}",
            "-" if row["lowest"] is None else f"{row['lowest']}..{row['highest']}",
            str(row["weight_exponent"]),
            str(row["longest_delay"]),
            row["plasticity"] or "-",
        )
    console.print(table)
    console.print(
        f"{report['neurons']:,} neurons, {report['inputs']:,} inputs,"
        f" {report['weight_bytes']:,} bytes of weights,"
        f" {report['plasticity_state_bits']:,} bits of plasticity state",
        highlight=False,
    )
    if report["code"] is not None:
        code = report["code"]
        parameters = ", ".join(f"{name} {value}" for name, value in code["parameters"].items())
        console.print(
            f"trained in {code['n_steps']} steps of {code['encoding']} code ({parameters});"
            f" classes {', '.join(code['class_names']) or 'unknown'}",
            highlight=False,
            markup=False,
        )
    if "chip" in report:
        found = report["violations"]
        console.print(f"{report['chip']}: {'fits' if not found else f'{len(found)} violations'}")
        for violation in found:
            console.print(f"- {violation}", markup=False, highlight=False, soft_wrap=True)
