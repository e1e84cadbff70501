"""A gesture as it comes from the camera: events, a trained network, the engine, a class over time.

    python -m benchmarks.event_clips CLIPS
    python -m benchmarks.event_clips CLIPS --stream MNIST_DVS --out benchmarks/results

CLIPS is a zip file with a clip of each of ten gestures of DVS128 Gesture, 01.bin to 10.bin, in
N-MNIST's 40 bits an event. Windows of 0.2 s from the first 0.9 s of every clip train a network
in the chip's integers, the rest is the test: its events go into a ``Session`` packet by packet as
the camera would send them, no frame is made, and what the network decides as time goes on is
compared with the same windows given whole. Test and training are the same person in the same
clip, so this shows the way of the events, and no accuracy on gestures of others. MNIST_DVS is an
``.npz`` with x, y, p, dt_us and offset of recordings of the same size, which only have to be
followed, for the time that takes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.event_report import mean_and_spread
from benchmarks.machine import machine
from conversions import from_torch
from hw_models import FixedPointNetwork
from hw_models.atomic_file import write_whole
from ssdp_neuro import Session, simulate
from ssdp_neuro.data import SpikeDataset, from_arrays
from ssdp_neuro.data.formats.event_recordings import EVENTS, binned_events, decode_events
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.training import config_of, fit

SENSOR, POOL = (2, 128, 128), 8
N_CLIPS, N_STEPS, STEP_US = 10, 20, 10_000
WINDOW_US = N_STEPS * STEP_US
TRAIN_END_US, TEST_BEGIN_US, CLIP_END_US = 900_000, 900_000, 1_450_000
EVERY_US, TEST_EVERY_US = 25_000, 50_000
AFTER = (5, 10, 15, 20)  # steps
NAME, OUTPUT = "event_clips", "output"


def clips(path: Path) -> list[np.ndarray]:
    """Events of each clip, at a resolution of the sensor divided by POOL."""
    with zipfile.ZipFile(path) as archive:
        names = [f"{number:02}.bin" for number in range(1, N_CLIPS + 1)]
        found = [decode_events(archive.read(name), name, SENSOR) for name in names]
    for events in found:
        events["x"] //= POOL
        events["y"] //= POOL
    return found


def starts(begin: int, end: int, every: int) -> list[int]:
    """Of the windows that lie in a stretch of time, microseconds."""
    return list(range(begin, end - WINDOW_US + 1, every))


def window(events: np.ndarray, start: int) -> np.ndarray:
    """The events of a window, its beginning at 0."""
    inside = events[(events["t"] >= start) & (events["t"] < start + WINDOW_US)].copy()
    inside["t"] -= start
    return inside


def windows(found: list[np.ndarray], begins: list[int]) -> SpikeDataset:
    """Each clip's windows as spikes, labelled by the clip."""
    small = (SENSOR[0], SENSOR[1] // POOL, SENSOR[2] // POOL)
    spikes = [
        binned_events(window(events, start), N_STEPS, step_us=STEP_US, sensor=small)
        for events in found
        for start in begins
    ]
    return from_arrays(np.array(spikes), np.repeat(np.arange(len(found)), len(begins)))


def trained(data: SpikeDataset, seed: int) -> FixedPointNetwork:
    """A network of eight-bit weights; nothing is chosen but by what was settled beforehand."""
    config = config_of(
        {
            "model": {
                "hidden": [64],
                "current_decay": 2047,
                "voltage_decay": 512,
                "sharpness": 2.0,
                "quantize_from_epoch": 15,
            },
            "optimizer": {"learning_rate": 2e-3},
            "training": {
                "epochs": 20,
                "batch_size": 32,
                "dropped_spikes": 0.3,
                "seed": seed,
                "threads": 1,
            },
        }
    )
    return from_torch(fit(config, data=data, show_progress=False).model)[0]


def packets(events: np.ndarray, every: int, n_steps: int) -> list[np.ndarray | int]:
    """Events in stretches of so many microseconds, and after each the time itself."""
    n_packets = -(-n_steps * STEP_US // every)
    edges = np.searchsorted(events["t"], every * np.arange(n_packets + 1))
    made: list[np.ndarray | int] = []
    for number, (low, high) in enumerate(itertools.pairwise(edges), 1):
        made += [events[low:high], every * number]
    return made


def streamed(network: FixedPointNetwork, events: np.ndarray, n_steps: int = N_STEPS) -> np.ndarray:
    """Output spikes ``(n_steps, classes)`` of events that come in packets of a step."""
    parts = Session(network).stream(packets(events, STEP_US, n_steps), time_per_step=STEP_US)
    return np.concatenate([part.raster(OUTPUT) for part in parts])[:n_steps]


def recordings(path: Path) -> list[np.ndarray]:
    """Events of each recording of MNIST-DVS, at the resolution of the clips."""
    with np.load(path) as file:
        offset, times = file["offset"], file["dt_us"].astype(np.int64)
        made = []
        for low, high in itertools.pairwise(offset.tolist()):
            events = np.empty(high - low, dtype=EVENTS)
            for field in "xy":
                events[field] = file[field][low:high] // POOL
            events["p"], events["t"] = file["p"][low:high], np.cumsum(times[low:high])
            made.append(events)
    return made


def pace(network: FixedPointNetwork, found: list[np.ndarray]) -> dict[str, Any]:
    """Events and recorded seconds in a second of processor time, packets of a step each."""
    streamed(network, found[0])  # kernels are compiled, or loaded
    n_events = n_steps = 0
    began = time.process_time()
    for events in found:
        steps = int(events["t"][-1]) // STEP_US + 1
        streamed(network, events, steps)
        n_events, n_steps = n_events + len(events), n_steps + steps
    seconds = time.process_time() - began
    return {
        "events": n_events,
        "recorded_seconds": n_steps * STEP_US / 1e6,
        "events_per_second": n_events / seconds,
        "times_real_time": n_steps * STEP_US / 1e6 / seconds,
    }


def measured(path: Path, seeds: list[int], stream: Path | None) -> dict[str, Any]:
    """Accuracy after parts of a window, whether whole windows spike alike, and the pace."""
    found, begins = clips(path), starts(TEST_BEGIN_US, CLIP_END_US, TEST_EVERY_US)
    train = windows(found, starts(0, TRAIN_END_US, EVERY_US))
    test = windows(found, begins)
    each = [window(events, start) for events in found for start in begins]
    right: dict[int, list[float]] = {stop: [] for stop in AFTER}
    equal, network = True, None
    for seed in seeds:
        network = trained(train, seed)
        whole = simulate(network, test.spikes(np.arange(len(test))), N_STEPS).raster(OUTPUT)
        parts = np.array([streamed(network, events) for events in each])
        equal &= bool((parts == whole).all())
        for stop in AFTER:
            right[stop].append(100 * accuracy(decide(parts[:, :stop]), test.labels))
    assert network is not None
    paces = {"DVS128 Gesture": pace(network, found)}
    if stream is not None:
        paces["MNIST-DVS"] = pace(network, recordings(stream))
    return {
        "train": len(train),
        "test": len(test),
        "seeds": seeds,
        "right": {stop * STEP_US // 1000: values for stop, values in right.items()},
        "equal": equal,
        "pace": paces,
    }


def report(found: dict[str, Any], where: dict[str, Any]) -> str:
    """The record in Markdown."""
    lines = [
        f"# Gestures from events to classes, {where['date']}",
        "",
        f"`python -m benchmarks.{NAME} CLIPS --stream MNIST_DVS --out benchmarks/results`,"
        f" {where['cpu']}.",
        "",
        f"{N_CLIPS} clips of DVS128 Gesture, of each address the upper bits (2x16x16), windows of"
        f" 0.2 s in {N_STEPS} steps: {found['train']} of the first 0.9 s to train on,"
        f" {found['test']} of the rest to test. 512-64-10 in 8-bit integers, seeds"
        f" {', '.join(map(str, found['seeds']))}. Output spikes of events streamed packet by"
        f" packet {'equal' if found['equal'] else '**differ from**'} those of whole windows.",
        "",
        "| after | right, % (chance 10) | each seed |",
        "|---|---|---|",
    ]
    for stop, values in found["right"].items():
        each = " ".join(f"{one:.1f}" for one in values)
        lines.append(f"| {stop} ms | {mean_and_spread(values)} | {each} |")
    lines += ["", "| followed | events | seconds | events a second | times real time |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| {name} | {one['events']} | {one['recorded_seconds']:.1f} |"
        f" {one['events_per_second']:.3g} | {one['times_real_time']:.0f} |"
        for name, one in found["pace"].items()
    ]
    return "\n".join(
        [
            *lines,
            "",
            "A second is one of processor time, packets of 10 ms, reading of files left out. The"
            " test is the later part of the same clips, so the same person, camera and light: a"
            " demonstration of the way from events to a class, which says nothing about others."
            " MNIST-DVS is followed by the same network, for the time alone.",
            "",
        ]
    )


def main() -> None:
    """Train, follow the events, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--stream", type=Path, help="recordings of MNIST-DVS to follow, too")
    parser.add_argument("--out", type=Path, help="folder for the record")
    arguments = parser.parse_args()
    found, where = measured(arguments.clips, arguments.seeds, arguments.stream), machine()
    text = report(found, where)
    print(text)
    if arguments.out is not None:
        stem = arguments.out / f"{NAME}_{where['date']}"
        write_whole(stem.with_suffix(".md"), text.encode())
        told = {"machine": where, **found}
        write_whole(stem.with_suffix(".json"), (json.dumps(told, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
