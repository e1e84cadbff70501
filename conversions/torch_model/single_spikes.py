"""Neurons that were seen to send several spikes in a step, as copies that send one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from conversions.real_network import RealNetwork, RealNeurons
from conversions.real_network.several_spikes import copies, may_be_copied, with_copies

MOST_COPIES = 16


def single_spikes(
    network: RealNetwork, sent: Mapping[str, np.ndarray], most: Mapping[str, int]
) -> tuple[RealNetwork, dict[str, np.ndarray], list[str]]:
    """A network whose neurons send one spike in a step at most, and together what was sent.

    Parameters
    ----------
    network
        As it was read.
    sent
        What each population sent in the model's own run, ``(B, T, N)``.
    most
        What a neuron of a population may send in a step.

    Returns
    -------
    network, sent
        With as many copies of each neuron as spikes were seen, 16 at most.
    notes
        For the report.
    """
    counts: dict[str, int] = {}
    notes = []
    for name, numbers in sent.items():
        neurons, seen = network.population(name), int(numbers.max(initial=0))
        if most.get(name, 1) > 1 and isinstance(neurons, RealNeurons) and may_be_copied(neurons):
            counts[name] = min(max(seen, 1), MOST_COPIES)
            notes.append(_note(name, counts[name], seen))
        elif seen > 1:
            notes.append(
                f"{name}: sends up to {seen} in a step on the samples looked at; a spike is one"
                " bit on the chip."
            )
    bits = dict(sent)
    for name, count in counts.items():
        if count > 1:
            places = copies(network.population(name).shape, count)
            bits[name] = np.zeros((*sent[name].shape[:2], places.size), dtype=bool)
            for number, place in enumerate(places, start=1):
                bits[name][:, :, place] = sent[name] >= number
    return with_copies(network, counts), bits, notes


def _note(name: str, count: int, seen: int) -> str:
    waits = "what is above threshold beyond that waits in the membrane"
    if seen <= 1:
        return f"{name}: may send several spikes in a step, but sent one at most; {waits}."
    sends = f"{name}: sends up to {seen} spikes in a step on the samples looked at"
    return f"{sends}, by {count} copies of each neuron; {waits}."
