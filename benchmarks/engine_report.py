"""The record of ``bench_engine`` as a page of Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks.alone import BESIDE
from benchmarks.bench_learning_rules import RATIOS_OF, tables, versions_of
from benchmarks.rounds import ENGINE, fastest

NOTES = (
    "Start-up, building, compiling and the conversion of the input are outside of every time;"
    " recording the output spikes is inside. The engine's times are those of whole calls of"
    " `simulate`.",
    "The limit is the time of loops in C (benchmarks/limits.c), right after the case, for as many"
    " additions and neuron steps as the engine counted, on arrays as large; delays as if each"
    " step's synapses were known. Beyond 100 % the engine's loops are better than these.",
    "Lava has a process for every Process, on all cores, whatever the threads of the case, and no"
    " batch: W3 is its time for one sample, times 256. Its ring buffer that records the spikes"
    " is 10 to 15 % of a step of W1. `Lava, product` is Lava with `num_message_bits=1`, which"
    " multiplies the whole matrix instead of gathering columns; the faster of the two counts.",
    "Brian 2 and the PyTorch simulators do the same recursion in float64 and float32: their"
    " spikes agree closely until a recurrent network (W2) drives the differences apart. PyTorch"
    " has each layer's product for all steps and samples at once, which only a feed-forward"
    " network allows.",
)


def markdown(record: dict[str, Any]) -> str:
    """Tables of times, ratios, targets and agreement."""
    machine = record["machine"]
    lines = [
        f"# Engine and peers, {machine['date']}",
        "",
        *(f"`{command}`\n" for command in record["commands"]),
        f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}. Interleaved"
        " rounds of engine and peers; best and median of all timed runs, microseconds per step (of"
        " the whole batch). Ratios are peer / engine. Load: of the machine when a case begins.",
        "",
        "| case | peer | best | median | runs | load | ratio, best | ratio, median | spikes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in record["cases"]:
        for peer, row in case["peers"].items():
            own = peer == ENGINE
            lines.append(
                f"| {case['case']} | {peer} | {row['best_us_per_step']:.4g}"
                f" | {row['median_us_per_step']:.4g} | {row['timed_runs']}"
                f" | {format(case['load'], '.1f') if own else ''}"
                f" | {'' if own else format_ratio(row['ratio_best'])}"
                f" | {'' if own else format_ratio(row['ratio_median'])}"
                f" | {row['spikes_engine'] if own else spikes(row)} |"
            )
    lines += ["", "| case | against | ratio, best | ratio, median | target | |"]
    lines += ["|---|---|---|---|---|---|"]
    for case in record["cases"]:
        lavas = [peer for peer in case["peers"] if peer.startswith("Lava")]
        others = [peer for peer in case["peers"] if peer not in (ENGINE, *lavas)]
        for among, target in ((lavas, case["lava_target"]), (others, case["peer_target"])):
            peer = fastest(case["peers"], among)
            if peer is not None:
                row = case["peers"][peer]
                met = "met" if row["ratio_best"] >= target else "**missed**"
                lines.append(
                    f"| {case['case']} | {peer} | {format_ratio(row['ratio_best'])}"
                    f" | {format_ratio(row['ratio_median'])} | {target:g} | {met} |"
                )
    lines += shares(record["cases"])
    lines += alone(record["alone"])
    lines += ["", *(f"- {note}" for note in (*NOTES, *record["notes"]))]
    versions = {}
    for case in record["cases"]:
        for row in case["peers"].values():
            versions.update(row["versions"])
    if versions:
        lines += ["", "Versions: " + ", ".join(f"{k} {v}" for k, v in sorted(versions.items()))]
    return "\n".join(lines) + "\n"


def shares(cases: list[dict[str, Any]]) -> list[str]:
    """How near the engine is to what loops in C take for the same additions and neurons."""
    lines = ["", "| case | engine, best | limit | share |", "|---|---|---|---|"]
    for case in cases:
        limit, best = case["limit_us_per_step"], case["peers"][ENGINE]["best_us_per_step"]
        if limit is not None:
            lines.append(f"| {case['case']} | {best:.4g} | {limit:.4g} | {limit / best:.0%} |")
    return lines


def alone(record: dict[str, Any]) -> list[str]:
    """Lines on what the engine is measured for beside the cases."""
    lines = []
    if "W5" in record:
        versions = sorted(versions_of([record["W5"]]).items())
        lines += ["", "W5, learning by the rules of the chip's engine from given spike trains:", ""]
        lines += tables([record["W5"]])
        lines += ["", f"{RATIOS_OF} {', '.join(f'{k} {v}' for k, v in versions)}."]
    if "silent" in record:
        row = record["silent"]
        few, many = row["neurons"]
        lines += [
            "",
            f"Silent neurons, {few} and {many} under the same events:"
            f" {row['best_us_per_step'][0]:.3g} and {row['best_us_per_step'][1]:.3g} us per step,"
            f" ratio {row['ratio_best']:.3f} (best), {row['ratio_median']:.3f} (median of pairs);"
            f" target at most {row['target']}.",
        ]
    if "call" in record:
        row = record["call"]
        lines += [
            "",
            f"One call of `simulate` for one step of one neuron: {row['best_us']:.1f} us (best),"
            f" {row['median_us']:.1f} us (median); target at most {row['target_us']:g}.",
        ]
    for name in BESIDE:
        if name in record:
            lines += ["", f"| {name} | best us per step and sample | median | times the first |"]
            lines += ["|---|---|---|---|"]
            lines += [
                f"| {case} | {row['best_us']:.4g} | {row['median_us']:.4g}"
                f" | {row['ratio_best']:.3g}, median {row['ratio_median']:.3g} |"
                for case, row in record[name].items()
            ]
    if "DA-SSDP" in record:
        lines += ["", f"`{record['DA-SSDP']['command']}`:", "", "```"]
        lines += [*record["DA-SSDP"]["output"], "```"]
    return lines


def format_ratio(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.3g}"


def spikes(row: dict[str, Any]) -> str:
    over = f"{row['compared_steps']} steps"
    if row["identical"]:
        return f"identical ({row['spikes_peer']}, {over})"
    return (
        f"{row['spikes_peer']} for {row['spikes_engine']} ({over}), {row['jaccard']:.1%} in common"
    )
