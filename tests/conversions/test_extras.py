import subprocess
import sys

import pytest

WITHOUT = "import sys; sys.modules['{module}'] = None; {use}"


@pytest.mark.parametrize(
    ("module", "use", "command"),
    [
        ("torch", "import conversions; conversions.from_torch", 'pip install "ssdp-neuro[train]"'),
        ("torch", "import ssdp_neuro.training", 'pip install "ssdp-neuro[train]"'),
        (
            "sklearn",
            "from ssdp_neuro.data import DataSettings, load; load(DataSettings(name='digits'))",
            'data set digits needs scikit-learn: pip install "ssdp-neuro[train]"',
        ),
        (
            "nir",
            "from conversions.nir.files import nir_package; nir_package()",
            'a NIR file needs nir: pip install "ssdp-neuro[nir]"',
        ),
        (
            "distributed",
            "from conversions.comparison import workers; workers._client(2, None).__enter__()",
            'needs dask: pip install "ssdp-neuro[cluster]"',
        ),
        (
            "matplotlib",
            "import ssdp_neuro; ssdp_neuro.plot.new_figure()",
            'a picture needs matplotlib: pip install "ssdp-neuro[plot]"',
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
