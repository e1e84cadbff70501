import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ssdp_neuro.engine.kernels import compiler

HELPER = """
from kernels.compiler import lean_kernel

@lean_kernel
def after(x):
    return x + {step}
"""
KERNEL = """
from kernels.compiler import lean_kernel
from kernels.helper import after

@lean_kernel
def run(x):
    return after(x) * 2
"""
SCRIPT = "from kernels.kernel import run; print(run(1), *run.stats.cache_hits.values())"


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "__init__.py").touch()
    shutil.copy(compiler.__file__, folder / "compiler.py")
    (folder / "kernel.py").write_text(KERNEL)
    (folder / "helper.py").write_text(HELPER.format(step=1))
    return tmp_path


def run(project: Path, **switches: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key[:6] != "NUMBA_"}
    environment |= {"NUMBA_CACHE_DIR": str(project / "cache"), "PYTHONPATH": str(project)}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment | switches,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def test_kernel_cache__is_used_while_nothing_changes(project):
    assert run(project) == "4"
    assert run(project) == "4 1"


def test_kernel_cache__sees_a_change_in_a_helper_of_another_file(project):
    assert run(project) == "4"
    (project / "kernels" / "helper.py").write_text(HELPER.format(step=100))
    assert run(project) == "202"


def test_kernel_cache__knows_numbas_switches(project):
    assert run(project) == "4"
    assert run(project, NUMBA_BOUNDSCHECK="1") == "4"
    assert len(list((project / "cache" / "ssdp_neuro").iterdir())) == 2


def test_kernel_cache__keeps_few_old_folders(project):
    home = project / "cache" / "ssdp_neuro"
    for number in range(20):
        (home / f"kernels-{number}").mkdir(parents=True)
    run(project)
    assert len(list(home.iterdir())) == compiler.KEPT_FOLDERS


def test_kernel_cache__does_without_a_folder_it_cannot_write(project):
    (project / "cache").write_text("a file where a folder should be")
    assert run(project) == "4"
    assert run(project) == "4"
