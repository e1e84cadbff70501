"""How many operations each rule of the table costs: counted, not estimated.

    python -m benchmarks.rule_operations

Each rule learns one epoch of 25 samples of the made task of ``synchrony_classes`` (100 inputs to 5
neurons, 40 steps, a spike of each input) in integers that count what is done to them
(``counted_rules``); DA-SSDP in a second epoch, after it has fitted its gate in the first. What
the neurons themselves cost is the same for every rule and isn't counted. Writes a page and all
numbers to ``benchmarks/results``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.counted_integers import Event, Operation, Place, Tally
from benchmarks.counted_rules import (
    SOURCE,
    TARGET,
    CountedEprop,
    CountedPrototypes,
    CountedRule,
    CountedSadp,
    CountedSsdp,
    CountedStdp,
)
from benchmarks.few_shot_study.stdp import StdpParams
from benchmarks.machine import machine
from benchmarks.readout_rules import ReadoutTask, losses_of, network, ssdp_rule
from benchmarks.synchrony_classes import N_CLASSES, N_INPUTS, N_STEPS, SynchronyTask
from hw_models import EpropParams, FixedPointNetwork, ResetEligibility, ThirdFactor
from ssdp_neuro.oracle.dense_network import DenseLif
from ssdp_neuro.rules import SadpParams

RESULTS = Path(__file__).with_name("results")
SEED, THRESHOLD = 0, 60
STDP = StdpParams(potentiation=128, depression=60, time_constant=2.0, shift=21)
SADP = SadpParams(potentiation=255, depression=60, shift=13, bin_width=2)
EPROP = EpropParams(shift=13, wanted=60, decay_shift=1, impulse=64, psi_shift=8, psi_levels=8)
STAMPED = dataclasses.replace(
    EPROP, reset_eligibility=ResetEligibility.TIME_STAMP, psi_refractory=-8
)
Made = tuple[FixedPointNetwork, CountedRule]


def rules(task: ReadoutTask) -> dict[str, Callable[[Tally], Made]]:
    """What makes the network and the rule of each row."""

    def synchrony(third_factor: ThirdFactor, warm_up: int = 0) -> Callable[[Tally], Made]:
        params = ssdp_rule(task.n_steps, 0.06, 1.0, third_factor, warm_up)
        made = network(task, SEED, THRESHOLD, params)
        return lambda tally: (made, CountedSsdp(params, tally, made, SEED))

    def eprop(params: EpropParams, refractory: int) -> Callable[[Tally], Made]:
        made = network(task, SEED, THRESHOLD, params, refractory=refractory)
        return lambda tally: (made, CountedEprop(params, task.n_steps, tally, made, SEED))

    def of_trains(kind: Any, *constants: Any) -> Callable[[Tally], Made]:
        params = ssdp_rule(task.n_steps, 0.1, 1.0, ThirdFactor.CONSTANT)  # isn't run
        made = network(task, SEED, THRESHOLD, params)
        return lambda tally: (made, kind(*constants, tally, made, SEED))

    return {
        "SSDP, no third factor": synchrony(ThirdFactor.CONSTANT),
        "DA-SSDP": synchrony(ThirdFactor.DOPAMINE, len(task.labels)),
        "error-gated SSDP": synchrony(ThirdFactor.TEACHER),
        "SADP, label gates": of_trains(CountedSadp, SADP, task.n_steps),
        "pair STDP, label gates": of_trains(CountedStdp, STDP, False, task.n_steps),
        "reward-modulated STDP": of_trains(CountedStdp, STDP, True, task.n_steps),
        "e-prop, LIF or ALIF": eprop(EPROP, 0),
        "e-prop, STDP-LIF": eprop(STAMPED, 5),
        "prototypes of latencies": of_trains(CountedPrototypes),
    }


def learned(
    make: Callable[[Tally], Made], tally: Tally, task: ReadoutTask
) -> tuple[CountedRule, int]:
    """The rule after the samples, counted but where a gate is fitted; spikes of the targets."""
    spikes, labels = task.spikes, task.labels
    made, rule = make(tally)
    loss = losses_of(made, spikes, labels)
    warm_up = len(spikes) if getattr(made.projections[0].plasticity, "warm_up", 0) else 0
    order = np.arange(len(spikes) + warm_up) % len(spikes)
    n_target_spikes = 0
    for number, place in enumerate(order):
        tally.counting = number >= warm_up
        cells = DenseLif(made.population("out"), 1)
        rule.begin()
        arriving = np.zeros(rule.sizes[TARGET], dtype=np.int64)
        for step, given in enumerate(spikes[place]):
            fired = cells.step(step + 1, arriving[None])[0]
            for i in np.flatnonzero(given):
                rule.spike(SOURCE, int(i), step)
            for j in np.flatnonzero(fired):
                rule.spike(TARGET, int(j), step)
            n_target_spikes += int(fired.sum()) * tally.counting
            arriving = np.array(
                [sum(row[i].value for i in np.flatnonzero(given)) for row in rule.weights]
            )
            rule.step(step, number, int(labels[place]), cells)
        rule.sample(number, int(labels[place]), int(loss[place]))
    return rule, n_target_spikes


def offline_multiplications(task: ReadoutTask) -> float:
    """Multiply-adds in real numbers of one sample, forwards and backwards, by PyTorch's counter."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ssdp_neuro.training import feed_forward

    decays = {"current_decay": 4095, "voltage_decay": task.voltage_decay}
    model = feed_forward((task.n_inputs, task.n_classes), seed=SEED, gain=1.0, **decays)
    with FlopCounterMode(display=False) as counter:
        fired = model(torch.as_tensor(task.spikes, dtype=torch.float32))
        loss = torch.nn.functional.cross_entropy(fired.sum(1), torch.as_tensor(task.labels))
        loss.backward()
    return float(counter.get_total_flops() / 2 / len(task.labels))


