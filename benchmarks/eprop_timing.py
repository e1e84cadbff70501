"""What holds of STDP and of precise spike times in e-prop, neuron by neuron.

    python -m benchmarks.eprop_timing

Three parts: eligibility of a pair of spikes, the order of two neurons, and target spike times
learned by LIF, by a hard reset and by STDP-LIF, under three learning signals. Writes a page and
all numbers to ``benchmarks/results``; some minutes.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from ssdp_neuro.rules.eprop import (
    AdaptiveLif,
    IzhikevichNeuron,
    RunawayWarning,
    SoftResetLif,
    StdpLif,
    eligibility,
    gradient,
    run_neurons,
    spike_error,
    van_rossum_distance,
    van_rossum_error,
)

RESULTS = Path(__file__).with_name("results")
GAMMA, ALPHA, REFRACTORY = 0.3, 0.9, 5
LEAKY = {
    "LIF, soft reset": SoftResetLif(refractory=REFRACTORY),
    "hard reset, psi_refractory 0": StdpLif(refractory=REFRACTORY),
    "STDP-LIF, gamma/10": StdpLif(refractory=REFRACTORY, psi_refractory=-GAMMA / 10),
    "STDP-LIF, gamma/3": StdpLif(refractory=REFRACTORY, psi_refractory=-GAMMA / 3),
    "STDP-LIF, gamma": StdpLif(refractory=REFRACTORY, psi_refractory=-GAMMA),
}
N_INPUTS, N_STEPS, RATE, KAPPA = 100, 200, 0.03, 0.9
TARGETS, PATTERNS, SETS, EPOCHS = (1, 3, 5), 2, 10, 200
LEARNING_RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)
SIGNALS = {
    "spike error": (spike_error, 0.0),
    "van Rossum, e unfiltered": (lambda z, w: van_rossum_error(z, w, KAPPA), 0.0),
    "van Rossum, e filtered": (lambda z, w: van_rossum_error(z, w, KAPPA), KAPPA),
}


def pair_sum(neuron, delay: int, bias: float) -> float:
    """Summed eligibility of a synapse whose target fires once, ``delay`` after its source.

    A second synapse brings the target to 1.05 thresholds.
    """
    inputs, forced = np.zeros((101, 2)), np.zeros((101, 1))
    inputs[50 - delay, 0] = inputs[50, 1] = forced[50] = 1
    pulse = 1.05 - bias / (1 - ALPHA)
    run = run_neurons(neuron, [[0.0, pulse]], inputs, forced=forced, bias=bias)
    return float(eligibility(neuron, run)[..., 0].sum())


def pair_curves() -> dict[str, dict[str, list[float]]]:
    neurons = {
        "LIF": SoftResetLif(refractory=REFRACTORY),
        "ALIF, beta 0.184": AdaptiveLif(refractory=REFRACTORY, beta=0.184),
        "hard reset": StdpLif(refractory=REFRACTORY),
        "STDP-LIF": StdpLif(refractory=REFRACTORY, psi_refractory=-GAMMA),
    }
    delays = [-20, -8, -5, -3, -1, 0, 1, 3, 8, 20]
    curves = {
        f"{name}, {'driven' if bias else 'at rest'}": [pair_sum(n, d, bias) for d in delays]
        for bias in (0.0, 0.6 * (1 - ALPHA))
        for name, n in neurons.items()
    }
    return {"delays": {"steps": delays}, "curves": curves}


def izhikevich_sum(delay_ms: float, period_ms: float | None, pulse: float) -> float:
    """Eligibility of the last of 20 pairs, or of one, summed over a period or 100 ms.

    The neuron is made to fire by a strong pulse of 2 ms through a synapse of its own.
    """
    neuron = IzhikevichNeuron(d=2.0, clamp=1e6)
    pairs, period = (1, 100.0) if period_ms is None else (20, period_ms)
    first = 100.0
    n_steps = round((first + pairs * period) / neuron.dt)
    inputs = np.zeros((n_steps, 2))
    posts = []
    for pair in range(pairs):
        at = round((first + pair * period) / neuron.dt)
        inputs[at : at + round(2 / neuron.dt), 1] = 1
        posts.append(at)
    weights = np.array([[0.0, pulse]])
    fired = np.flatnonzero(run_neurons(neuron, weights, inputs).spikes[:, 0])
    if len(fired) < pairs:
        return float("nan")
    for spike in fired:
        inputs[max(spike - round(delay_ms / neuron.dt), 0), 0] = 1
    run = run_neurons(neuron, weights, inputs)
    e = eligibility(neuron, run)[:, 0, 0]
    begin = fired[-1] - round(period / 2 / neuron.dt)
    return float(e[begin:].sum())


def izhikevich_curves() -> dict[str, list[float]]:
    delays = (-20, -10, -5, -2, 1, 2, 4, 8, 15)
    return {
        "delays": list(delays),
        "one pair, pulse 60": [izhikevich_sum(d, None, 60) for d in delays],
        "20 pairs, 50 ms, pulse 60": [izhikevich_sum(d, 50.0, 60) for d in delays],
        "20 pairs, 30 ms, pulse 60": [izhikevich_sum(d, 30.0, 60) for d in delays],
        "20 pairs, 50 ms, pulse 30": [izhikevich_sum(d, 50.0, 30) for d in delays],
    }


def order_reversal() -> dict[str, list[float]]:
    """Summed eligibility both ways between two neurons, before and after the order is turned."""
    forced = np.zeros((400, 2))
    for burst in range(10):
        lead = burst // 5
        forced[40 * burst + 10, lead] = forced[40 * burst + 15, 1 - lead] = 1
    heard = np.concatenate([np.roll(forced, 1, axis=0), forced], axis=1)
    weights = np.concatenate([np.zeros((2, 2)), 0.45 * np.eye(2)], axis=1)
    neurons = {
        "LIF": SoftResetLif(alpha=0.95, refractory=10),
        "ALIF, beta 0.184": AdaptiveLif(alpha=0.95, refractory=10, beta=0.184),
        "hard reset": StdpLif(alpha=0.95, refractory=10),
        "STDP-LIF, period 10": StdpLif(alpha=0.95, refractory=10, psi_refractory=-GAMMA),
        "STDP-LIF, period 3": StdpLif(alpha=0.95, refractory=3, psi_refractory=-GAMMA),
    }
    sums = {}
    for name, neuron in neurons.items():
        run = run_neurons(neuron, weights, heard, forced=forced, bias=0.03)
        e = eligibility(neuron, run)
        halves = e[:200].sum(0), e[200:].sum(0)
        sums[name] = [float(half[i, 1 - i]) for half in halves for i in (1, 0)]
    return sums


def trials(pattern: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, targets ``(T, rows)``, first weights, and how many targets each row has.

    A row is a trial at one learning rate: neurons don't hear each other, so one run does all.
    """
    rng = np.random.default_rng(pattern)
    inputs = (rng.random((N_STEPS, N_INPUTS)) < RATE).astype(float)
    wanted, starts, counts = [], [], []
    for n in TARGETS:
        for _ in range(SETS):
            while True:
                times = np.sort(rng.integers(20, N_STEPS, n))
                if n == 1 or np.diff(times).min() >= 12:
                    break
            train = np.zeros(N_STEPS)
            train[times] = 1
            wanted.append(train)
            starts.append(rng.uniform(0.0, 0.04, N_INPUTS))
            counts.append(n)
    return inputs, np.array(wanted).T, np.array(starts), np.array(counts)


