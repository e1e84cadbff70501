"""One spike on its way: the synaptic current and the membrane potential of its target."""

import numpy as np

import ssdp_neuro
from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
from ssdp_neuro import plot

N_STEPS = 16


def draw():
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="pre", shape=(1,)),
            LifPopulation(
                name="post", shape=(1,), current_decay=1023, voltage_decay=256, threshold=150
            ),
        ],
        projections=[DenseProjection(source="pre", target="post", weights=[[60]])],
    )
    spikes = np.zeros((N_STEPS, 1), bool)
    spikes[2] = True
    probes = [("post", "u"), ("post", "v")]
    run = ssdp_neuro.simulate(network, spikes, n_steps=N_STEPS, probes=probes)
    figure = plot.new_figure(4.8, 3.4)
    above, below = figure.subplots(2, 1, sharex=True)
    steps = np.arange(N_STEPS)
    for axes, name, colour in ((above, "u", "#009e73"), (below, "v", "#0072b2")):
        axes.step(steps, run.probe("post", name)[:, 0], where="mid", color=colour, marker=".")
        axes.axvline(2, color="#7a7a7a", linestyle=":")
        axes.set_ylabel(name)
    above.text(1.8, 3400, "spike of pre,\nstep 2", ha="right", va="top", fontsize=9)
    (fired,) = np.flatnonzero(run.raster("post")[:, 0])
    below.axhline(150 << 6, color="#d55e00", linestyle="--")
    below.text(9.5, (150 << 6) - 300, "threshold << 6", va="top", fontsize=9)
    below.annotate(
        f"post fires, step {fired}", (fired, 0), (fired + 0.5, 3000), fontsize=9, va="bottom"
    )
    below.set_xlabel("step")
    return figure
