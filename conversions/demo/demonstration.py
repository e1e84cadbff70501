"""The demo from beginning to end: train, convert, run, compare with Lava, learn."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from conversions.demo.demo_result import ChipLearning, DemoResult, Example, LatencyAccuracy
from conversions.demo.latency_study import FLAT, learned_accuracy, ridge_accuracy
from conversions.demo.lava_check import compare_with_lava, require_lava
from conversions.demo.settings import DemoSettings
from conversions.pytorch.model_conversion import from_torch
from conversions.quantization import ScaleForm
from hw_models import FixedPointNetwork
from ssdp_neuro import Teaching, learn, simulate
from ssdp_neuro.data import (
    DataSplit,
    EncodedImages,
    SpikeDataset,
    Subset,
    few_of_each,
    load,
    split_of_classes,
    to_arrays,
)
from ssdp_neuro.dataset_run import decisions
from ssdp_neuro.decision import ClassAccuracy, accuracy, class_accuracy, first_spikes
from ssdp_neuro.rules.plastic_readout import with_plastic_readout

OUTPUT = "output"
LATENCY_CONDITIONS: Mapping[str, tuple[Callable[..., float], dict[str, Any]]] = {
    "latency kernel, codes of 8 bits": (learned_accuracy, {}),
    "latency kernel, codes of 3 bits": (learned_accuracy, {"bits": 3}),
    "flat kernel": (learned_accuracy, {"sigma": FLAT}),
    "shuffled latencies": (learned_accuracy, {"shuffled": True}),
    "ridge regression on who fired": (ridge_accuracy, {}),
    "ridge regression on the latencies": (ridge_accuracy, {"latencies": True}),
}
Say = Callable[[str], None]


def run_demo(
    settings: DemoSettings,
    *,
    say: Say = lambda line: None,
    show_progress: bool = False,
    save_to: Path | None = None,
) -> DemoResult:
    """Do what the demo does.

    Parameters
    ----------
    settings
        Sizes and seed.
    say
        Called with a line of text before each part.
    show_progress
        Whether training shows a progress bar (on stderr).
    save_to
        Folder for the model, the networks and the held-out digits; made if missing.

    Raises
    ------
    MissingExtraError
        If PyTorch, scikit-learn or Lava is not installed.
    """
    require_lava()
    if save_to is not None:
        save_to.mkdir(parents=True, exist_ok=True)
    from ssdp_neuro.training import fit

    clock = _Clock(say)
    n_trained = settings.n_trained_classes
    with clock("training", f"Training on digits 0-{n_trained - 1} with surrogate gradients"):
        split = load(settings.data)
        old = split_of_classes(split, range(n_trained))
        trained = fit(settings.training, data=old, show_progress=show_progress)

    with clock("conversion", "Converting to 8-bit weights and integer neurons"):
        known = Subset(
            dataset=old.train, places=np.arange(len(old.train))[: settings.n_calibration]
        )
        network, conversion = from_torch(
            trained.model, calibration=to_arrays(known), scales=ScaleForm.LAYER
        )

    assert trained.test_accuracy is not None  # the split has a test
    held_out = split.test
    with clock("engine", f"Running {len(old.test)} held-out digits in the engine"):
        accuracy_fixed = accuracy(decisions(network, old.test, OUTPUT), old.test.labels)

    with clock("learning", f"Learning digits {n_trained}-9 on the chip from a few samples each"):
        first_rule = settings.rule(settings.amplitudes[0])
        untaught = with_plastic_readout(network, first_rule, n_new=settings.n_new_classes)
        before = _class_accuracy(untaught, held_out, settings)
        learning = []
        learned = untaught
        for shots in sorted(settings.shots):
            learned, found = _teach(untaught, split, shots, True, settings)
            learning.append(found)
        _, found = _teach(untaught, split, max(settings.shots), False, settings)
        learning.append(found)

    with clock("lava", "Running the same networks in Lava, its runtime included"):
        spikes, _ = to_arrays(held_out)
        lava = compare_with_lava([untaught, learned], spikes, settings)

    with clock("latencies", "Learning three classes that differ only in when inputs fire"):
        first = settings.seed * settings.n_latency_seeds
        latency = tuple(
            LatencyAccuracy(
                condition=condition,
                shares=tuple(
                    measure(first + place, **options) for place in range(settings.n_latency_seeds)
                ),
            )
            for condition, (measure, options) in LATENCY_CONDITIONS.items()
        )

    if save_to is not None:
        _save(save_to, trained.model, network, learned, old, split)
    run = simulate(learned, spikes, n_steps=settings.n_steps)
    latencies = {name: first_spikes(run.raster(name)) for name in run.populations}
    return DemoResult(
        settings=settings,
        n_held_out=(len(old.test), len(held_out)),
        accuracy_float=trained.test_accuracy,
        accuracy_fixed=accuracy_fixed,
        conversion=conversion,
        lava=lava,
        before=before,
        learning=tuple(learning),
        example=_example(untaught, learned, held_out, settings),
        first_spikes={k: v[v < settings.n_steps] for k, v in latencies.items()},
        latencies=latency,
        seconds=clock.seconds_with_total(),
    )


class _Clock:
    """Says what begins, and keeps how long it took."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._started = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, part: str, line: str) -> Iterator[None]:
        self._say(f"{line} ...")
        began = time.perf_counter()
        yield
        self._seconds[part] = time.perf_counter() - began

    def seconds_with_total(self) -> dict[str, float]:
        """Seconds by part, and from the beginning until now."""
        return {**self._seconds, "total": time.perf_counter() - self._started}


