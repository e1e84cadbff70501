"""Which rule when: every rule of the library on tasks chosen for what they test.

    nice -n 19 python -m benchmarks.rules_table

(a) classes that differ only in which inputs fire together, with jitter of 0, 1, 2 and 4 steps;
(b) spikes at given times; (c) the order of two neurons. Constants are chosen on seeds 100 to 102,
from as many candidates as stand in ``synchrony_classes.RULES``; then ten other seeds. Writes a page
and all numbers to ``benchmarks/results``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.eprop_timing import N_INPUTS, N_STEPS, RATE, match
from benchmarks.few_shot_study.stdp import StdpParams, stdp_update
from benchmarks.machine import machine
from benchmarks.readout_rules import prototypes
from benchmarks.synchrony_classes import RULES, SynchronyTask
from hw_models import DaSsdpParams, Rounding
from hw_models.arithmetic import saturate, shift_stochastic
from hw_models.random_bits import random_bits
from ssdp_neuro.rules import DaSsdp, SadpParams
from ssdp_neuro.rules.eprop import IntegerEprop, eprop_rest, eprop_step, eprop_update
from ssdp_neuro.rules.eprop.integer_eprop import decayed

RESULTS = Path(__file__).with_name("results")
SEEDS, TUNING_SEEDS = range(10), (100, 101, 102)
JITTERS = (0.0, 1.0, 2.0, 4.0)
N_TRIALS, TRIAL_EPOCHS = 8, 100
CELL = IntegerEprop(psi_levels=4)  # the neuron of (b), a hard reset


def synchrony() -> dict[str, dict[str, Any]]:
    """(a): the candidate that tuning chose, and the accuracy in percent by jitter and seed."""
    found = {}
    for name, rule in RULES.items():
        scores = [
            np.mean([rule.learn(SynchronyTask(seed), seed, **one) for seed in TUNING_SEEDS])
            for one in rule.candidates
        ]
        chosen = rule.candidates[int(np.argmax(scores))]
        found[name] = {
            "chosen": {k: v for k, v in chosen.items() if not callable(v)},
            "accuracy": {
                f"{jitter:g}": [
                    100 * rule.learn(SynchronyTask(seed, jitter=jitter), seed, **chosen)
                    for seed in SEEDS
                ]
                for jitter in JITTERS
            },
        }
        one = found[name]["accuracy"]["1"]
        print(f"{name:32} {np.mean(one):5.1f} {found[name]['chosen']}", flush=True)
    return found


Change = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]


def by_stdp(weights, inputs, spikes, wanted, epoch, shift):
    """Pair STDP of the wanted spikes less that of the neuron's own, causal pairs only."""
    params = StdpParams(potentiation=64, depression=0, time_constant=8.0, shift=shift)
    made = weights.T
    for place, (train, gate) in enumerate(((wanted, 128), (spikes, -128))):
        made = stdp_update(made, params, inputs, train, gate=gate, sample=2 * epoch + place)
    return made.T


def by_sadp(weights, inputs, spikes, wanted, epoch, shift):
    """Supervised SADP: the wanted train is the reference."""
    params = SadpParams(potentiation=255, depression=255, shift=shift, bin_width=4)
    return params.update(weights, inputs, spikes, wanted, sample=epoch).astype(int)


def ssdp_params(sigma: float) -> DaSsdpParams:
    rule = DaSsdp(a_plus=0.2, a_baseline=0.0, sigma=sigma, n_steps=N_STEPS)
    params, _ = rule.to_fixed(latency_bits=8, weight_unit=1 / 64, rounding=Rounding.STOCHASTIC)
    return params


def by_ssdp(weights, inputs, spikes, wanted, epoch, shift):
    """SSDP of the wanted first spike less that of the neuron's own; it knows no second."""
    rule = ssdp_params(4.0)
    before = np.where(inputs.any(0), inputs.argmax(0), -1)
    made = weights.astype(np.int64)
    for place, (train, gate) in enumerate(((wanted, 128), (spikes, -128))):
        fired = train.any(0)[:, None] & (before >= 0)
        distance = np.abs(train.argmax(0)[:, None] - before)
        product = rule.kernel.astype(np.int64)[distance] * rule.potentiation * gate * fired
        rows, columns = np.indices(product.shape, sparse=True)
        bits = random_bits(0, 2 * epoch + place, rows, columns)
        made = saturate(made + shift_stochastic(product, rule.shift + shift, bits), -128, 127)
    return made


OF_TRAINS: dict[str, tuple[Change, tuple[int, ...]]] = {
    "SSDP, wanted less own": (by_ssdp, (0, 1, 2)),
    "SADP, supervised": (by_sadp, (12, 13, 14)),
    "pair STDP, wanted less own": (by_stdp, (20, 21, 22)),
}


def timed(name: str, n_targets: int, pattern: int, shift: int) -> list[float]:
    """(b): steps that the worst spike of each trial is off after learning; see ``match``."""
    rng = np.random.default_rng(100 + pattern)
    inputs = rng.random((N_STEPS, N_INPUTS)) < RATE
    wanted = np.zeros((N_STEPS, N_TRIALS), dtype=bool)
    for trial in range(N_TRIALS):
        times = np.zeros(max(n_targets, 2))
        while np.diff(times).min() < 12:
            times = np.sort(rng.integers(20, N_STEPS, max(n_targets, 2)))
        wanted[times[:n_targets].astype(int), trial] = True
    weights = rng.integers(0, 6, (N_TRIALS, N_INPUTS))
    params = IntegerEprop(psi_levels=4, shift=shift) if name == "e-prop" else CELL
    for epoch in range(TRIAL_EPOCHS + 1):
        state, traces = eprop_rest(N_TRIALS, N_INPUTS), np.zeros((2, N_TRIALS), dtype=np.int64)
        spikes = np.zeros_like(wanted)
        for step in range(N_STEPS):
            state, spikes[step] = eprop_step(params, weights, state, inputs[step])
            if name == "e-prop" and epoch < TRIAL_EPOCHS:
                traces = decayed(traces, 3) + 64 * np.stack([spikes[step], wanted[step]])
                error = np.minimum(traces, 255)[0] - np.minimum(traces, 255)[1]
                key = {"seed": pattern, "step": epoch * N_STEPS + step}
                weights = eprop_update(params, weights, state, error, **key)
        if name != "e-prop" and epoch < TRIAL_EPOCHS:
            weights = OF_TRAINS[name][0](weights, inputs, spikes, wanted, epoch, shift)
    return [match(z, w) for z, w in zip(spikes.T, wanted.T, strict=True)]


