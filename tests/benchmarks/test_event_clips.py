"""Clips of a camera followed event by event, each spike as of the whole; tiny recordings."""

import json
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from torch import nn

from benchmarks import event_clips
from conversions import from_torch
from ssdp_neuro import simulate
from ssdp_neuro.training import SpikingNetwork
from tests.ssdp_neuro.training.models import dense_model


def clip(number):
    """A bar that crosses the sensor as the number says, over and over; 40 bits an event."""
    rng = np.random.default_rng(number)
    t = np.sort(rng.integers(0, 1_450_000, 20_000))
    along = (t // 2000 * (1 if number % 2 else -1) * 3) % 128
    across = rng.integers(12 * number, 12 * number + 8, t.size)
    raw = np.zeros((t.size, 5), dtype=np.uint8)
    raw[:, 0], raw[:, 1] = along, across
    raw[:, 2] = (rng.integers(0, 2, t.size) << 7) | (t >> 16)
    raw[:, 3], raw[:, 4] = t >> 8 & 255, t & 255
    return raw.tobytes()


@pytest.fixture
def clips(tmp_path):
    with zipfile.ZipFile(tmp_path / "clips.zip", "w") as archive:
        for number in range(1, 11):
            archive.writestr(f"{number:02}.bin", clip(number - 1))
    return tmp_path / "clips.zip"


def test_streamed__decides_by_events_as_by_whole_windows(clips, monkeypatch, capsys, tmp_path):
    stream = tmp_path / "stream.npz"
    rng = np.random.default_rng(0)
    fields = {name: rng.integers(0, 128, 900).astype(np.uint8) for name in "xy"}
    steps = rng.integers(0, 300, 900).astype(np.uint16)
    polarities = rng.integers(0, 2, 900).astype(np.uint8)
    np.savez(stream, **fields, p=polarities, dt_us=steps, offset=[0, 500, 900])
    out = tmp_path / "records"
    out.mkdir()
    monkeypatch.setattr(event_clips, "EVERY_US", 60_000)  # fewer windows to train on
    words = ["event_clips", str(clips), "--seeds", "0", "--stream", str(stream), "--out", str(out)]
    monkeypatch.setattr("sys.argv", words)
    event_clips.main()
    assert "equal those of whole windows" in capsys.readouterr().out
    assert len(list(out.iterdir())) == 2
    told = json.loads(next(out.glob("*.json")).read_text(encoding="utf-8"))
    assert told["equal"]
    assert told["right"]["200"][0] > 60  # chance 10
    assert told["pace"]["MNIST-DVS"]["events"] == 900


def test_streamed__however_the_packets_are_cut(clips):
    events = event_clips.clips(clips)[3]
    model = dense_model((512, 20, 10), gain=6.0)
    layers = [("flatten", nn.Flatten()), *model.named_children()]
    network = from_torch(SpikingNetwork(OrderedDict(layers), input_shape=(2, 16, 16)))[0]
    once = event_clips.window(events, 900_000)
    spikes = event_clips.binned_events(once, 20, step_us=10_000, sensor=(2, 16, 16))
    whole = simulate(network, spikes[None], 20).raster("output")[0]
    assert whole.any()
    assert (event_clips.streamed(network, once) == whole).all()
    late = once.copy()
    late["t"] += 10_000  # a step later, so no longer the same
    assert not (event_clips.streamed(network, late) == whole).all()
