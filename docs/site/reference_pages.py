"""A page of the reference for every package: its public names, in the parts where they are at home.

A hook of MkDocs. A name that is made public is there with the next build.
"""

import importlib
from typing import Any

from mkdocs.structure.files import File, Files

PACKAGES = {
    "hw_models": "What a chip can do, and the one description of a network. Needs NumPy only.",
    "ssdp_neuro": "Run a network, and let it learn.",
    "ssdp_neuro.rules": "Plasticity rules in real numbers, and the bridge to their integers.",
    "ssdp_neuro.rules.eprop": "Eligibility, learning signals: [e-prop](../explanation/eprop.md).",
    "ssdp_neuro.plot": "Pictures: axes in, axes out. Needs the extra `plot`.",
    "ssdp_neuro.data": "Data sets as spikes; see [data sets and codes](../how-to/data.md).",
    "ssdp_neuro.training": "Training in PyTorch, with the chip's neuron. Needs the extra `train`.",
    "conversions": "Models in, networks out, with proof that the spikes are the same.",
}
APART = {name.rpartition(".")[2] for name in PACKAGES} | {"__version__"}


def on_files(files: Files, config: Any) -> Files:
    """Add a page for every package."""
    for package in PACKAGES:
        name = package.removeprefix("ssdp_neuro.")
        files.append(File.generated(config, f"reference/{name}.md", content=page_of(package)))
    return files


def page_of(package: str) -> str:
    """The page of one package, in Markdown for mkdocstrings."""
    module = importlib.import_module(package)
    parts: dict[str, list[str]] = {}
    for name in module.__all__:
        if name not in APART:
            parts.setdefault(part_of(getattr(module, name), package), []).append(name)
    lines = [f"# {package}", PACKAGES[package]]
    for part, names in sorted(parts.items(), key=lambda item: (item[0] == "Other", item[0])):
        lines.append(f"## {part}")
        lines.extend(f"::: {package}.{name}" for name in names)
    return "\n\n".join(lines) + "\n"


def part_of(value: Any, package: str) -> str:
    """The part of a package where a value, or its type, is defined; as a heading."""
    home = value.__module__ if hasattr(value, "__qualname__") else type(value).__module__
    if not home.startswith(f"{package}."):
        return "Other"
    return home.removeprefix(f"{package}.").split(".")[0].replace("_", " ").capitalize()
