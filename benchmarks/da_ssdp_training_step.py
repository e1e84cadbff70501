"""A training step of a spiking transformer block, with DA-SSDP and without, timed in turn."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ssdp_neuro.training import DASSDP, Positions, SpikingBlock
from ssdp_neuro.training.plasticity import spike_tap


def synchronize(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def seconds(call: Callable[[], Any], device: str) -> float:
    """CPU time on the CPU, where other work would count in a wall clock; else elapsed time."""
    synchronize(device)
    clock = time.process_time if device == "cpu" else time.perf_counter
    started = clock()
    call()
    synchronize(device)
    return clock() - started


def interleaved(
    forms: dict[str, Callable[[], Any]], rounds: int, device: str
) -> dict[str, list[float]]:
    for call in forms.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(rounds):
        for name in list(forms) if turn % 2 == 0 else list(forms)[::-1]:
            times[name].append(seconds(forms[name], device))
    return times


class Training:
    """A spiking transformer block and a readout, trained with or without the rule."""

    def __init__(self, rule: str, n_samples: int, channels: int, device: str) -> None:
        torch.manual_seed(0)
        self.block = SpikingBlock(channels).to(device)
        self.readout = torch.nn.Linear(channels, 10).to(device)
        parameters = [*self.block.parameters(), *self.readout.parameters()]
        self.optimizer = torch.optim.AdamW(parameters, lr=5e-4)
        self.x = torch.randn(n_samples, 4, 64, channels).to(device)
        self.y = torch.randint(0, 10, (n_samples,)).to(device)
        b = self.block
        triples = [(b.attended, b.project.linear, b.fire_again)]
        if rule.startswith("all"):
            triples += [
                (b.fire, b.to_query.linear, b.query),
                (b.fire, b.to_key.linear, b.key),
                (b.fire, b.to_value.linear, b.value),
                (b.fire_again, b.expand.linear, b.hidden),
            ]
        positions = Positions.EACH if "each" in rule else Positions.FIRST_ARRIVAL
        settings = {"positions": positions, "optimizer": self.optimizer, "minimum_spread": 0.0}
        self.rule = None if rule == "none" else DASSDP(triples, warm_up_steps=1, **settings)
        self.own = 0.0

    def step(self) -> None:
        self.optimizer.zero_grad()
        with timed_taps(self):
            logits = self.readout(self.block(self.x).mean((1, 2)))
        loss = torch.nn.functional.cross_entropy(logits, self.y, reduction="none")
        loss.mean().backward()
        self.optimizer.step()
        if self.rule is not None:
            started = time.process_time()
            self.rule.step(loss)
            self.own += time.process_time() - started


@contextlib.contextmanager
def timed_taps(training: Training) -> Iterator[None]:
    """Count the time that hooks take as the rule's own."""
    keep = spike_tap.SpikeTap._keep

    def timed(tap: Any, module: Any, spikes: Tensor) -> None:
        started = time.process_time()
        keep(tap, module, spikes)
        training.own += time.process_time() - started

    spike_tap.SpikeTap._keep = timed  # type: ignore[method-assign]
    try:
        yield
    finally:
        spike_tap.SpikeTap._keep = keep  # type: ignore[method-assign]


def overhead(rounds: int, device: str, n_samples: int, channels: int) -> dict[str, Any]:
    rules = ("none", "projection", "all five", "projection, each token")
    runs = {rule: Training(rule, n_samples, channels, device) for rule in rules}
    for run in runs.values():
        run.step(), run.step()
        run.own = 0.0
    times = interleaved({name: run.step for name, run in runs.items()}, rounds, device)
    base = statistics.median(times["none"])
    result: dict[str, Any] = {"device": device, "samples": n_samples, "channels": channels}
    for name, run in runs.items():
        steps = len(times[name]) + 1
        result[name] = {
            "step_ms": 1e3 * statistics.median(times[name]),
            "over_plain_percent": 100 * (statistics.median(times[name]) / base - 1),
            # on CUDA calls return before they are done
            "own_percent": 100 * run.own / steps / base if device == "cpu" else None,
        }
    print(result, flush=True)
    return result
