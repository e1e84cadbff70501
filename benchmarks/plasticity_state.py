"""What plasticity costs in memory, and what its few bits cost in accuracy.

    python -m benchmarks.plasticity_state

Measures the arrays that hold the state of integer DA-SSDP (engine, packed, Lava) and of STDP
(spike logs, traces, Lava's LearningDense, our learning engine), and the error of weights learned
by the integer rule against the rule in real numbers, over widths of latency codes and weights.
Writes a page, a table and a figure to ``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from hw_models import (
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LearningRule,
    LifPopulation,
    Rounding,
)
from ssdp_neuro import PlasticSynapses
from ssdp_neuro.engine.latencies import Latencies
from ssdp_neuro.engine.learning_task import learning_task
from ssdp_neuro.engine.plastic_projection import DaSsdpRule
from ssdp_neuro.rules.da_ssdp import DaSsdp
from ssdp_neuro.rules.ready_rules import pair_stdp, reward_modulated_stdp

RESULTS = Path(__file__).with_name("results")
N_NEURONS = 256
RATES = ((20, 0.05), (20, 0.2), (100, 0.05))  # steps of a sample, spikes per neuron and step
LATENCY_BITS, WEIGHT_BITS = range(3, 9), range(4, 10)
ROUNDINGS = (Rounding.NEAREST_AWAY, Rounding.STOCHASTIC)
N_STEPS, N_SAMPLES, N_SIDE = 64, 300, 48
SILENT_SHARE = 0.3
RULE = DaSsdp(a_plus=0.01, a_baseline=0.003, sigma=6.0, n_steps=N_STEPS)


def first_spikes(rng: np.random.Generator, n_neurons: int, n_steps: int) -> np.ndarray:
    steps = rng.integers(0, n_steps, n_neurons)
    return np.where(rng.random(n_neurons) < SILENT_SHARE, n_steps, steps)


def state_rows() -> Iterator[tuple[str, float, float]]:
    """Name, bytes per neuron, bytes per synapse beyond the weight; all of real arrays."""
    rng = np.random.default_rng(0)
    yield ("DA-SSDP, `learn()`: a byte per code; count and first step of targets", engine(), 0.0)
    for bits in LATENCY_BITS:
        params, _ = RULE.to_fixed(latency_bits=bits, weight_unit=1 / 128)
        codes = codes_of(first_spikes(rng, N_NEURONS, N_STEPS), params)
        planes = (codes[:, None] >> np.arange(bits)) & 1
        packed = np.packbits(planes.astype(bool)).nbytes
        flags = np.packbits(codes != params.silent_code).nbytes
        size = (packed + flags) / codes.size
        yield f"DA-SSDP, as specified (packed here): flag and code of q = {bits} bits", size, 0.0
    yield ("DA-SSDP, our Lava Process", *plastic_dense())
    for n_steps, rate in RATES:
        raster = rng.random((N_NEURONS, n_steps)) < rate
        neuron, step = np.nonzero(raster)
        starts = np.searchsorted(neuron, np.arange(N_NEURONS + 1)).astype(np.int32)
        log = step.astype(np.uint8).nbytes + starts.nbytes
        what = f"{n_steps} steps, {rate:.0%} spikes per step"
        yield f"pair STDP, spike log of a sample ({what})", log / N_NEURONS, 0.0
    traces = np.zeros(N_NEURONS, dtype=np.float32)
    yield "pair STDP, one float32 trace per neuron", traces.nbytes / traces.size, 0.0
    yield ("pair STDP, Lava's LearningDense (7-bit traces as 64-bit)", *learning_dense())
    pair = pair_stdp(0.25, 0.25, 10, 10, 16)
    tagged = reward_modulated_stdp(0.5, 0.5, 0.125, 1, 10)
    yield ("pair STDP, our learning engine: traces and last spikes", *rule_state(pair))
    yield ("pair STDP, our learning engine with its working space", *rule_state(pair, whole=True))
    yield (
        "reward-modulated STDP, our learning engine: with a tag per synapse",
        *rule_state(tagged),
    )


def codes_of(first: np.ndarray, params: DaSsdpParams) -> np.ndarray:
    codes = np.where(first < N_STEPS, first >> params.latency_shift, params.silent_code)
    return codes.astype(np.uint8)


def engine() -> float:
    """Bytes per neuron that a learning run keeps of a sample, whatever its spikes and steps."""
    params, _ = RULE.to_fixed(latency_bits=6, weight_unit=1 / 128)
    lif = {"current_decay": 4095, "voltage_decay": 0, "threshold": 1}
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(N_NEURONS,)),
            LifPopulation(name="out", shape=(N_NEURONS,), **lif),
        ],
        projections=[
            DenseProjection(
                source="in",
                target="out",
                weights=np.zeros((N_NEURONS, N_NEURONS), dtype=int),
                plasticity=params,
            )
        ],
    )
    task = learning_task(network, None, n_steps=N_STEPS)
    kept = Latencies(task.network, task.plastic, task.n_steps, {"in": 0, "out": 1}).table
    return (kept.codes.nbytes + kept.counts.nbytes + kept.first.nbytes) / (2 * N_NEURONS)


def rule_state(rule: LearningRule, whole: bool = False) -> tuple[float, float]:
    """Bytes of what a rule of the learning engine keeps between steps, or of all its arrays."""
    synapses = PlasticSynapses(rule, np.zeros((N_NEURONS, N_NEURONS), dtype=int))
    state, log = synapses._state, synapses._log
    others = [getattr(state, name) for name in ("x", "y", "tx", "ty")]
    if whole:
        others = [
            value
            for table in (state, log)
            for value in vars(table).values()
            if isinstance(value, np.ndarray) and value is not state.variables
        ]
    n_variables = state.variables.shape[0]
    per_synapse = (n_variables - 1) * state.variables.itemsize
    return sum(array.nbytes for array in others) / (2 * N_NEURONS), per_synapse


def plastic_dense() -> tuple[float, float]:
    from hw_models import lava_processes  # noqa: F401 makes Lava importable
    from hw_models.lava_processes.direct_run import DirectRun
    from hw_models.lava_processes.plastic_dense.dense_process import PlasticDense
    from hw_models.learning_schedule import SampleClock

    params, _ = RULE.to_fixed(latency_bits=6, weight_unit=1 / 128)
    weights = np.zeros((N_NEURONS, N_NEURONS), dtype=np.int32)
    process = PlasticDense(
        weights=weights, rule=params, clock=SampleClock(n_steps=N_STEPS, period=N_STEPS)
    )
    model = DirectRun([process]).model(process)
    arrays = (model.pre_codes, model.post_codes, model.gates)
    return sum(array.nbytes for array in arrays) / (2 * N_NEURONS), 0.0


def learning_dense() -> tuple[float, float]:
    from lava.magma.core.learning.learning_rule import Loihi2FLearningRule
    from lava.proc.dense.process import LearningDense

    from hw_models import lava_processes  # noqa: F401 makes Lava importable
    from hw_models.lava_processes.direct_run import DirectRun

    rule = Loihi2FLearningRule(
        dw="2^-2*x1*y0 - 2^-2*x0*y1", x1_impulse=16, x1_tau=10, y1_impulse=16, y1_tau=10, rng_seed=0
    )
    weights = np.zeros((N_NEURONS, N_NEURONS), dtype=np.int32)
    process = LearningDense(weights=weights, learning_rule=rule)
    model = DirectRun([process]).model(process)
    names = ("x0", "tx", "x1", "x2", "y0", "ty", "y1", "y2", "y3")
    neurons = sum(getattr(model, name).nbytes for name in names)
    return neurons / (2 * N_NEURONS), (model.tag_1.nbytes + model.tag_2.nbytes) / weights.size


def learned_error(latency_bits: int, weight_bits: int, rounding: Rounding) -> float:
    """RMS error of weights learned in integers, as a share of the RMS learned in reals."""
    half = 2 ** (weight_bits - 1)
    params, _ = RULE.to_fixed(
        latency_bits=latency_bits,
        weight_unit=1 / half,
        rounding=rounding,
        weight_low=-half,
        weight_high=half - 1,
    )
    rule, rng = DaSsdpRule(params), np.random.default_rng(7)
    weights = np.zeros((N_SIDE, N_SIDE), dtype=np.int16)
    real = np.zeros((N_SIDE, N_SIDE))
    for sample in range(N_SAMPLES):
        pre, post = (first_spikes(rng, N_SIDE, N_STEPS) for _ in range(2))
        gates = np.full(N_SIDE, rng.integers(0, 256), dtype=np.int32)
        codes = (codes_of(side, params) for side in (pre, post))
        rule.update(weights, *codes, gates, seed=1, sample=sample)
        real += RULE.change(pre[:, None], post[None, :], gates[0] / 128)
        real = np.clip(real, -1, (half - 1) / half)
    return float(np.sqrt(np.mean((weights / half - real) ** 2) / np.mean(real**2)))


def figure(errors: dict[tuple[Rounding, int, int], float], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams.update({"svg.hashsalt": "plasticity_state", "svg.fonttype": "none"})
    canvas, panels = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for panel, rounding in zip(panels, ROUNDINGS, strict=True):
        for bits in WEIGHT_BITS:
            values = [errors[rounding, q, bits] for q in LATENCY_BITS]
            panel.plot(LATENCY_BITS, values, marker="o", label=f"{bits}-bit weights")
        panel.set(title=f"rounding {rounding.value}", xlabel="bits of a latency code", yscale="log")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("error of learned weights\n(RMS, share of the real rule's)")
    canvas.legend(*panels[1].get_legend_handles_labels(), loc="outside right center")
    canvas.savefig(path, metadata={"Date": None})


def page(rows: list[tuple[str, float, float]], errors: dict, name: str) -> str:
    here = machine()
    lines = [
        f"# State of plasticity, and what its bits cost, {here['date']}",
        "",
        f"`python -m benchmarks.plasticity_state`; {here['cpu']}, Python {here['python']}.",
        "",
        f"## Bytes of state ({N_NEURONS} source and {N_NEURONS} target neurons)",
        "",
        "Measured: `nbytes` of the arrays. The weight itself is not counted; what a rule needs"
        " once per projection (kernel, time constants) neither. Lava's arrays are those of its CPU"
        " models, wider than the chip's registers; no row is of a chip.",
        "",
        "| state | per neuron | per synapse |",
        "|---|---|---|",
        *(f"| {what} | {neuron:.4g} | {synapse:.4g} |" for what, neuron, synapse in rows),
        "",
        "## Error of weights learned by the integer rule",
        "",
        f"{N_SAMPLES} samples of {N_STEPS} steps, {N_SIDE} x {N_SIDE} synapses from weight 0,"
        f" random first spikes ({SILENT_SHARE:.0%} silent), random gates in [0, 2);"
        f" weights span [-1, 1). {RULE}.",
        "RMS error of the weights, as a share of the RMS of the real rule's weights.",
        "",
        "An error of 1.000 is that of learning nothing: every change rounds to 0. Stochastic"
        " rounding keeps the mean of a change, so it learns there too, at the price of noise"
        " elsewhere.",
        "",
        f"![error]({name}.svg)",
    ]
    for rounding in ROUNDINGS:
        lines += ["", f"Rounding {rounding.value}:", ""]
        lines += ["| latency bits | " + " | ".join(f"{b}-bit weights" for b in WEIGHT_BITS) + " |"]
        lines += ["|---" * (len(WEIGHT_BITS) + 1) + "|"]
        for q in LATENCY_BITS:
            cells = (f"{errors[rounding, q, bits]:.3f}" for bits in WEIGHT_BITS)
            lines.append(f"| {q} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=RESULTS)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    name = f"plasticity_state_{machine()['date']}"
    rows = list(state_rows())
    errors = {
        (rounding, q, bits): learned_error(q, bits, rounding)
        for rounding in ROUNDINGS
        for q in LATENCY_BITS
        for bits in WEIGHT_BITS
    }
    figure(errors, folder / f"{name}.svg")
    (folder / f"{name}.md").write_text(page(rows, errors, name))
    with (folder / f"{name}.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["rounding", "latency_bits", "weight_bits", "relative_rms_error"])
        table.writerows([r.value, q, bits, f"{e:.6g}"] for (r, q, bits), e in errors.items())
    print(page(rows, errors, name))


if __name__ == "__main__":
    main()
