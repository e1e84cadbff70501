"""Brian 2 as a standalone C++ program: the same recursion in float64, one thread.

The synapses act after the spikes of a step, so what they add reaches the membrane in
the next step, as in Lava; delays come on top. The weights are divided by the share that
the current's decay leaves, because the decay comes after them; a current without memory
needs none.
"""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import brian2
import numpy as np

from benchmarks.peers.measurement import Measurement, input_pairs, only, shares_kept
from benchmarks.workloads import Workload
from hw_models import DenseProjection, SparseProjection

REPEATS = 3
PROGRAM = "program"
STEP = 1 * brian2.ms
WEIGHT_BITS = 6  # of a membrane potential, below those of a weight
DECAYING = "u = u * keep_u\nv = v * keep_v + u"
MEMORYLESS = "v = v * keep_v + u\nu = 0"


def measure(workload: Workload, n_threads: int, folder: Path) -> Measurement:
    """Time the main loop by its own clock; the first process of a folder builds the program."""
    spikes_file = folder / "spikes.npy"
    if not spikes_file.exists():
        np.save(spikes_file, build_and_run(workload, folder / PROGRAM))
    seconds = tuple(run(folder / PROGRAM) / workload.n_steps for _ in range(REPEATS))
    (lif,) = workload.network.neurons
    return Measurement(
        seconds_per_step=seconds,
        events={lif.name: np.load(spikes_file)},
        n_samples=1,
        n_steps=workload.n_steps,
        versions={"brian2": metadata.version("brian2")},
    )


def run(program: Path) -> float:
    """Run the program again; seconds of its main loop."""
    subprocess.run([program / "main"], cwd=program, check=True, stdout=subprocess.DEVNULL)
    seconds, _ = (program / "results" / "last_run_info.txt").read_text().split()
    return float(seconds)


def build_and_run(workload: Workload, program: Path) -> np.ndarray:
    """Write, compile and run it; rows (sample, step, index) of the spikes."""
    brian2.set_device("cpp_standalone", build_on_run=False, directory=str(program))
    brian2.defaultclock.dt = STEP
    network = workload.network
    (source,), (lif,) = network.inputs, network.neurons
    keep_u, keep_v = shares_kept(lif)
    step, index = input_pairs(workload).T
    groups = {
        source.name: brian2.SpikeGeneratorGroup(source.n_neurons, index, step * STEP, sorted=True),
        lif.name: brian2.NeuronGroup(
            lif.n_neurons, "u : 1\nv : 1", threshold="v > ceiling", reset="v = 0"
        ),
    }
    groups[lif.name].run_regularly(DECAYING if keep_u else MEMORYLESS, when="groups")
    monitor = brian2.SpikeMonitor(groups[lif.name])
    wires = []
    for projection in network.projections:
        synapses = brian2.Synapses(
            groups[projection.source], groups[projection.target], "w : 1", on_pre="u_post += w"
        )
        pre, post, weights = listed(projection)
        synapses.connect(i=pre, j=post)
        if projection.delays is not None:
            delays = projection.delays
            synapses.delay = (delays.T.reshape(-1) if delays.ndim == 2 else delays) * STEP
        synapses.w = weights * 2.0 ** (projection.weight_exponent + WEIGHT_BITS) / (keep_u or 1)
        wires.append(synapses)
    constants = {
        "keep_u": keep_u,
        "keep_v": keep_v,
        "ceiling": float(only(lif.threshold) << WEIGHT_BITS),
    }
    everything = brian2.Network(*groups.values(), monitor, *wires)
    everything.run(workload.n_steps * STEP, namespace=constants)
    brian2.device.build(directory=str(program), compile=True, run=True, with_output=False)
    step = np.rint(monitor.t / STEP).astype(np.int32)
    index = monitor.i[:]
    order = np.lexsort((index, step))
    return np.stack([np.zeros_like(step), step, index], axis=1)[order]


def listed(
    projection: DenseProjection | SparseProjection,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source, target and weight of every synapse, by source."""
    if isinstance(projection, SparseProjection):
        return projection.pre, projection.post, projection.weights
    n_post, n_pre = projection.weights.shape
    pre, post = np.repeat(np.arange(n_pre), n_post), np.tile(np.arange(n_post), n_pre)
    return pre, post, projection.weights.T.reshape(-1)
