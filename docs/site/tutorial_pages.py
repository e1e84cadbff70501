"""Pages of the tutorials: each notebook is run, and what it shows stands in its page.

A hook of MkDocs. Notebooks are Python files (py:percent of jupytext). Their figures become SVG
on a transparent ground, legible in light and in dark mode.
"""

import functools
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

FOLDER = Path(__file__).parents[1] / "tutorials"
SETUP = """
import contextlib
from ssdp_neuro import plot
_style = contextlib.ExitStack()
_style.enter_context(plot.style(plot.Background.TRANSPARENT))
%config InlineBackend.figure_formats = ["svg"]
%config InlineBackend.print_figure_kwargs = {"bbox_inches": None, "facecolor": "none"}
"""
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "COLUMNS": "80", "NO_COLOR": "1"}
AT_ONCE = 2


def on_files(files: Files, config: Any) -> Files:
    """Add a page and its figures for every tutorial."""
    notebooks = sorted(FOLDER.glob("*.py"))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = pool.map(page_of, [path.stem for path in notebooks], map(Path.read_text, notebooks))
    for path, (text, figures) in zip(notebooks, pages, strict=True):
        files.append(File.generated(config, f"tutorials/{path.stem}.md", content=text))
        for name, content in figures.items():
            files.append(File.generated(config, f"tutorials/{name}", content=content))
    return files


@functools.cache  # `mkdocs serve` builds anew at every change of any page
def page_of(name: str, source: str) -> tuple[str, dict[str, str]]:
    """Run a notebook; its page in Markdown, and its figures by file name.

    Raises
    ------
    PluginError
        If a cell fails, or a figure is missing.
    """
    notebook = jupytext.reads(source, fmt="py:percent")
    notebook.cells.insert(0, nbformat.v4.new_code_cell(SETUP))
    with tempfile.TemporaryDirectory() as folder:
        # sockets of its own: kernels that run at once would otherwise share theirs
        sockets = {"transport": "ipc", "ip": f"{folder}/kernel"}
        client = NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            config=Config({"KernelManager": sockets}),
        )
        try:
            client.execute(env={**os.environ, **ENVIRONMENT})
        except CellExecutionError as error:
            raise PluginError(f"{name}: {error}") from error
    parts: list[str] = []
    figures: dict[str, str] = {}
    for number, cell in enumerate(notebook.cells[1:]):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        drawn = False
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stdout":
                parts.append(printed(output.text))
            drawing = output.get("data", {}).get("image/svg+xml")
            if drawing:
                file = f"{name}_{number}.svg"
                figures[file] = drawing
                drawn = True
                parts.append(f"![{cell.metadata.get('alt')}]({file})")
        if drawn != ("alt" in cell.metadata):
            raise PluginError(f"{name}, cell {number}: a figure without alt, or alt without one")
    parts.append(
        f"[This page as a Python file]({name}.py): run it, or open it as a notebook with"
        " [jupytext](https://jupytext.readthedocs.io)."
    )
    return "\n\n".join(parts), figures


def printed(text: str) -> str:
    """What a cell printed, as a block of its own."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lines = [line.rstrip() for line in plain.strip("\n").splitlines()]
    return "```{ .text .output }\n" + "\n".join(lines) + "\n```"
