"""Follow the events of a sensor while they come, and see which way something moves.

The recording is made here: a bar that crosses a sensor of 8 columns to the right and then back,
5 ms a column, among noise. Its events come in packets of 10 ms. Delays make the events of all
columns arrive at once at the neuron of their direction, and one by one at the other.

Prints:

    46 ms: to the right
    136 ms: to the left
    156 spikes of 156 events in 200 steps
    one whole run sees 156 spikes, and moves at 46 and 136 ms
"""

from collections.abc import Iterator

import numpy as np

from hw_models import FixedPointNetwork, InputPopulation, LifPopulation, SparseProjection
from ssdp_neuro import Session, simulate

HEIGHT, WIDTH = 6, 8
EVENT = np.dtype([("t", np.int64), ("x", np.int16), ("y", np.int16), ("p", bool)])
COLUMN_MS, STEP_US = 5, 1000


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
