"""The record of the microcircuit as a page of Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks.microcircuit.parameters import FULL_RATES_HZ, POPULATIONS

NOTES = (
    "The model: T. C. Potjans, M. Diesmann, Cerebral Cortex 24, 785-806 (2014), its Tables 4 and 5;"
    " smaller ones keep that share of the neurons and of each neuron's synapses, with weights"
    " divided by its square root and a constant current for the missing mean (van Albada, Helias,"
    " Diesmann 2015).",
    "Kept exactly: sizes, mean numbers of synapses, delays on the grid of 0.1 ms, refractory"
    " period, reset, order of a step. In integers: weights of 8 bits around 32 (with exponents 1"
    " for the stronger projection and 2 for inhibition), so their spread of 10 % has 3 units;"
    " currents keep 3354/4096 of themselves (0.500 ms), potentials 4055/4096 (9.94 ms for 10);"
    " a neuron fires above its threshold, not at it. A pair has at most one synapse, where the"
    " paper draws pairs with replacement: their number is the same.",
    "Poisson background: the number of spikes that reach a neuron in a step is drawn and enters by"
    " four inputs of weights 1, 2, 4, 8 (16 or more would come once in 10^9 times). Drawing it is"
    " inside the time `whole run`, in a thread beside the engine's. Constant background: its mean"
    " as a bias, as the paper and the runs on SpiNNaker have it.",
    "Brian 2 has real numbers, the published time constants, the same pairs and delays, weights"
    " of its own and PoissonInput; a C++ program on one thread, its main loop alone.",
)


def markdown(record: dict[str, Any]) -> str:
    """Tables of time, memory and activity."""
    about = record["machine"]
    lines = [
        f"# The cortical microcircuit in integers, {about['date']}",
        "",
        *(f"`{command}`\n" for command in record["commands"]),
        f"{about['cpu']}, {about['cores']} cores, Python {about['python']}.",
        "",
        "Times over real time (1 is real time), medians of the rounds; `engine` is its calls"
        " alone, `CPU` all processor time of the whole run, `load` the machine's as it began.",
        "",
        "| scale, background | neurons | synapses | drawing, lowering (CPU s) | bytes a synapse in"
        " the engine | peak memory | synaptic operations a step | engine | whole run | CPU |"
        " all cores | Brian 2 | Brian 2 / whole run | model s | load |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in record["cases"]:
        built, engine, peer = case["built"], case["engine"], case.get("brian2")
        theirs = "" if peer is None else f"{peer['times_real_time']:.3g}"
        ratio, all_cores = "", ""
        if "threads" in engine:
            all_cores = f"{engine['times_real_time_threads']:.3g} ({engine['threads']} threads)"
        if peer is not None:
            ratio = f"{peer['times_real_time'] / engine['times_real_time']:.3g}"
        lines.append(
            f"| {name_of(case)} | {built['neurons']} | {built['synapses']:,}"
            f" | {built['drawing_cpu_s']:.3g}, {built['lowering_cpu_s']:.3g}"
            f" | {built['engine_bytes_per_synapse']:.2f} | {built['peak_memory_gb']:.2f} GB"
            f" | {engine['operations_per_step']:,.0f} | {engine['times_real_time_engine']:.3g}"
            f" | {engine['times_real_time']:.3g} | {engine['times_real_time_cpu']:.3g}"
            f" | {all_cores} | {theirs} | {ratio} | {case['before']:g} + {case['seconds']:g}"
            f" | {case['load']:.1f} |"
        )
    lines += ["", "Rates (Hz) and irregularity (coefficient of variation of intervals):", ""]
    lines += ["| | " + " | ".join(POPULATIONS) + " |", "|---|" + "---|" * len(POPULATIONS)]
    for case in record["cases"]:
        for who in ("engine", "brian2"):
            if who in case:
                found = case[who]["activity"]
                cells = [
                    f"{found[name]['rate_hz']:.2f}, {found[name]['irregularity']:.2f}"
                    for name in POPULATIONS
                ]
                name = "engine" if who == "engine" else "Brian 2"
                lines.append(" | ".join([f"| {name_of(case)}: {name}", *cells]) + " |")
    rates = " | ".join(f"{rate:.2f}" for rate in FULL_RATES_HZ)
    lines.append(f"| NEST at full scale, Poisson, as published with its example | {rates} |")
    lines += ["", *(f"- {note}" for note in (*NOTES, *record["notes"]))]
    return "\n".join(lines) + "\n"


def name_of(case: dict[str, Any]) -> str:
    """Scale and background, as printed."""
    return f"{case['scale']:g}, {'Poisson' if case['is_poisson'] else 'constant'}"
