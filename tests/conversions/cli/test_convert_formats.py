"""``ssdp-neuro convert`` from and to NIR, and to a Lava program."""

import json
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from conversions import BitPlanes
from conversions.cli.main import main
from conversions.nir import SNNTORCH, SpikeReset, from_nir
from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    load,
    same_record,
    save,
)
from ssdp_neuro import simulate
from ssdp_neuro.engine.random_input import random_spikes
from tests.digits_parts import digits_parts

WRITTEN = Path(__file__).parents[1] / "nir" / "written"
HOW = ("--written-by", "snntorch", "--reset", "delayed-subtract")


def small():
    rng = np.random.default_rng(3)
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(5,)),
            LifPopulation(name="hidden", shape=(4,), current_decay=4095, voltage_decay=400,
                          threshold=90, bias_mantissa=300),
            LifPopulation(name="out", shape=(3,), current_decay=1000, voltage_decay=0,
                          threshold=120, refractory=2),
        ],
        projections=[
            DenseProjection(source="in", target="hidden", weights=rng.integers(-80, 120, (4, 5))),
            DenseProjection(source="hidden", target="out", weights=rng.integers(-80, 120, (3, 4)),
                            delays=rng.integers(0, 3, (3, 4))),
        ],
    )  # fmt: skip


def run(*arguments):
    code = 0
    try:
        main(["convert", *map(str, arguments)])
    except SystemExit as exit_:
        code = exit_.code or 0
    return code


def refused(capsys, *arguments):
    assert run(*arguments) == 2
    return re.sub(r"\s+", " ", capsys.readouterr().err)


def test_convert__reads_a_nir_file(tmp_path, capsys):
    path = WRITTEN / "snntorch_dense.nir"
    report = tmp_path / "report.json"
    assert run(path, *HOW, "--out", tmp_path / "net.h5", "--report", report) == 0
    network, found = from_nir(path, discretization=SNNTORCH, reset=SpikeReset.DELAYED_SUBTRACT)
    assert same_record(load(tmp_path / "net.h5"), network)
    assert json.loads(report.read_text()) == json.loads(json.dumps(found.to_dict()))
    assert "Conversion to Loihi 2" in capsys.readouterr().out


def test_convert__to_nir_and_back_is_the_same_network(tmp_path, capsys):
    save(small(), tmp_path / "net.h5")
    assert run(tmp_path / "net.h5", "--to", "nir", "--out", tmp_path / "net.nir") == 0
    assert "refractory for 2 steps" in capsys.readouterr().out
    assert run(tmp_path / "net.nir", "--out", tmp_path / "again.h5") == 0
    assert same_record(load(tmp_path / "again.h5"), small())


@pytest.mark.lava
def test_convert__to_lava_writes_a_program_that_runs(tmp_path, capsys):
    save(small(), tmp_path / "net.h5")
    before = (tmp_path / "net.h5").read_bytes()
    assert run(tmp_path / "net.h5", "--to", "lava", "--out", tmp_path / "net.py") == 0
    assert (tmp_path / "net.h5").read_bytes() == before
    command = [sys.executable, tmp_path / "net.py", "--steps", "30"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    spikes = random_spikes(small(), 0.1, n_steps=30, n_samples=None, seed=0)
    counts = simulate(small(), spikes, n_steps=30).raster("out").sum(axis=0).astype(int)
    assert counts.any()
    assert f"out: {counts.tolist()}" in ran.stdout


@pytest.mark.kernel
def test_convert__a_nir_file_of_real_values_runs_on_their_digits(tmp_path, capsys):
    images, out = digits_parts().train.images[:32].reshape(32, 64), tmp_path / "net.h5"
    np.savez(tmp_path / "some.npz", values=images)
    given = ["--calibration", tmp_path / "some.npz", "--real-input", "0,1,4", "--steps", 6]
    assert not run(WRITTEN / "snntorch_dense.nir", "--out", out, *HOW, *given, "--json")
    planes = BitPlanes(**json.loads(capsys.readouterr().out)["real_input"])
    assert planes == BitPlanes(bits=4, name="input")
    np.savez(tmp_path / "later.npz", **planes.encode(images[:3], 6, later=2))
    with pytest.raises(SystemExit, match="0"):
        main(
            [
                "simulate",
                str(out),
                "--steps",
                "8",
                "--json",
                "--spikes",
                str(tmp_path / "later.npz"),
            ]
        )
    assert json.loads(capsys.readouterr().out)["populations"]["input.bit3"]["spikes"] > 0
    assert "'values' is needed" in refused(
        capsys, WRITTEN / "snntorch_dense.nir", "--out", out, *HOW, "--real-input", "0,1",
        "--calibration", tmp_path / "later.npz",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net.nir", "--out", "x.h5"], "NIR has no time step"),
        (["net.nir", "--out", "x.h5", "--dt", "1e-4"], "--reset"),
        (["net.nir", "--out", "net.nir"], "different files"),
        (["net.nir", "--out", "x.h5", "--input-shape", "8x8", *HOW], "integers with commas"),
        (["net.h5", "--out", "x.h5"], "net.h5: a network of ssdp-neuro already (an HDF5 file)"),
        (["net.h5", "--out", "x.nir", "--to", "nir", "--dt", "1"], "are for NIR files"),
        (["net.h5", "--out", "x.h5", "--real-input", "0;1"], "--real-input 0;1: two numbers"),
        (["net.h5", "--out", "x.nir", "--to", "nir", "--report", "x.html"], "nothing is converted"),
        (["net.h5", "--out", "x.txt", "--to", "lava"], "the ending is .py"),
        (["net.h5", "--out", "other.py", "--to", "lava"], "other.h5: exists"),
        (["foreign.h5", "--out", "x.h5"], "an HDF5 file, but not a network of ssdp-neuro or"),
        (["cut.nir", "--out", "x.h5"], "cut.nir"),
    ],
)
def test_convert__refuses_and_leaves_nothing(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    written = (WRITTEN / "snntorch_dense.nir").read_bytes()
    Path("net.nir").write_bytes(written)
    Path("cut.nir").write_bytes(written[: len(written) // 2])
    save(small(), "net.h5")
    save(small().replace(InputPopulation(name="in", shape=(5, 1))), "other.h5")
    with h5py.File("foreign.h5", "w") as file:
        file["data"] = np.zeros(3)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert message in refused(capsys, *arguments)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
