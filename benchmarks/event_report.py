"""The record of the event data: accuracies by executor, recalls, events and energy."""

from __future__ import annotations

from typing import Any

import numpy as np

COMMAND = "python -m benchmarks.event_results --folder FOLDER --runs RUNS --out benchmarks/results"
BEATS = ("N", "S", "V")


def mean_and_spread(values: list[float]) -> str:
    """As ``81.30 ± 0.42``; the sample standard deviation."""
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{np.mean(values):.1f} ± {spread:.1f}"


def record(
    found: list[dict[str, Any]],
    where: dict[str, Any],
    *,
    title: str = "Event data, trained and in integers",
    command: str = COMMAND,
) -> str:
    """The record in Markdown."""
    choices = {", ".join(str(seed) for seed in case["seeds"]) for case in found}
    seeds = " or ".join(sorted(choices)) + " (see the last table)" * (len(choices) > 1)
    lines = [
        f"# {title}, {where['date']}",
        "",
        f"`{command}`",
        "",
        f"{where['cpu']}, {where['cores']} cores, one thread, Python {where['python']}, torch"
        f" {found[0]['torch']}. Seeds {seeds} of weights, order and dropped spikes; the parts of"
        " the data are those of the configs. Each model is trained on the chip's integers in its"
        " last epochs, the best of these is chosen by validation samples, and the test is measured"
        " once. Accuracies are per cent, mean ± standard deviation over the seeds. Input, layers"
        " and decision are spikes. Ridge was trained on"
        f" {', '.join(format(case['floor']['trained on'], '.0f') for case in found)} samples.",
        "",
        "| data | train / validation / test | validation | PyTorch, real numbers"
        " | PyTorch, integers | engine | ridge on the counts |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in found:
        samples, accuracy = case["samples"], case["accuracy"]
        lines.append(
            f"| {case['title']} | {samples['train']} / {samples['validation']} /"
            f" {samples['test']} | {mean_and_spread(case['validation_accuracy'])} |"
            f" {mean_and_spread(accuracy['PyTorch, real numbers'])} |"
            f" {mean_and_spread(accuracy['PyTorch, integers'])} |"
            f" **{mean_and_spread(accuracy['engine'])}** | {case['floor']['accuracy']:.1f} |"
        )
    lines += ["", *_exactness(found), "", *_recalls(found), *_costs(found), *_settings(found)]
    return "\n".join(lines) + "\n"


def _exactness(found: list[dict[str, Any]]) -> list[str]:
    lines = [
        "PyTorch in real numbers is the same model off the integers: what they cost, the training"
        " on them included. Spikes of all layers against the engine's:",
        "",
        "| data | real numbers, output spikes in common | integers | Lava's models |",
        "|---|---|---|---|",
    ]
    for case in found:
        output = list(case["layers"])[-1]
        runs = len(case["seeds"])
        real = case["spike_agreement"]["PyTorch, real numbers"][output]
        lines.append(
            f"| {case['title']} | {100 * real:.1f} % |"
            f" {_equal(case, 'PyTorch, integers')} ({runs} x {case['samples']['test']} samples) |"
            f" {_equal(case, 'Lava')} ({runs} x {case['lava_samples']} samples) |"
        )
    return lines


def _equal(case: dict[str, Any], runner: str) -> str:
    place = case["first_difference"][runner]
    return "all equal" if place is None else f"differ, first in {place}"


def _recalls(found: list[dict[str, Any]]) -> list[str]:
    lines = []
    for case in found:
        if case["data"]["name"] != "mit-bih":
            continue
        by_class = np.array(case["recalls"])
        each = ", ".join(
            f"{name} {mean_and_spread(values)}"
            for name, values in zip(BEATS, by_class.T.tolist(), strict=True)
        )
        lines += [
            f"{case['title']}, recall: {each}; mean recall"
            f" **{mean_and_spread(by_class.mean(axis=1).tolist())}**, ridge"
            f" {case['floor']['mean recall']:.1f}.",
            "",
        ]
        balanced = case["balanced_floor"]
        if balanced is not None:
            lines += [
                f"Ridge with classes weighted as in training: {balanced['accuracy']:.1f},"
                f" mean recall {balanced['mean recall']:.1f}.",
                "",
            ]
    return lines


def _costs(found: list[dict[str, Any]]) -> list[str]:
    lines = [
        "Of one sample, on average in the engine (spikes with those of the input; energy by the"
        " published figures of Loihi 1, without static power, low if all neuron updates are"
        " inactive, high if all are active):",
        "",
        "| data | network | steps | spikes | synaptic operations | energy, uJ |",
        "|---|---|---|---|---|---|",
    ]
    for case in found:
        sizes = "-".join(str(size) for size in case["layers"].values())
        low, high = 1e6 * case["energy_low"], 1e6 * case["energy_high"]
        lines.append(
            f"| {case['title']} | {case['config']['model']['kind']} {sizes} | {case['n_steps']} |"
            f" {case['spikes']:.0f} | {case['synaptic_operations']:.0f} | {low:.2f} to {high:.2f} |"
        )
    return [*lines, ""]


def _settings(found: list[dict[str, Any]]) -> list[str]:
    lines = [
        "| data | config | accuracy of each seed | epochs | training, s (the machine shared) |",
        "|---|---|---|---|---|",
    ]
    for case in found:
        each = " ".join(f"{value:.2f}" for value in case["accuracy"]["engine"])
        lines.append(
            f"| {case['title']} | `{case['command']}` | {each} | {max(case['epochs'])} |"
            f" {np.mean(case['seconds']):.0f} |"
        )
    return lines
