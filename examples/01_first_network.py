"""Build a network by hand, run it, look at every spike, save it, load it.

Prints:

    inputs   | . | . . . . . . . . .
             . | | . . . . . . . . .
             . . . . . | . . . . . .
    neurons  . . | | | | . | . | . .
             . . . | . | . | . | . .
    hidden: 10 spikes, first at steps [2, 3]
    u of neuron 0: [0, 5120, 7400, 14448, 12215, 10327]
    loaded network gives the same spikes: True
"""

import tempfile
from pathlib import Path

import numpy as np

from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation, load, save
from ssdp_neuro import simulate

N_STEPS = 12


def draw(raster: np.ndarray) -> str:
    rows = [" ".join("|" if spike else "." for spike in train) for train in raster.T]
    return "\n         ".join(rows)


network = FixedPointNetwork(
    populations=[
        InputPopulation(name="inputs", shape=(3,)),
        LifPopulation(
            name="hidden",
            shape=(2,),
            current_decay=632,  # (632 + 1) / 4096 of the current is lost in a step
            voltage_decay=400,  # 400 / 4096 of the membrane potential
            threshold=160,  # in units of a weight
        ),
    ],
    projections=[
        # one row per hidden neuron, one column per input
        DenseProjection(source="inputs", target="hidden", weights=[[80, 48, 20], [20, 60, 64]]),
    ],
)

spikes = np.zeros((N_STEPS, 3), dtype=bool)
spikes[[0, 2], 0] = True
spikes[[1, 2], 1] = True
spikes[5, 2] = True

run = simulate(network, spikes, n_steps=N_STEPS, probes=[("hidden", "u")])
print(f"inputs   {draw(run.raster('inputs'))}")
print(f"neurons  {draw(run.raster('hidden'))}")
print(
    f"hidden: {run.counts.spikes['hidden']} spikes,"
    f" first at steps {run.first_spikes('hidden').tolist()}"
)
print(f"u of neuron 0: {run.probe('hidden', 'u')[:6, 0].tolist()}")

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "first.h5")
    save(network, path)
    again = simulate(load(path), spikes, n_steps=N_STEPS)
print(
    "loaded network gives the same spikes:",
    np.array_equal(again.raster("hidden"), run.raster("hidden")),
)
