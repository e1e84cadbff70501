"""N-MNIST's recordings after still images: a network that a simulated camera has shown MNIST.

    python -m benchmarks.nmnist_from_images --folder FOLDER --runs RUNS
    python -m benchmarks.nmnist_from_images --folder FOLDER --runs RUNS --out benchmarks/results

FOLDER holds mnist, the four idx files, and nmnist; RUNS gets a folder for every run, which is
resumed if it was stopped and not repeated if it is there. Once a seed (with ``--before`` a few
times, taken in turn) a network learns from what a simulated camera sees of images whose
recordings are in no part, and goes on with recordings, in the end on the chip's integers. As in
``event_results`` validation samples choose the epoch, the test is measured once, in every
executor, and beside it stands a ridge classifier.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.event_report import mean_and_spread, record
from benchmarks.event_results import Case, config_for, run
from benchmarks.machine import machine
from hw_models.atomic_file import write_whole
from ssdp_neuro.data import load
from ssdp_neuro.data.formats.event_recordings import find_recordings
from ssdp_neuro.data.formats.idx_file import read_labelled_images
from ssdp_neuro.data.images import image_encoder

CASE = Case(
    title="N-MNIST, 800 + 100 recordings, after images of MNIST",
    config="nmnist_from_images_second",
    folder="nmnist",
    spans=3,
    before=Case(title="MNIST", config="nmnist_from_images", folder="mnist", spans=3),
)
NAME = "nmnist_from_images"
COMMAND = f"python -m benchmarks.{NAME} --folder FOLDER --runs RUNS --out benchmarks/results"
AT_ONCE = 100


def likeness(folder: Path) -> dict[str, float]:
    """The spikes of the training recordings, beside those of the images that they show."""
    assert CASE.before is not None
    recorded = config_for(CASE, folder, 0).data
    simulated = config_for(CASE.before, folder, 0).data
    assert recorded is not None
    assert simulated is not None
    real = load(dataclasses.replace(recorded, validation=0.0, shift=0, affine=0.0)).train
    # recording n of a part is of image n - 1 of the same part of MNIST
    files = find_recordings(recorded.folder, "train")
    numbers = np.array([int(file.match[3]) - 1 for file in files])
    images, labels = read_labelled_images(simulated.folder, "train")
    if not (labels[numbers] == real.labels).all():
        raise ValueError(f"{recorded.folder}: not the recordings of these images")
    encoder = image_encoder(simulated)
    alike, of_real, of_made = 0, 0, 0
    counts: list[list[np.ndarray]] = [[], []]
    for start in range(0, len(real), AT_ONCE):
        places = np.arange(start, min(start + AT_ONCE, len(real)))
        seen = real.spikes(places)
        made = encoder(images[numbers[places], None], numbers[places], 0)
        alike += int((seen & made).sum())
        of_real, of_made = of_real + int(seen.sum()), of_made + int(made.sum())
        for kept, spikes in zip(counts, (seen, made), strict=True):
            kept.append(spikes.sum(axis=1).ravel())
    return {
        "recordings": len(real),
        "latest image": int(numbers.max()),
        "first image learned from": simulated.train_from,
        "spikes of a recording": of_real / len(real),
        "spikes of its image": of_made / len(real),
        "recorded spikes that are simulated": alike / of_real,
        "simulated spikes that are recorded": alike / of_made,
        "correlation of counts": float(np.corrcoef(*map(np.concatenate, counts))[0, 1]),
    }


def told(found: dict[str, Any], alike: dict[str, float]) -> str:
    """What the record says about the images."""
    before = found["before"]
    tested = mean_and_spread([one["test_accuracy"] for one in before])
    seeds = ", ".join(str(one["config"]["training"]["seed"]) for one in before)
    seconds = float(np.mean([one["seconds"] for one in before]))
    return (
        "\n## The images before\n\n"
        f"`examples/configs/{NAME}.toml`, seeds {seeds}, which those of the recordings take in"
        f" turn, {seconds:.0f} s each (the machine shared):"
        f" images {alike['first image learned from']} to 59999 of MNIST's training part; the"
        f" recordings are of images 0 to {alike['latest image']} and of the first 100 test images."
        f" Of MNIST's test images, simulated, {tested} % are recognised in real numbers.\n\n"
        f"Simulated from the images of the {alike['recordings']:.0f} training recordings:"
        f" {alike['spikes of its image']:.0f} spikes a sample (the recordings"
        f" {alike['spikes of a recording']:.0f}). Of the recorded spikes"
        f" {100 * alike['recorded spikes that are simulated']:.0f} % are simulated in the same"
        f" step, channel and pixel; of the simulated ones"
        f" {100 * alike['simulated spikes that are recorded']:.0f} % are recorded; counts of inputs"
        f" correlate by {alike['correlation of counts']:.3f}.\n"
    )


def main() -> None:
    """Train, compare, print, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="of mnist and nmnist")
    parser.add_argument("--runs", type=Path, required=True, help="a folder for every run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument(
        "--before",
        type=int,
        nargs="+",
        help="seeds of the networks that images were shown to, which the others take in turn;"
        " the same as theirs if left out",
    )
    parser.add_argument("--lava", type=int, default=20, help="samples of each run for Lava")
    parser.add_argument("--out", type=Path, help="folder for the record")
    arguments = parser.parse_args()
    if arguments.out is not None:  # before the training, not after
        arguments.out.mkdir(parents=True, exist_ok=True)
    alike = likeness(arguments.folder)
    found = run(
        CASE,
        arguments.folder,
        arguments.runs,
        arguments.seeds,
        arguments.lava,
        arguments.before,
    )
    where = machine()
    text = record([found], where, title="N-MNIST after still images", command=COMMAND)
    text += told(found, alike)
    print(text)
    if arguments.out is not None:
        stem = arguments.out / f"{NAME}_{where['date']}"
        write_whole(stem.with_suffix(".md"), text.encode())
        table = {"machine": where, "likeness": alike, "cases": [found]}
        write_whole(stem.with_suffix(".json"), (json.dumps(table, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