def learned(
    neuron,
    signal: str,
    *,
    active: bool = False,
    rates: tuple[float, ...] = LEARNING_RATES,
    epochs: int = EPOCHS,
    patterns: int = PATTERNS,
) -> dict[str, np.ndarray]:
    """Spikes after learning of every trial and rate: hits exact, hits within 1, distance, count."""
    make, kappa = SIGNALS[signal]
    outcome: dict[str, list[np.ndarray]] = {"exact": [], "near": [], "distance": [], "spikes": []}
    for pattern in range(patterns):
        inputs, wanted, weights, counts = trials(pattern)
        n_rates = len(rates)
        each = np.repeat(rates, len(counts))[:, None]
        wanted, weights = np.tile(wanted, n_rates), np.tile(weights, (n_rates, 1))
        if active:
            weights = weights + 0.06
        for _ in range(epochs):
            run = run_neurons(neuron, weights, inputs)
            weights = weights - each * gradient(neuron, run, make(run.spikes, wanted), kappa=kappa)
        spikes = run_neurons(neuron, weights, inputs).spikes
        shape = (n_rates, len(counts))
        same = [match(*pair) for pair in zip(spikes.T, wanted.T, strict=True)]
        outcome["exact"].append(np.array([m == 0 for m in same]).reshape(shape))
        outcome["near"].append(np.array([m <= 1 for m in same]).reshape(shape))
        distances = [
            van_rossum_distance(z[:, None], w[:, None], KAPPA)
            for z, w in zip(spikes.T, wanted.T, strict=True)
        ]
        outcome["distance"].append(np.array(distances).reshape(shape))
        outcome["spikes"].append(spikes.sum(0).reshape(shape))
    return {name: np.concatenate(parts, axis=1) for name, parts in outcome.items()}


