import sys
from pathlib import Path

import numpy as np
import pytest

from conversions import LavaExecution, run_lava, to_lava
from hw_models import (
    DenseProjection,
    ExecutorError,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    MissingExtraError,
    RangeError,
    ShapeError,
    TypeMismatchError,
    UnknownNameError,
)
from ssdp_neuro.oracle.simulate import simulate as oracle

pytestmark = pytest.mark.lava

NETWORK = FixedPointNetwork(
    populations=[
        InputPopulation(name="in", shape=(3,)),
        LifPopulation(name="out", shape=(2,), current_decay=500, voltage_decay=100, threshold=60),
    ],
    projections=[
        DenseProjection(source="in", target="out", weights=[[50, 30, -9], [20, 60, 5]]),
    ],
)
SPIKES = np.random.default_rng(1).random((4, 15, 3)) < 0.4


def test_run_lava__starts_every_sample_afresh():
    batch = run_lava(NETWORK, SPIKES, 15, execution=LavaExecution.DIRECT)
    assert batch.n_samples == 4
    for number, spikes in enumerate(SPIKES):
        alone = run_lava(NETWORK, spikes, 15, execution=LavaExecution.DIRECT)
        assert alone.n_samples is None
        assert alone.raster("out").tolist() == batch.raster("out")[number].tolist()
    assert batch.raster("out").any()


def test_run_lava__says_what_it_counted():
    result = run_lava(NETWORK, SPIKES, 15, execution=LavaExecution.DIRECT)
    expected = oracle(NETWORK, SPIKES, n_steps=15)
    assert result.counts == expected.counts
    assert (result.executor, result.probes) == ("lava", {})


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"network": "net.h5"}, TypeMismatchError, "FixedPointNetwork is needed"),
        ({"execution": "direct"}, TypeMismatchError, "LavaExecution is needed"),
        ({"timeout_s": 0}, RangeError, "timeout_s: 0"),
        ({"timeout_s": float("nan")}, RangeError, "timeout_s: nan"),
        ({"n_steps": 0}, RangeError, "allowed 1.."),
        ({"n_steps": 14}, ShapeError, "allowed"),
        ({"probes": [("in", "u")]}, InputError, "LIF populations"),
        ({"probes": [("nobody", "u")]}, UnknownNameError, "nobody"),
    ],
    ids=str,
)
def test_run_lava__refuses(change, error, says):
    arguments = {"network": NETWORK, "spikes": SPIKES, "n_steps": 15, **change}
    with pytest.raises(error, match=says):
        run_lava(**arguments)


def processes_that_mention(text):
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in path.read_bytes():
                yield path
        except OSError:  # it has just ended
            continue


def test_run_lava__ends_what_hangs_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    n_steps = 200_000  # minutes in Lava's runtime
    with pytest.raises(ExecutorError, match=r"did not finish sample 0 of 1 within 3\.0 s"):
        run_lava(NETWORK, None, n_steps, timeout_s=3.0)
    assert list(processes_that_mention(str(tmp_path))) == []
    assert list(tmp_path.iterdir()) == []


def test_run_lava__says_how_the_interpreter_failed(tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho no room on the chip >&2\nexit 7\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(ExecutorError, match="exit status 7 after 0 of 4 samples") as caught:
        run_lava(NETWORK, SPIKES, 15)
    assert "no room on the chip" in str(caught.value)


def test_run_lava__names_the_command_if_lava_is_missing(tmp_path, monkeypatch):
    (tmp_path / "lava.py").write_text("")  # something else of that name comes first
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match=r"pip install .* lava-nc==0\.10\.0"):
        run_lava(NETWORK, SPIKES, 15)


def test_to_lava__names_its_processes():
    model = to_lava(NETWORK, SPIKES[0], n_steps=15)
    assert {name: type(process).__name__ for name, process in model.populations.items()} == {
        "out": "LIF"
    }
    assert list(model.projections) == ["in->out"]
    assert model.projections["in->out"].name == "in->out"
    assert model.sources["in"].data.init.tolist() == SPIKES[0].T.astype(int).tolist()
    assert len(model.processes) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"spikes": SPIKES[0]}, "n_steps is needed"),
        ({"spikes": SPIKES, "n_steps": 15}, "batch of 4 samples"),
    ],
)
def test_to_lava__refuses(arguments, says):
    with pytest.raises(InputError, match=says):
        to_lava(NETWORK, **arguments)


def test_to_lava__has_one_source_for_an_input():
    silent = to_lava(NETWORK, n_steps=5)
    assert not silent.sources["in"].data.init.any()
    with pytest.raises(InputError, match="has a source already"):
        silent.connect_input("in", silent.sources["in"].s_out)
    with pytest.raises(UnknownNameError, match="not an input population"):
        silent.connect_input("out", silent.sources["in"].s_out)
    with pytest.raises(UnknownNameError, match="there are 'out'"):
        silent.record_spikes("in", 5)