def measured(task: ReadoutTask) -> dict[str, Any]:
    """Counts of every rule, per sample."""
    found: dict[str, Any] = {}
    n = len(task.labels)
    for name, make in rules(task).items():
        tally = Tally()
        _, n_target_spikes = learned(make, tally, task)
        found[name] = {
            "source spikes": float(task.spikes.sum()) / n,
            "target spikes": n_target_spikes / n,
            "weights": tally.updates / n,
            "operations": {
                f"{event.value}, {place.value}": {
                    kind.value: tally.total(event, place, kind) / n for kind in Operation
                }
                for event in Event
                for place in Place
            },
        }
    found["offline, surrogate gradients"] = offline_multiplications(task)
    return found


def page(record: dict[str, Any]) -> str:
    m, found = record["machine"], dict(record["rules"])
    offline = found.pop("offline, surrogate gradients")
    columns = list(next(iter(found.values()))["operations"])
    lines = [
        f"# Operations of the rules, {m['date']}",
        "",
        f"`python -m benchmarks.rule_operations`; Python {m['python']}. Integer operations of a"
        " sample, mean of 25 samples of the made task with a jitter of one step: one"
        f" epoch of learning, {N_INPUTS} inputs to {N_CLASSES} neurons, {N_STEPS} steps; every"
        " weight is that of the engine (a test). What neurons cost without a rule isn't counted,"
        " nor reading and writing of memory but of tables. Signs and magnitudes count as additions."
        " A weight is changed where its product isn't 0.",
        "",
        "| rule | spikes, in and out | " + " | ".join(columns) + " | all | per spike |"
        " weights changed |",
        "|---|" + "---|" * (len(columns) + 4),
    ]
    for name, row in found.items():
        cells = [sum(row["operations"][column].values()) for column in columns]
        n_spikes = row["source spikes"] + row["target spikes"]
        lines.append(
            f"| {name} | {row['source spikes']:.0f}, {row['target spikes']:.1f} | "
            + " | ".join(f"{cell:.0f}" for cell in cells)
            + f" | {sum(cells):.0f} | {sum(cells) / n_spikes:.1f} | {row['weights']:.0f} |"
        )
    kinds = [kind.value for kind in Operation]
    lines += [
        "",
        f"Offline, by surrogate gradients: {offline:.0f} multiplications and additions in real"
        " numbers of a sample and epoch, forwards and backwards, by PyTorch's own counter (matrix"
        " products alone).",
        "",
        "The same by kind:",
        "",
        "| rule | " + " | ".join(kinds) + " |",
        "|---|" + "---|" * len(kinds),
    ]
    for name, row in found.items():
        cells = [sum(one[kind] for one in row["operations"].values()) for kind in kinds]
        lines.append(f"| {name} | " + " | ".join(f"{cell:.0f}" for cell in cells) + " |")
    return "\n".join([*lines, ""])


def main() -> None:
    record = {"machine": machine(), "seed": SEED, "rules": measured(SynchronyTask(SEED))}
    stem = RESULTS / f"rule_operations_{record['machine']['date']}"
    stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    stem.with_suffix(".md").write_text(page(record))
    print(page(record))


if __name__ == "__main__":
    main()