def match(spikes: np.ndarray, wanted: np.ndarray) -> float:
    """Steps that the worst spike is off; infinite where their number differs."""
    found, times = np.flatnonzero(spikes), np.flatnonzero(wanted)
    return float(np.abs(found - times).max()) if len(found) == len(times) else np.inf


def learning() -> list[dict[str, object]]:
    counts = np.tile(np.repeat(TARGETS, SETS), PATTERNS)
    rows = []
    for start in ("silent", "active"):
        for signal in SIGNALS if start == "silent" else ["van Rossum, e filtered"]:
            for name, neuron in LEAKY.items():
                done = learned(neuron, signal, active=start == "active")
                for n in TARGETS:
                    chosen = counts == n
                    # the rate is chosen for each neuron and number of targets, by the distance
                    best = int(done["distance"][:, chosen].mean(1).argmin())
                    rows.append(
                        {
                            "start": start,
                            "signal": signal,
                            "neuron": name,
                            "targets": n,
                            "rate": LEARNING_RATES[best],
                            **{k: float(v[best, chosen].mean()) for k, v in done.items()},
                        }
                    )
                print(start, signal, name, [(r["exact"], r["near"]) for r in rows[-3:]], flush=True)
    return rows


def runaway() -> dict[str, list[float]]:
    """Spikes after 60 epochs from an active start, at growing learning rates; targets 1, 3, 5."""
    found = {}
    for signal in ("van Rossum, e unfiltered", "van Rossum, e filtered"):
        for name in ("LIF, soft reset", "hard reset, psi_refractory 0", "STDP-LIF, gamma"):
            done = learned(
                LEAKY[name], signal, active=True, rates=(0.01, 0.03, 0.1), epochs=60, patterns=1
            )
            found[f"{name}; {signal}"] = done["spikes"].mean(1).tolist()
    return found


def constant_signal_rates() -> dict[str, tuple[float, float, float]]:
    """Always "more of this": spikes of 200 steps, shares of weights at 0 and at the top."""
    rng = np.random.default_rng(0)
    pattern = rng.random((N_STEPS, N_INPUTS)) < RATE
    found = {}
    for name, neuron in LEAKY.items():
        weights = np.random.default_rng(1).uniform(0.0, 0.1, (10, N_INPUTS))
        noise = np.random.default_rng(2)
        for _ in range(EPOCHS):
            inputs = pattern ^ (noise.random(pattern.shape) < 0.003)
            run = run_neurons(neuron, weights, inputs.astype(float))
            change = gradient(neuron, run, -np.ones_like(run.spikes))
            weights = np.clip(weights - 0.001 * change, 0.0, 0.5)
        fired = run_neurons(neuron, weights, pattern.astype(float)).spikes.sum(0).mean()
        found[name] = float(fired), float((weights < 0.005).mean()), float((weights > 0.495).mean())
    return found


