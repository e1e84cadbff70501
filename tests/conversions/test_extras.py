import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    save,
)
from hw_models.extras import EXTRAS

WITHOUT = "import sys; sys.modules['{module}'] = None; {use}"


@pytest.mark.parametrize(
    ("module", "use", "command"),
    [
        (
            "torch",
            "import conversions; conversions.from_torch",
            'pip install ".[train]" in a clone',
        ),
        ("torch", "import ssdp_neuro.training", 'pip install ".[train]" in a clone'),
        (
            "sklearn",
            "from ssdp_neuro.data import DataSettings, load; load(DataSettings(name='digits'))",
            "data set digits needs scikit-learn, of the extra 'train': pip install \".[train]\"",
        ),
        (
            "nir",
            "from conversions.nir.files import nir_package; nir_package()",
            "a NIR file needs nir, of the extra 'nir': pip install \".[nir]\"",
        ),
        (
            "distributed",
            "from conversions.comparison import workers; workers._client(2, None).__enter__()",
            "needs dask, of the extra 'cluster': pip install \".[cluster]\"",
        ),
        (
            "matplotlib",
            "import ssdp_neuro; ssdp_neuro.plot.new_figure()",
            "a picture needs matplotlib, of the extra 'plot': pip install \".[plot]\"",
        ),
        (
            "lava",
            "import hw_models.lava_processes",
            "pip install --no-deps --ignore-requires-python lava-nc==0.10.0",
        ),
    ],
)
def test_missing_extra__error_names_the_command_that_installs_it(module, use, command):
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(module=module, use=use)],
        capture_output=True,
        text=True,
    )
    last = ran.stderr.splitlines()
    assert any(line.startswith("hw_models.errors.MissingExtraError") for line in last)
    assert command in ran.stderr


BLOCKED = """
import sys
from hw_models.extras import EXTRAS
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from conversions.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("minimal")
    eye = InputPopulation(name="eye", shape=(64,))
    cell = LifPopulation(name="cell", shape=(2,), current_decay=0, voltage_decay=0, threshold=9)
    weights = np.ones((2, 64), dtype=int)
    synapses = DenseProjection(source="eye", target="cell", weights=weights)
    save(FixedPointNetwork(populations=[eye, cell], projections=[synapses]), folder / "net.h5")
    (folder / "run.toml").write_text("")
    (folder / "model.safetensors").write_bytes(b"some")
    np.savez(folder / "s.npz", spikes=np.zeros((8, 20, 64), bool), labels=np.arange(8) % 2)
    return folder


@pytest.mark.parametrize(
    ("line", "extra"),
    [
        ("--help", None),
        ("info", None),
        ("info net.h5 --chip loihi2", None),
        ("simulate net.h5 --steps 5 --rate 0.1", None),
        ("learn net.h5 --data s.npz --rule error-ssdp", None),
        ("learn net.h5 --data digits --rule error-ssdp", "train"),
        ("data npz --folder s.npz --json", None),
        ("data digits", "train"),
        ("data shd --folder .", "train"),
        ("data npz --folder s.npz --figure x.png", "plot"),
        ("train --fields", "train"),
        ("train --config run.toml", "train"),
        ("convert model.safetensors --out a.h5", "train"),
        ("convert net.h5 --to nir --out a.nir", "nir"),
        ("convert net.h5 --to netx --out a.net", None),
        ("convert net.h5 --to lava --out a.py", None),
        ("verify net.h5 --steps 3", "lava"),
        ("compare model.safetensors --data digits", "train"),
        ("demo", "train"),
        ("demo --quick --report r.html", "train"),
    ],
)
def test_minimal_install__every_command_works_or_names_the_extra_in_one_line(folder, line, extra):
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *line.split()], cwd=folder, capture_output=True, text=True
    )
    if extra is None:
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 2
    said = [one for one in done.stderr.splitlines() if "compiling" not in one]
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert f"the extra {extra!r}" in said[0]


def test_extras__are_those_of_the_distribution():
    listed = metadata.metadata("ssdp-neuro").get_all("Provides-Extra")
    assert set(EXTRAS.values()) == set(listed)
