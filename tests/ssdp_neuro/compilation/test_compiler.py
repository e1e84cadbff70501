import os
import subprocess
import sys
from pathlib import Path

import pytest

from ssdp_neuro import compilation
from ssdp_neuro.compilation import cache
from ssdp_neuro.engine import kernels

HELPER = """
from compilation.compiler import lean_kernel

@lean_kernel
def after(x):
    return x + {step}
"""
KERNEL = """
from compilation.compiler import lean_kernel, step_kernel
from kernels.helper import after

@lean_kernel
def run(x):
    return after(x) * 2

@step_kernel
def total(a, b, c, d, address):
    if a < 0:
        raise ValueError
    return after(a) + b + c + d
"""
SCRIPT = "from kernels.kernel import run; print(run(1), *run.stats.cache_hits.values())"
NATIVE = """
import sys
from types import SimpleNamespace
from kernels.native import Kernel
print(Kernel("kernel.total")(1, 20, 300, 4000, SimpleNamespace(address=0)), "numba" in sys.modules)
"""


@pytest.fixture
def project(tmp_path):
    for package, names in ((compilation, ("cache", "compiler")), (kernels, ("native", "tables"))):
        folder = tmp_path / package.__name__.split(".")[-1]
        folder.mkdir()
        (folder / "__init__.py").touch()
        for name in names:
            source = Path(package.__file__).with_name(f"{name}.py").read_text()
            source = source.replace("ssdp_neuro.engine.kernels", "kernels")
            source = source.replace("ssdp_neuro.compilation", "compilation")
            (folder / f"{name}.py").write_text(source)
    (folder / "kernel.py").write_text(KERNEL)
    (folder / "helper.py").write_text(HELPER.format(step=1))
    return tmp_path


def run(project: Path, script: str = SCRIPT, **switches: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key[:6] != "NUMBA_"}
    environment |= {"NUMBA_CACHE_DIR": str(project / "cache"), "PYTHONPATH": str(project)}
    ran = subprocess.run(
        [sys.executable, "-c", script],
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
    assert run(project, NATIVE) == "4322 True"
    (project / "kernels" / "helper.py").write_text(HELPER.format(step=100))
    assert run(project) == "202"
    assert run(project, NATIVE) == "4421 True"


def test_kernel_cache__knows_numbas_switches(project):
    assert run(project) == "4"
    assert run(project, NUMBA_BOUNDSCHECK="1") == "4"
    assert len(list((project / "cache" / "ssdp_neuro").iterdir())) == 2


def test_kernel_cache__keeps_few_old_folders(project):
    home = project / "cache" / "ssdp_neuro"
    for number in range(20):
        (home / f"kernels-{number}").mkdir(parents=True)
    run(project)
    assert len(list(home.iterdir())) == cache.KEPT_FOLDERS


def test_kernel_cache__does_without_a_folder_it_cannot_write(project):
    (project / "cache").write_text("a file where a folder should be")
    for script, result in ((SCRIPT, "4"), (NATIVE, "4322 True")):
        assert run(project, script) == result
        assert run(project, script) == result


def test_kernel__is_loaded_without_numba_from_a_file_that_is_whole(project):
    assert run(project, NATIVE) == "4322 True"
    assert run(project, NATIVE) == "4322 False"
    (file,) = (project / "cache").rglob("kernel.total-*.o")
    whole = file.read_bytes()
    for damaged in (b"", whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(damaged)
        assert run(project, NATIVE) == "4322 True"
        assert file.read_bytes() == whole


def test_kernel__is_a_plain_function_where_nothing_is_compiled(project):
    assert run(project, NATIVE, NUMBA_DISABLE_JIT="1") == "4322 True"


def test_kernel__says_that_it_failed(project):
    with pytest.raises(subprocess.CalledProcessError) as failure:
        run(project, NATIVE.replace("(1, 20", "(-1, 20"))
    assert "RuntimeError: kernel kernel.total failed" in failure.value.stderr
