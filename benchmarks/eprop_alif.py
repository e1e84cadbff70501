"""How much of ALIF's e-prop is left where the eligibility keeps nothing for a synapse.

    python -m benchmarks.eprop_alif

One layer in real numbers, its exact eligibility (`ssdp_neuro.rules.eprop`), and two that keep
numbers of neurons only: without the part of the threshold, and with that part as a product of a
slow trace of the source and one of the target. Writes a page and all numbers to
``benchmarks/results``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from ssdp_neuro.rules import eprop

RESULTS = Path(__file__).with_name("results")
N_PRE, N_POST, N_STEPS, RATE, SEEDS = 100, 10, 200, 0.05, 20
CONSTANTS = [(rho, beta) for rho in (0.9, 0.97, 0.99) for beta in (0.1, 0.2, 0.5)]
FORMS = ("left out", "product of traces")
SIGNALS = ("spike trains", "constant", "at the end")


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Of two gradients."""
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))


def without_synapses(neuron: eprop.AdaptiveLif, run: eprop.NeuronRun) -> list[np.ndarray]:
    """Both forms, each ``(T, n_post, n_pre)``."""
    left_out, product = [], []
    trace, slow, raised = np.zeros(N_PRE), np.zeros(N_PRE), np.zeros(N_POST)
    for psi, felt in zip(run.psi, run.inputs, strict=True):
        trace = neuron.alpha * trace + felt
        of_threshold = neuron.beta * (1 - neuron.rho) * np.outer(raised, slow)
        left_out.append(np.outer(psi, trace))
        product.append(psi[:, None] * (trace - of_threshold))
        raised = (neuron.rho - neuron.beta * psi) * raised + psi
        slow = neuron.rho * slow + trace
    return [np.stack(left_out), np.stack(product)]


def cosines(rho: float, beta: float, seed: int) -> tuple[float, dict[str, float]]:
    """Spikes of a neuron, and cosines with the exact gradient by form and signal."""
    rng = np.random.default_rng(seed)
    neuron = eprop.AdaptiveLif(rho=rho, beta=beta, refractory=2)
    inputs = rng.random((N_STEPS, N_PRE)) < RATE
    run = eprop.run_neurons(neuron, rng.random((N_POST, N_PRE)) * 0.12, inputs)
    exact = eprop.eligibility(neuron, run)
    wanted = (rng.random((N_STEPS, N_POST)) < 0.03).astype(float)
    constant = np.broadcast_to(rng.normal(size=N_POST), (N_STEPS, N_POST))
    late = np.where(np.arange(N_STEPS)[:, None] < 0.75 * N_STEPS, 0.0, constant)
    errors = (eprop.van_rossum_error(run.spikes, wanted, kappa=0.9), constant, late)
    found = {}
    for form, kept in zip(FORMS, without_synapses(neuron, run), strict=True):
        for name, signal in zip(SIGNALS, errors, strict=True):
            both = [np.einsum("tj,tji->ji", signal, e) for e in (exact, kept)]
            found[f"{form}, {name}"] = cosine(*both)
    return float(run.spikes.sum() / N_POST), found


def main() -> None:
    """Measure and write."""
    rows, lines = [], []
    for rho, beta in CONSTANTS:
        runs = [cosines(rho, beta, seed) for seed in range(SEEDS)]
        values = {key: [found[key] for _, found in runs] for key in runs[0][1]}
        spikes = float(np.mean([n for n, _ in runs]))
        rows.append({"rho": rho, "beta": beta, "spikes": spikes, "cosines": values})
        cells = [f"{np.mean(v):.3f} ± {np.std(v, ddof=1):.3f}" for v in values.values()]
        lines.append(f"| {rho} | {beta} | {spikes:.1f} | {' | '.join(cells)} |")
    where = machine()
    heading = [f"{form}: {name}" for form in FORMS for name in SIGNALS]
    page = f"""# ALIF's e-prop without numbers of synapses, {where["date"]}

`python -m benchmarks.eprop_alif`; {where["cpu"]}, Python {where["python"]}.

Cosine of the gradient with the exact one; {N_POST} neurons of alpha 0.9 and a refractory period
of 2, {N_PRE} inputs with Poisson spikes ({RATE} a step), {N_STEPS} steps, {SEEDS} seeds, mean ±
standard deviation. The part of the threshold is left out, or is a product of a slow trace of the
source and one of the target. Signals: error of filtered trains with random wanted spikes; a
constant of each neuron; the same in the last quarter of the steps only.

| rho | beta | spikes | {" | ".join(heading)} |
|{"---|" * (3 + len(heading))}
""" + "\n".join(lines)
    stem = RESULTS / f"eprop_alif_{where['date']}"
    stem.with_suffix(".md").write_text(page + "\n")
    stem.with_suffix(".json").write_text(json.dumps({"machine": where, "rows": rows}))
    print(page)


if __name__ == "__main__":
    main()
