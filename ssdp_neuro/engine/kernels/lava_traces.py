"""What Lava's floating-point learning connections compute of spikes and traces, bit for bit."""

from __future__ import annotations

from typing import Any

from ssdp_neuro.compilation.compiler import lean_kernel


@lean_kernel
def note_spikes(spikes: Any, now: int, last: Any, first: Any, second: Any, impulses: Any) -> None:
    """Spikes in a step: a further one of an epoch adds its impulses to the traces at once."""
    for k in range(spikes.size):
        if spikes[k]:
            if last[k] > 0:
                first[k] += impulses[0]
                second[k] += impulses[1]
            last[k] = now


@lean_kernel
def note_post_spikes(
    spikes: Any, now: int, fired: Any, last: Any, first: Any, second: Any, third: Any, impulses: Any
) -> None:
    """The same of neurons that have three traces, and whether they fired in the epoch."""
    for k in range(spikes.size):
        if spikes[k]:
            fired[k] = True
            if last[k] > 0:
                first[k] += impulses[0]
                second[k] += impulses[1]
                third[k] += impulses[2]
            last[k] = now


@lean_kernel
def follow_traces(history: Any, keeps: Any, impulses: Any, last: Any) -> None:
    """Traces ``(n_steps + 1, n_traces, n)`` in every step of an epoch, from those at its start.

    ``keeps`` is what is left of each after a step; ``last`` is when each neuron fired, 0 if not.
    """
    for step in range(1, history.shape[0]):
        for trace in range(history.shape[1]):
            before, now = history[step - 1, trace], history[step, trace]
            for k in range(last.size):
                now[k] = keeps[trace] * before[k]
                if last[k] == step:
                    now[k] += impulses[trace]
