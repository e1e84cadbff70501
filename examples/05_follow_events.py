"""Follow the events of a sensor while they come, and see which way something moves.

The recording is made here: a bar that crosses a sensor of 8 columns to the right and then back,
5 ms a column, among noise. Its events come in packets of 10 ms. Delays make the events of all
columns arrive at once at the neuron of their direction, and one by one at the other.

Then a network without delays is trained on such bars in the chip's integers, and follows the
events of new ones packet by packet; its answer is the class of most spikes so far.

Prints:

    46 ms: to the right
    136 ms: to the left
    156 spikes of 156 events in 200 steps
    one whole run sees 156 spikes, and moves at 46 and 136 ms
    trained: of 20 new bars 10 are known after 10 ms (chance), 20 after 40 ms
"""

from collections.abc import Iterator

import numpy as np

from conversions import from_torch
from hw_models import FixedPointNetwork, InputPopulation, LifPopulation, SparseProjection
from ssdp_neuro import Session, simulate
from ssdp_neuro.data import SpikeDataset, from_arrays
from ssdp_neuro.training import config_of, fit

HEIGHT, WIDTH = 6, 8
EVENT = np.dtype([("t", np.int64), ("x", np.int16), ("y", np.int16), ("p", bool)])
COLUMN_MS, STEP_US = 5, 1000
BAR_STEPS, BAR_STEP_US = 10, 5000  # of the trained network


def recording(rng: np.random.Generator) -> np.ndarray:
    """Times in microseconds, as cameras give them."""
    columns = np.concatenate([np.arange(WIDTH), np.arange(WIDTH)[::-1]])
    begins = 1000 * COLUMN_MS * np.arange(2 * WIDTH) + np.repeat([10_000, 60_000], WIDTH)
    events = np.zeros(2 * WIDTH * HEIGHT + 60, dtype=EVENT)
    bar, noise = events[:-60], events[-60:]
    bar["x"], bar["y"] = np.repeat(columns, HEIGHT), np.tile(np.arange(HEIGHT), 2 * WIDTH)
    bar["t"] = np.repeat(begins, HEIGHT) + rng.integers(0, 900, bar.size)
    bar["p"] = True
    for field, most in (("x", WIDTH), ("y", HEIGHT), ("t", 190_000)):
        noise[field] = rng.integers(0, most, noise.size)
    return np.sort(events, order="t")


def packets(events: np.ndarray, microseconds: int) -> Iterator[np.ndarray | int]:
    """What came in each stretch of time, and then the time itself: silence is news, too."""
    for start in range(0, 200_000, microseconds):
        stretch = (events["t"] >= start) & (events["t"] < start + microseconds)
        yield events[stretch]
        yield start + microseconds


def network() -> FixedPointNetwork:
    """Two neurons that each listen to the brighter pixels of all columns, with delays."""
    channel, _, column = np.indices((2, HEIGHT, WIDTH)).reshape(3, -1)
    pixels = np.flatnonzero(channel == 1)
    late = COLUMN_MS * (WIDTH - 1 - column[pixels])  # the first columns of a way to the right
    early = COLUMN_MS * column[pixels]
    synapses = SparseProjection(
        source="eye",
        target="way",
        pre=np.concatenate([pixels, pixels]),
        post=np.repeat([0, 1], pixels.size),
        weights=np.full(2 * pixels.size, 10),
        delays=np.concatenate([late, early]),
    )
    way = LifPopulation(
        name="way", shape=(2,), current_decay=4095, voltage_decay=3000, threshold=300
    )
    eye = InputPopulation(name="eye", shape=(2, HEIGHT, WIDTH))
    return FixedPointNetwork(populations=[eye, way], projections=[synapses])


def bar(rng: np.random.Generator, way: int) -> np.ndarray:
    """A bar that begins within 8 ms and moves to the right (0) or left (1), among noise."""
    events = np.zeros(WIDTH * HEIGHT + 20, dtype=EVENT)
    moving, noise = events[:-20], events[-20:]
    moving["x"] = np.repeat(np.arange(WIDTH)[:: -1 if way else 1], HEIGHT)
    moving["y"] = np.tile(np.arange(HEIGHT), WIDTH)
    moving["t"] = np.repeat(1000 * COLUMN_MS * np.arange(WIDTH), HEIGHT) + rng.integers(8000)
    moving["t"] += rng.integers(0, 900, moving.size)
    moving["p"] = True
    for field, most in (("x", WIDTH), ("y", HEIGHT), ("t", BAR_STEPS * BAR_STEP_US)):
        noise[field] = rng.integers(0, most, noise.size)
    return np.sort(events, order="t")


def bars(rng: np.random.Generator, n_samples: int) -> SpikeDataset:
    """Bars in steps, to be trained on."""
    labels = np.arange(n_samples) % 2
    spikes = np.zeros((n_samples, BAR_STEPS, 2, HEIGHT, WIDTH), dtype=bool)
    for sample, way in zip(spikes, labels, strict=True):
        events = bar(rng, way)
        sample[events["t"] // BAR_STEP_US, events["p"].astype(int), events["y"], events["x"]] = True
    return from_arrays(spikes, labels)


def trained(rng: np.random.Generator) -> FixedPointNetwork:
    """Sixteen hidden neurons, the last epochs on the chip's own integers."""
    model = {"hidden": [16], "voltage_decay": 512, "quantize_from_epoch": 8}
    training = {"epochs": 12, "batch_size": 20, "threads": 1}
    rate = {"learning_rate": 5e-3}
    config = config_of({"model": model, "optimizer": rate, "training": training})
    return from_torch(fit(config, data=bars(rng, 200), show_progress=False).model)[0]


def answers(network: FixedPointNetwork, events: np.ndarray) -> list[int]:
    """The way after each packet of a bar; packets are a step long."""
    session = Session(network)
    steps = range(1, BAR_STEPS + 1)
    edges = np.searchsorted(events["t"], [0, *(BAR_STEP_US * step for step in steps)])
    stretches = zip(edges, edges[1:], steps, strict=False)
    sent = (p for low, high, step in stretches for p in (events[low:high], BAR_STEP_US * step))
    parts = session.stream(sent, time_per_step=BAR_STEP_US)
    spikes = np.concatenate([part.raster("output") for part in parts])
    return spikes.cumsum(0).argmax(1).tolist()


events = recording(np.random.default_rng(0))
session = Session(network())
n_seen = 0
for part in session.stream(packets(events, 10_000), time_per_step=STEP_US):
    n_seen += part.counts.spikes["eye"]
    for step, neuron in part.events("way").tolist():
        at = session.n_steps - part.n_steps + step
        print(f"{at} ms: to the {('right', 'left')[neuron]}")
print(f"{n_seen} spikes of {events.size} events in {session.n_steps} steps")

in_steps = events.copy()
in_steps["t"] //= STEP_US
whole = simulate(network(), in_steps, n_steps=session.n_steps)
print("one whole run sees", whole.counts.spikes["eye"], "spikes, and moves at", end=" ")
print(*whole.events("way")["step"].tolist(), sep=" and ", end=" ms\n")

rng = np.random.default_rng(0)
learned = trained(rng)
ways = [number % 2 for number in range(20)]
told = np.array([answers(learned, bar(rng, way))[:BAR_STEPS] for way in ways])
known = (told == np.array(ways)[:, None]).sum(0)  # after each step
print(f"trained: of {len(ways)} new bars {known[1]} are known after 10 ms (chance),", end=" ")
print(f"{known[7]} after 40 ms")