def _class_accuracy(
    network: FixedPointNetwork, digits: SpikeDataset, settings: DemoSettings
) -> ClassAccuracy:
    decided = decisions(network, digits, OUTPUT)
    return class_accuracy(decided, digits.labels, settings.n_trained_classes)


def _teach(
    untaught: FixedPointNetwork,
    split: DataSplit,
    shots: int,
    rehearse: bool,
    settings: DemoSettings,
) -> tuple[FixedPointNetwork, ChipLearning]:
    """Learn from a few samples of each new class and, to rehearse them, of each old one."""
    shown: SpikeDataset = few_of_each(split.train, shots, seed=settings.seed)
    if not rehearse:
        new = shown.labels >= settings.n_trained_classes
        shown = Subset(dataset=shown, places=np.flatnonzero(new))
    spikes, labels = to_arrays(shown)
    network, n_seen, n_updates = untaught, 0, 0
    for amplitude in settings.amplitudes:
        result = learn(
            with_plastic_readout(network, settings.rule(amplitude)),
            spikes,
            Teaching(
                labels=labels,
                seed=settings.seed,
                epochs=settings.learning_epochs,
                first_sample=n_seen,
            ),
            n_steps=settings.n_steps,
            progress=False,
        )
        network, n_seen = result.network, result.next_sample
        n_updates += result.n_updates
    return network, ChipLearning(
        shots=shots,
        rehearsed=rehearse,
        accuracy=_class_accuracy(network, split.test, settings),
        n_updates=n_updates,
    )


def _example(
    before: FixedPointNetwork,
    after: FixedPointNetwork,
    digits: SpikeDataset,
    settings: DemoSettings,
) -> Example:
    """The first digit of a new class that learning set right; else the first of one."""
    assert isinstance(digits, EncodedImages)
    places = np.flatnonzero(digits.labels >= settings.n_trained_classes)
    new = Subset(dataset=digits, places=places)
    right = decisions(after, new, OUTPUT) == new.labels
    place = int(places[np.argmax(right)])
    spikes = digits.spikes([place])[0]
    run = simulate(after, spikes, n_steps=settings.n_steps)
    return Example(
        image=digits.images[place, 0] / 255,
        label=int(digits.labels[place]),
        rasters={name: run.raster(name) for name in run.populations},
        before=simulate(before, spikes, n_steps=settings.n_steps).raster(OUTPUT),
    )


def _save(
    folder: Path,
    model: Any,
    network: FixedPointNetwork,
    learned: FixedPointNetwork,
    old: DataSplit,
    split: DataSplit,
) -> None:
    """Write what the other commands can go on with."""
    import io

    from hw_models import save
    from hw_models.atomic_file import write_whole
    from ssdp_neuro.training import save_model

    save_model(model, folder / "digits.safetensors", code=old.code)
    save(network, folder / "digits.h5", code=old.code)
    save(learned, folder / "digits_learned.h5", code=split.code)
    buffer = io.BytesIO()
    spikes, labels = to_arrays(split.test)
    np.savez_compressed(buffer, spikes=spikes, labels=labels)
    write_whole(folder / "held_out.npz", buffer.getvalue())
