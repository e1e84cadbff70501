"""The demo from beginning to end: train, convert, run, compare with Lava, learn."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from conversions.demo.digits_task import SpikingDigits, spiking_digits, train
from conversions.demo.lava_check import compare_with_lava, require_lava
from conversions.demo.lesson_plan import lesson
from conversions.demo.result import ClassAccuracy, DemoResult, Example, Lesson
from conversions.demo.settings import DemoSettings
from conversions.pytorch.conversion import from_torch
from conversions.quantization import ScaleForm
from hw_models import FixedPointNetwork
from ssdp_neuro import learn, simulate
from ssdp_neuro.decision import accuracy, decide, first_spikes
from ssdp_neuro.rules.plastic_readout import with_plastic_readout

if TYPE_CHECKING:
    from ssdp_neuro.training import SpikingNetwork

OUTPUT = "output"
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
    from ssdp_neuro.training import load_digits

    clock = _Clock(say)
    n_trained = settings.n_trained_classes
    with clock("training", f"Training on digits 0-{n_trained - 1} with surrogate gradients"):
        split = load_digits(settings.seed)
        train_digits = spiking_digits(split.train, settings)
        held_out = spiking_digits(split.held_out, settings)
        old = train_digits.of_classes(0, n_trained)
        model = train(old, settings, show_progress=show_progress)

    with clock("conversion", "Converting to 8-bit weights and integer neurons"):
        known = old.take(slice(0, settings.n_calibration))
        network, conversion = from_torch(
            model, calibration=(known.spikes, known.labels), scales=ScaleForm.LAYER
        )

    old_held_out = held_out.of_classes(0, n_trained)
    with clock("engine", f"Running {len(old_held_out.labels)} held-out digits in the engine"):
        accuracy_float = accuracy(model.decide(old_held_out.spikes), old_held_out.labels)
        accuracy_fixed = accuracy(_decisions(network, old_held_out), old_held_out.labels)

    with clock("learning", f"Learning digits {n_trained}-9 on the chip from a few samples each"):
        first_rule = settings.rule(settings.amplitudes[0])
        untaught = with_plastic_readout(network, first_rule, n_new=settings.n_new_classes)
        before = _class_accuracy(untaught, held_out, settings)
        lessons = []
        learned = untaught
        for shots in sorted(settings.shots):
            learned, found = _teach(untaught, train_digits, held_out, shots, True, settings)
            lessons.append(found)
        _, found = _teach(untaught, train_digits, held_out, max(settings.shots), False, settings)
        lessons.append(found)

    with clock("lava", "Running the same networks in Lava, its runtime included"):
        lava = compare_with_lava([untaught, learned], held_out.spikes, settings)

    if save_to is not None:
        _save(save_to, model, network, learned, held_out)
    run = simulate(learned, held_out.spikes, n_steps=settings.n_steps)
    latencies = {name: first_spikes(run.raster(name)) for name in run.populations}
    return DemoResult(
        settings=settings,
        n_held_out=(len(old_held_out.labels), len(held_out.labels)),
        accuracy_float=accuracy_float,
        accuracy_fixed=accuracy_fixed,
        conversion=conversion,
        lava=lava,
        before=before,
        lessons=tuple(lessons),
        example=_example(untaught, learned, held_out, split.held_out.images, settings),
        first_spikes={k: v[v < settings.n_steps] for k, v in latencies.items()},
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


def _decisions(network: FixedPointNetwork, digits: SpikingDigits) -> np.ndarray:
    run = simulate(network, digits.spikes, n_steps=digits.spikes.shape[1])
    return decide(run.raster(OUTPUT))


def _class_accuracy(
    network: FixedPointNetwork, digits: SpikingDigits, settings: DemoSettings
) -> ClassAccuracy:
    decided = _decisions(network, digits)
    old = digits.labels < settings.n_trained_classes
    return ClassAccuracy(
        everything=accuracy(decided, digits.labels),
        trained=accuracy(decided[old], digits.labels[old]),
        new=accuracy(decided[~old], digits.labels[~old]),
    )


def _teach(
    untaught: FixedPointNetwork,
    digits: SpikingDigits,
    held_out: SpikingDigits,
    shots: int,
    rehearse: bool,
    settings: DemoSettings,
) -> tuple[FixedPointNetwork, Lesson]:
    shown = lesson(digits, shots, settings, rehearse=rehearse)
    network, n_seen, n_updates = untaught, 0, 0
    for amplitude in settings.amplitudes:
        result = learn(
            with_plastic_readout(network, settings.rule(amplitude)),
            shown.spikes,
            shown.labels,
            n_steps=settings.n_steps,
            seed=settings.seed,
            epochs=settings.learning_epochs,
            first_sample=n_seen,
            progress=False,
        )
        network, n_seen = result.network, result.next_sample
        n_updates += result.n_updates
    return network, Lesson(
        shots=shots,
        rehearsed=rehearse,
        accuracy=_class_accuracy(network, held_out, settings),
        n_updates=n_updates,
    )


def _example(
    before: FixedPointNetwork,
    after: FixedPointNetwork,
    digits: SpikingDigits,
    images: np.ndarray,
    settings: DemoSettings,
) -> Example:
    """The first digit of a new class that learning set right; else the first of one."""
    places = np.flatnonzero(digits.labels >= settings.n_trained_classes)
    right = _decisions(after, digits.take(places)) == digits.labels[places]
    place = int(places[np.argmax(right)])
    spikes = digits.spikes[place]
    run = simulate(after, spikes, n_steps=settings.n_steps)
    return Example(
        image=images[place],
        label=int(digits.labels[place]),
        rasters={name: run.raster(name) for name in run.populations},
        before=simulate(before, spikes, n_steps=settings.n_steps).raster(OUTPUT),
    )


def _save(
    folder: Path,
    model: SpikingNetwork,
    network: FixedPointNetwork,
    learned: FixedPointNetwork,
    held_out: SpikingDigits,
) -> None:
    """Write what the other commands can go on with."""
    import io

    from hw_models import save
    from hw_models.atomic_file import write_whole
    from ssdp_neuro.training import save_model

    save_model(model, folder / "digits.safetensors")
    save(network, folder / "digits.h5")
    save(learned, folder / "digits_learned.h5")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, spikes=held_out.spikes, labels=held_out.labels)
    write_whole(folder / "held_out.npz", buffer.getvalue())
