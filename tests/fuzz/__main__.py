"""Fuzz for as long as one likes: ``python -m tests.fuzz --seconds 600 --seed 1 [module ...]``.

Every module of this folder with a function ``run(seconds, seed)`` gets an equal share of the time.
"""

import argparse
import importlib
import pkgutil
import time

import tests.fuzz


def main() -> None:
    """Run the modules, each in turn; the first finding ends it with a traceback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="all if not given")
    parser.add_argument("--seconds", type=float, default=60.0, help="of all together")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    names = [one.name for one in pkgutil.iter_modules(tests.fuzz.__path__) if one.name[0] != "_"]
    wanted = arguments.modules or [name for name in names if not name.startswith("test_")]
    loaded = {
        name: importlib.import_module(f"tests.fuzz.{name}") for name in wanted if name in names
    }
    modules = {name: module for name, module in loaded.items() if hasattr(module, "run")}
    if not modules or (arguments.modules and set(modules) != set(arguments.modules)):
        parser.error(f"modules {arguments.modules}; there are {sorted(set(names) - {'__main__'})}")
    for name, module in modules.items():
        started = time.monotonic()
        module.run(arguments.seconds / len(modules), arguments.seed)
        print(f"{name}: nothing found in {time.monotonic() - started:.0f} s")


main()