def main() -> None:
    warnings.simplefilter("ignore", RunawayWarning)
    record = {
        "machine": machine(),
        "pairs": pair_curves(),
        "izhikevich": izhikevich_curves(),
        "order": order_reversal(),
        "constant": constant_signal_rates(),
        "runaway": runaway(),
        "learning": learning(),
    }
    stem = f"eprop_timing_{record['machine']['date']}"
    (RESULTS / f"{stem}.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / f"{stem}.md").write_text(page(record))


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def page(record) -> str:
    m, pairs, iz = record["machine"], record["pairs"], record["izhikevich"]
    parts = [
        f"# e-prop and spike times, {m['date']}\n",
        f"`python -m benchmarks.eprop_timing`; {m['cpu']}, Python {m['python']}. What it says:"
        " [e-prop and STDP](../../docs/explanation/eprop.md).\n",
        "## Eligibility of one pair of spikes\n",
        "Summed over the trial, by `t_post - t_pre` in steps; alpha 0.9, gamma 0.3, refractory"
        " period 5, STDP-LIF with `psi_refractory = -gamma`. Driven: a constant input that alone"
        " would bring the potential to 0.6 of the threshold.\n",
        table(
            ["neuron", *map(str, pairs["delays"]["steps"])],
            [[k, *(f"{v:.3f}" for v in values)] for k, values in pairs["curves"].items()],
        ),
        "Izhikevich (d = 2, dt = 0.5 ms), by ms; the last pair of each row:\n",
        table(
            ["protocol", *map(str, iz["delays"])],
            [[k, *(f"{v:+.3f}" for v in values)] for k, values in iz.items() if k != "delays"],
        ),
        "## Order of two neurons\n",
        "Five pairs of spikes, 5 steps apart, then five turned round; alpha 0.95. Sum of e.\n",
        table(
            ["neuron", "0 to 1, 0 leads", "1 to 0, 0 leads", "0 to 1, 1 leads", "1 to 0, 1 leads"],
            [[k, *(f"{v:+.2f}" for v in values)] for k, values in record["order"].items()],
        ),
        "## Target spike times\n",
        f"{N_INPUTS} inputs, {N_STEPS} steps, frozen Poisson spikes ({RATE} a step), one neuron,"
        f" {PATTERNS * SETS} trials, {EPOCHS} epochs; the learning rate of {LEARNING_RATES} with"
        " the lowest mean distance, for each neuron and number of targets, on the same trials."
        " Share of trials with all spikes exact / within a step and none too many; mean distance;"
        " spikes.\n",
        table(
            ["start", "signal", "neuron", *(f"{n} targets" for n in TARGETS)],
            learning_rows(record["learning"]),
        ),
        "## Running away\n",
        "Mean spikes in 200 steps after 60 epochs at learning rates of 0.01, 0.03, 0.1, from"
        " weights that make too many spikes; 30 trials of 1, 3 and 5 targets.\n",
        table(
            ["neuron and signal", "0.01", "0.03", "0.1"],
            [[k, *(f"{v:.1f}" for v in values)] for k, values in record["runaway"].items()],
        ),
        '## A constant signal ("more of this")\n',
        f"L = -1 in {EPOCHS} epochs of one noisy pattern, weights within 0..0.5, 10 neurons.\n",
        table(
            ["neuron", "spikes in 200 steps", "weights at 0", "weights at the top"],
            [
                [k, f"{a:.1f}", f"{b:.0%}", f"{c:.0%}"]
                for k, (a, b, c) in record["constant"].items()
            ],
        ),
    ]
    return "\n".join(parts)


def learning_rows(rows) -> list[list[str]]:
    lines: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        key = row["start"], row["signal"], row["neuron"]
        cell = f"{row['exact']:.2f} / {row['near']:.2f}; {row['distance']:.2f}; {row['spikes']:.1f}"
        lines.setdefault(key, []).append(cell)
    return [[*key, *cells] for key, cells in lines.items()]


if __name__ == "__main__":
    main()
