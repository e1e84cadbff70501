"""Pair STDP in Brian 2 as a standalone C++ program: the same spike trains, float64, one thread.

The traces are the neurons' own, so that a spike costs one row or one column of weights.
"""

from __future__ import annotations

import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning_rule_cases import IMPULSE, SCALE, TAU, Case
from benchmarks.peers.brian2_cpp import PROGRAM, REPEATS, STEP, run
from hw_models import RandomStream
from ssdp_neuro import PlasticSynapses


def measure(case: Case) -> dict[str, Any]:
    """Time the main loop by its own clock; its weights beside ours, which are integers."""
    with tempfile.TemporaryDirectory() as folder:
        weights = build_and_run(case, Path(folder) / PROGRAM)
        seconds = [run(Path(folder) / PROGRAM) / case.n_steps for _ in range(REPEATS)]
    data = case.data()
    ours = PlasticSynapses(case.rule(RandomStream.COUNTER), data["weights"])
    ours.run(data["pre"], data["post"])
    changes = [(after - data["weights"]).reshape(-1) for after in (weights, ours.weights)]
    return {
        "per_step": seconds,
        "correlation": float(np.corrcoef(*changes)[0, 1]),
        "versions": {"brian2": metadata.version("brian2")},
    }


def build_and_run(case: Case, program: Path) -> np.ndarray:
    """Write, compile and run it; weights at the end, ``(n_post, n_pre)``."""
    import brian2

    brian2.set_device("cpp_standalone", build_on_run=False, directory=str(program))
    brian2.defaultclock.dt = STEP
    data = case.data()
    groups, wires = {}, []
    for end in ("pre", "post"):
        step, index = np.nonzero(data[end])
        spikes = brian2.SpikeGeneratorGroup(data[end].shape[1], index, step * STEP, sorted=True)
        neurons = brian2.NeuronGroup(
            data[end].shape[1],
            "dx/dt = -x / tau : 1\nfires : 1",
            threshold="fires > 0",
            reset="fires = 0\nx = clip(x + impulse, 0, 127)",
            method="exact",
        )
        wire = brian2.Synapses(spikes, neurons, on_pre="fires_post = 1")
        wire.connect(j="i")
        groups[end] = neurons
        wires += [spikes, neurons, wire]
    synapses = brian2.Synapses(
        groups["pre"],
        groups["post"],
        "w : 1",
        on_pre="w = clip(w - scale * x_post, -256, 255)",
        on_post="w = clip(w + scale * x_pre, -256, 255)",
    )
    synapses.connect()
    synapses.w = data["weights"].T.reshape(-1)
    constants = {"tau": TAU * STEP, "impulse": IMPULSE, "scale": SCALE}
    brian2.Network(*wires, synapses).run((case.n_steps + 1) * STEP, namespace=constants)
    brian2.device.build(directory=str(program), compile=True, run=True, with_output=False)
    return np.array(synapses.w[:]).reshape(case.n_pre, case.n_post).T
