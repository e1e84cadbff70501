"""The picture of the packages, checked: imports point down, and heavy things come late."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "hw_models": set(),
    "ssdp_neuro": {"hw_models"},
    "conversions": {"hw_models", "ssdp_neuro"},
}
ONLY_IN = {
    "lava": (
        "hw_models/lava_processes/",
        "conversions/lava/reading/",
        "conversions/lava/runtime/",
    ),
    "torch": (
        "ssdp_neuro/training/",
        "conversions/pytorch/",
        "conversions/execution/pytorch",
    ),
}
HEAVY = (
    "numba",
    "torch",
    "lava",
    "h5py",
    "scipy",
    "sklearn",
    "matplotlib",
    "nir",
    "tonic",
    "pandas",
    "xarray",
)


def imported(path):
    """Dotted names that a file imports, at any depth."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            yield ".".join([*base, *([node.module] if node.module else [])])


def sources(package):
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_layers__imports_point_down(package):
    forbidden = set(MAY_IMPORT) - MAY_IMPORT[package] - {package} | {"tests"}
    found = {
        str(path.relative_to(ROOT)): sorted({n.split(".")[0] for n in imported(path)} & forbidden)
        for path in sources(package)
    }
    assert found
    assert {path: names for path, names in found.items() if names} == {}


def test_layers__training_and_engine_do_not_know_each_other():
    for part, other in (("training", "ssdp_neuro.engine"), ("engine", "ssdp_neuro.training")):
        for path in sources(f"ssdp_neuro/{part}"):
            assert not [name for name in imported(path) if name.startswith(other)], path


@pytest.mark.parametrize("module", ONLY_IN)
def test_layers__frameworks_are_imported_in_their_places_only(module):
    users = {
        path.relative_to(ROOT).as_posix()
        for package in MAY_IMPORT
        for path in sources(package)
        if module in {name.split(".")[0] for name in imported(path)}
    }
    assert {user for user in users if not user.startswith(ONLY_IN[module])} == set()


def test_layers__the_oracle_shares_nothing_with_what_it_judges():
    """Its runs read the records; only the adapter to the result knows the engine's package."""
    for path in sources("ssdp_neuro/oracle"):
        names = set(imported(path))
        assert not {name for name in names if name.startswith(("hw_models.", "numba"))}, path
        if path.name != "simulate.py":
            others = {name for name in names if name.startswith("ssdp_neuro")}
            assert {name for name in others if not name.startswith("ssdp_neuro.oracle")} == set()


def test_layers__importing_the_packages_loads_nothing_heavy():
    program = (
        "import sys, json, hw_models, ssdp_neuro, conversions;"
        f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_layers__public_names_exist_and_are_completed(package):
    module = __import__(package)
    assert module.__all__
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        getattr(module, name)


def test_layers__every_folder_of_code_is_a_package():
    stray = {
        path.parent.relative_to(ROOT).as_posix()
        for package in MAY_IMPORT
        for path in sources(package)
        if not (path.parent / "__init__.py").is_file()
    }
    assert stray == set()


def test_layers__every_package_is_typed():
    assert all((ROOT / package / "py.typed").is_file() for package in MAY_IMPORT)


def test_layers__no_name_stands_for_two_things():
    """Neither a public class of the distribution, nor a module of one package."""
    classes, modules = {}, {}
    for package in MAY_IMPORT:
        for path in sources(package):
            where = path.relative_to(ROOT).as_posix()
            if path.name != "__init__.py":
                modules.setdefault((package, path.stem), []).append(where)
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    classes.setdefault(node.name, []).append(where)
    assert len(classes) > 300
    assert len(modules) > 300
    assert {name: places for name, places in classes.items() if len(places) > 1} == {}
    assert {name: places for name, places in modules.items() if len(places) > 1} == {}
