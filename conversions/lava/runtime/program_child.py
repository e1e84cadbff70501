"""In an interpreter of its own: start a Lava program, and stop where it runs a Process."""

from __future__ import annotations

import importlib
import json
import os
import re
import runpy
import sys
from pathlib import Path
from typing import Any, NoReturn

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
from lava.magma.core.process.process import AbstractProcess

from conversions.lava.runtime.engine_cfg import EngineCfg
from conversions.lava.runtime.explanation import explain_lava
from hw_models.errors import InputError, SsdpError

KEPT_MAGICS = ("%%time", "%%timeit", "%%capture")  # what follows them in a cell is Python


class _Stop:
    """Where a program would run a Process."""

    def __init__(self, answer: Path, n_steps: int, run_number: int) -> None:
        self._answer, self._n_steps, self._left = answer, n_steps, run_number
        self._create = AbstractProcess.create_runtime
        self._compile = AbstractProcess.compile
        AbstractProcess.create_runtime = self._created()
        AbstractProcess.compile = self._compiled()

    def _created(self) -> Any:
        def create_runtime(
            process: Any, run_cfg: Any = None, executable: Any = None, compile_config: Any = None
        ) -> None:
            self._left -= 1
            if self._left == 0:
                self.explain(process, run_cfg)
            if executable is None and not isinstance(run_cfg, EngineCfg):
                run_cfg = EngineCfg(run_cfg)
            self._create(process, run_cfg, executable, compile_config)

        return create_runtime

    def _compiled(self) -> Any:
        def compile(process: Any, run_cfg: Any, compile_config: Any = None) -> Any:
            if self._left == 1:
                self.explain(process, run_cfg)
            chosen = run_cfg if isinstance(run_cfg, EngineCfg) else EngineCfg(run_cfg)
            return self._compile(process, chosen, compile_config)

        return compile

    def explain(self, process: Any, run_cfg: Any) -> NoReturn:
        """Write down the answer and end at once: nothing of the program goes on."""
        AbstractProcess.create_runtime = self._create
        AbstractProcess.compile = self._compile
        try:
            found = explain_lava(process, run_cfg, n_steps=self._n_steps)
            said = {**found.to_dict(), "text": str(found)}
        except SsdpError as error:
            said = {"error": str(error)}
        except Exception as error:  # of Lava, or of a model
            said = {"error": f"{type(error).__name__}: {error}"}
        whole = self._answer.with_suffix(".part")
        whole.write_text(json.dumps(said), encoding="utf-8")
        whole.replace(self._answer)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def notebook_source(path: Path) -> str:
    """The Python of a notebook, without lines for IPython."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    kept = []
    for cell in cells:
        source = "".join(cell["source"]) if cell["cell_type"] == "code" else ""
        if source.startswith("%%") and not source.startswith(KEPT_MAGICS):
            continue
        for line in source.splitlines():
            is_shell = re.match(r"\s*[%!]", line) or line.rstrip().endswith("?")
            indent = line[: len(line) - len(line.lstrip())]
            kept.append(f"{indent}pass" if is_shell else line)
    return "\n".join(kept) + "\n"


def _named(program: str, stop: _Stop) -> None:
    """Explain ``module:object``."""
    module, _, name = program.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if callable(found) and not isinstance(found, AbstractProcess):
        found = found()
    process, run_cfg = found if isinstance(found, tuple) else (found, None)
    if not isinstance(process, AbstractProcess):
        raise InputError(f"{program}: {type(process).__name__}; a Process is needed")
    stop.explain(process, run_cfg)


def main() -> None:
    """Start the program that the command line names."""
    answer, n_steps, run_number, program, *arguments = sys.argv[1:]
    stop = _Stop(Path(answer), int(n_steps), int(run_number))
    path = Path(program)
    sys.argv = [program, *arguments]
    if ":" in path.name:
        sys.path.insert(0, str(Path.cwd()))
        _named(program, stop)
        return
    if path.suffix == ".ipynb":
        source = notebook_source(path)
        os.chdir(path.parent)  # where its files lie
        sys.path.insert(0, str(Path.cwd()))
        path = Path(answer).parent / "notebook" / "notebook.py"
        path.parent.mkdir()
        path.write_text(source, encoding="utf-8")
    else:
        sys.path.insert(0, str(path.resolve().parent))
    runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    main()