def timing() -> dict[str, dict[str, float]]:
    """(b): share of 16 trials with all spikes within one and two steps, for one and three."""
    rows: dict[str, dict[str, float]] = {}
    for name, shifts in {**{n: s for n, (_, s) in OF_TRAINS.items()}, "e-prop": (13, 14)}.items():
        rows[name] = {}
        for n_targets in (1, 3):
            best = (-1.0, -1.0)
            for shift in shifts:
                off = np.array([x for p in range(2) for x in timed(name, n_targets, p, shift)])
                best = max(best, (float((off <= 1).mean()), float((off <= 2).mean())))
            rows[name][f"{n_targets} within 1"], rows[name][f"{n_targets} within 2"] = best
        print(name, rows[name], flush=True)
    return rows


def order() -> dict[str, list[float]]:
    """(c): change of the synapse from the first to the second of two spikes, and of that back.

    Five steps apart, in mantissas before rounding and in the rules' own scale.
    """
    trains = np.zeros((40, 2), dtype=int)
    trains[10, 0] = trains[15, 1] = 1
    stdp = StdpParams(potentiation=128, depression=128, time_constant=8.0, shift=0).window(40)
    products = trains.T @ stdp.T @ trains
    ssdp = ssdp_params(4.0)
    kappa = SadpParams(potentiation=255, depression=255, shift=0, bin_width=4, weight_low=-128)
    agreed = kappa.update(np.zeros((2, 2), int), trains > 0, trains > 0).astype(float)
    return {
        "pair STDP": [float(products[0, 1]) / 2**15, float(products[1, 0]) / 2**15],
        "SSDP": [float(ssdp.kernel[5]) / 255] * 2,
        "SADP": [float(np.sign(agreed[1, 0])), float(np.sign(agreed[0, 1]))],
    }


def cell(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def page(record: dict[str, Any]) -> str:
    m, rows = record["machine"], record["synchrony"]
    gated = np.array(rows["error-gated SSDP"]["accuracy"]["1"])
    lines = [
        f"# Rules beside each other, {m['date']}",
        "",
        f"`python -m benchmarks.rules_table`; {m['cpu']}, Python {m['python']}. What it says:"
        " [which rule when](../../docs/explanation/which_rule.md).",
        "",
        "(a) Five classes that differ only in which 20 of 100 inputs fire together (a made task);"
        " five samples of each, twelve times over; accuracy in percent on 200 others, mean ±"
        " standard deviation over seeds 0 to 9, chance 20; constants of the best candidate on seeds"
        " 100 to 102 at a jitter of 1.",
        "",
        "| rule | jitter 0 | 1 | 2 | 4 | candidates |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        cells = [cell(row["accuracy"][f"{jitter:g}"]) for jitter in JITTERS]
        lines.append(f"| {name} | {' | '.join(cells)} | {len(RULES[name].candidates)} |")
    lines += [
        "",
        "| error-gated SSDP less, jitter 1, paired | mean | 95 % interval |",
        "|---|---|---|",
    ]
    for name, row in rows.items():
        if name != "error-gated SSDP":
            gain = gated - np.array(row["accuracy"]["1"])
            half = 2.262 * gain.std(ddof=1) / np.sqrt(gain.size)  # t of 9 degrees of freedom
            lines.append(f"| {name} | {gain.mean():+.1f} | ± {half:.1f} |")
    lines += [
        "",
        "(b) One neuron, 100 inputs, 200 steps, frozen Poisson spikes, one or three wanted spikes,"
        f" {2 * N_TRIALS} trials, {TRIAL_EPOCHS} epochs, weights of 8 bits, the same neuron; share"
        " of trials with every spike within 1 and 2 steps, none too many; the best of two or three"
        " shifts, on the same trials.",
        "",
        "| rule | one, within 1 | within 2 | three, within 1 | within 2 |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | " + " | ".join(f"{value:.2f}" for value in row.values()) + " |"
            for name, row in record["timing"].items()
        ),
        "",
        "(c) Two neurons, the second fires five steps after the first: change of the synapse there,"
        " and of the one back, each in its rule's scale (SADP: the sign).",
        "",
        "| rule | there | back |",
        "|---|---|---|",
        *(f"| {name} | {a:+.2f} | {b:+.2f} |" for name, (a, b) in record["order"].items()),
        "",
        "e-prop's eligibility there and back: `eprop_timing`. Chosen:",
        "",
        *(
            f"- {name}: " + ", ".join(f"{key} {value:g}" for key, value in row["chosen"].items())
            for name, row in rows.items()
            if row["chosen"] and name != prototypes.__name__
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    record = {"machine": machine(), "seeds": list(SEEDS), "order": order()}
    record |= {"timing": timing(), "synchrony": synchrony()}
    stem = f"rules_table_{record['machine']['date']}"
    (RESULTS / f"{stem}.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / f"{stem}.md").write_text(page(record))


if __name__ == "__main__":
    main()
