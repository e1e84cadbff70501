"""The record of the rules on Fashion-MNIST: accuracies, spread, and what differs for sure."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def sign_flip_p(differences: np.ndarray) -> float:
    """Two-sided p of a mean difference: share of sign choices at least as far from 0.

    Exact, without a distribution; with n pairs it cannot be below 2 / 2**n.
    """
    flips = np.array(list(itertools.product((-1.0, 1.0), repeat=len(differences))))
    means = np.abs((flips * differences).mean(axis=1))
    return float((means >= abs(differences.mean()) - 1e-12).mean())


def paired_t_p(differences: np.ndarray) -> float:
    """Two-sided p of Student's paired test; 1 if all pairs are equal."""
    from scipy import stats

    if np.ptp(differences) == 0:
        return 1.0 if differences[0] == 0 else 0.0
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def record(
    accuracies: dict[str, np.ndarray],
    found: dict[str, list[dict[str, Any]]],
    seeds: list[int],
    constants: dict[str, float],
    where: dict[str, Any],
) -> str:
    """The record in Markdown."""
    some = next(iter(found.values()))[0]
    config = some["config"]
    data, model, training = config["data"], config["model"], config["training"]
    title, network = "Rules of synchrony on Fashion-MNIST", f"784-{model['hidden'][0]}-10"
    asked, where_to = "", "both layers"
    if model.get("kind") == "recurrent":
        title, network = f"{title}, recurrent network", f"784-{model['hidden'][0]} (recurrent)-10"
        asked, where_to = " --network recurrent", "input, recurrent and output weights"
    lines = [
        f"# {title}",
        "",
        f"`python -m benchmarks.fashion_rules --folder FOLDER --runs RUNS{asked} --rules"
        f" {' '.join(accuracies)} --seeds {' '.join(map(str, seeds))} --out benchmarks/results`,"
        f" {where['date']}, {where['cpu']}, one thread, Python {where['python']}, torch"
        f" {some['circumstances']['torch']}.",
        "",
        f"{network} of the chip's neurons, {data['n_steps']} steps, encoding"
        f" `{data['encoding']}`, {training['epochs']} epochs, batch {training['batch_size']},"
        " bfloat16 mixed precision (other matrix products take bfloat16 factors too); seeds"
        f" {', '.join(map(str, seeds))} of weights and order; 10 % of the training samples for"
        " validation, the 10,000 test samples measured once at the best validation epoch. All"
        f" rules act on {where_to} with {constants}.",
        "",
        "| rule | test accuracy, mean ± sd | each seed | against none | paired t | sign flip |",
        "|---|---|---|---|---|---|",
    ]
    baseline = accuracies.get("none")
    for rule, values in accuracies.items():
        each = " ".join(f"{value:.2f}" for value in values)
        spread = values.std(ddof=1) if len(values) > 1 else 0.0
        row = f"| {rule} | {values.mean():.2f} ± {spread:.2f} | {each} |"
        if rule == "none" or baseline is None or len(values) < 2:
            lines.append(f"{row} - | - | - |")
            continue
        differences = values - baseline
        lines.append(
            f"{row} {differences.mean():+.2f} | p = {paired_t_p(differences):.3f}"
            f" | p = {sign_flip_p(differences):.3f} |"
        )
    epochs = [len(result["history"]) for results in found.values() for result in results]
    lines += [
        "",
        f"The sign-flip test cannot give a p below {2 / 2 ** len(seeds):.4f} with {len(seeds)}"
        f" seeds; {len(accuracies) - 1} rules are compared, so a single p of 0.05 is not much."
        " For comparison: the authors' scripts report 88.74 without and 89.37 with SSDP, one run"
        " each, of another network (recurrent, layer norm, no reset); a ridge classifier on pixels"
        " has 81.1.",
        f"Epochs trained: {min(epochs)} to {max(epochs)}.",
        "",
    ]
    return "\n".join(lines)
