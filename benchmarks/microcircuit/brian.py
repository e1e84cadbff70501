"""The circuit in Brian 2, as a C++ program: real numbers, and time constants as published.

The same synapses with the same delays, but weights that are not rounded.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.microcircuit import parameters
from benchmarks.microcircuit.integers import circuit
from benchmarks.microcircuit.parameters import POPULATIONS, STEP_MS, Scale

EQUATIONS = """
dv/dt = -v / tau_m + (current + steady) / capacitance : volt (unless refractory)
dcurrent/dt = -current / tau_i : amp
steady : amp (constant)
"""


def build_and_run(settings: dict[str, Any], folder: Path) -> None:
    """Write, compile and run the program, and save its spikes and versions."""
    import brian2

    scale, is_poisson = Scale(settings["scale"]), settings["is_poisson"]
    network = circuit(scale, settings["seed"], is_poisson=False)
    ms, mv, pa = brian2.ms, brian2.mV, brian2.pA
    brian2.set_device("cpp_standalone", build_on_run=False, directory=str(folder / "program"))
    brian2.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-march=native", "-ffast-math"]
    brian2.defaultclock.dt = STEP_MS * ms
    brian2.seed(settings["seed"])
    start = np.concatenate([[0], np.cumsum(scale.sizes)])
    n_neurons = int(start[-1])
    cells = brian2.NeuronGroup(
        n_neurons,
        EQUATIONS,
        threshold="v > ceiling",
        reset="v = 0*mV",
        refractory=parameters.REFRACTORY_MS * ms,
        method="exact",
    )
    rng = np.random.default_rng([settings["seed"], 3])
    mean, spread = parameters.START_MV
    cells.v = rng.normal(mean - parameters.REST_MV, spread, n_neurons) * mv
    cells.steady = np.repeat(scale.currents_pa(is_poisson), scale.sizes) * pa
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("pre", "post", "w", "delay")}
    for wires in network.projections:
        source, target = (POPULATIONS.index(end) for end in (wires.source, wires.target))
        weight = scale.weights_pa[target, source]
        relative = rng.normal(1, parameters.WEIGHT_SPREAD, wires.pre.size)
        columns["pre"].append(wires.pre + start[source])
        columns["post"].append(wires.post + start[target])
        columns["w"].append(weight * relative)
        columns["delay"].append(wires.delays * STEP_MS)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    synapses = brian2.Synapses(cells, cells, "w : amp", on_pre="current_post += w")
    synapses.connect(i=joined["pre"], j=joined["post"])
    synapses.w = joined["w"] * pa
    synapses.delay = joined["delay"] * ms
    inputs = [
        brian2.PoissonInput(
            cells[start[p] : start[p + 1]],
            "current",
            N=round(parameters.BACKGROUND_SYNAPSES[p] * scale.share),
            rate=parameters.BACKGROUND_HZ * brian2.Hz,
            weight=scale.background_pa * pa,
        )
        for p in range(len(POPULATIONS) if is_poisson else 0)
    ]
    monitor = brian2.SpikeMonitor(cells)
    constants = {
        "tau_m": parameters.MEMBRANE_MS * ms,
        "tau_i": parameters.CURRENT_MS * ms,
        "capacitance": parameters.CAPACITANCE_PF * brian2.pF,
        "ceiling": (parameters.THRESHOLD_MV - parameters.REST_MV) * mv,
    }
    everything = brian2.Network(cells, synapses, monitor, *inputs)
    everything.run(settings["n_steps"] * STEP_MS * ms, namespace=constants)
    started = time.perf_counter()
    brian2.device.build(
        directory=str(folder / "program"), compile=True, run=True, with_output=False
    )
    built_s = time.perf_counter() - started
    step = np.rint(monitor.t / (STEP_MS * ms)).astype(np.int64)
    cell = np.asarray(monitor.i[:])
    number = np.searchsorted(start, cell, side="right") - 1
    spikes = {
        name: np.stack([step, cell - start[p]], axis=1)[number == p]
        for p, name in enumerate(POPULATIONS)
    }
    np.savez(folder / "spikes.npz", **spikes)
    about = {"brian2": brian2.__version__, "built_and_run_s": built_s}
    (folder / "about.json").write_text(json.dumps(about))


if __name__ == "__main__":
    build_and_run(json.loads(sys.argv[1]), Path(sys.argv[2]))
