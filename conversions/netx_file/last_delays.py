"""Delays of what the last layer sends, which no projection follows."""

from __future__ import annotations

import numpy as np

from conversions.netx_file.chain import Chain
from hw_models import DenseProjection, LifPopulation, SparseProjection


def delay_last_spikes(chain: Chain) -> None:
    """Delays of the last layer's spikes, which no projection follows."""
    leaving, last = chain.leaving, chain.source
    if leaving is None:
        return
    into = [p for p in chain.projections if p.target == last.name]
    at_rest = not last.bias.any() and len(into) == 1 and isinstance(into[0], DenseProjection)
    if at_rest:
        dense = into[0]
        before = 0 if dense.delays is None else dense.delays.astype(np.int64)
        chain.projections[chain.projections.index(dense)] = DenseProjection(
            source=dense.source,
            target=dense.target,
            weights=dense.weights,
            weight_exponent=dense.weight_exponent,
            delays=np.broadcast_to(before + leaving[:, None], dense.weights.shape),
            name=dense.name,
        )
        chain.notes.append(
            f"{last.name}: the last layer's delays are those of what arrives at it, which comes to"
            " the same."
        )
        return
    places = np.arange(last.n_neurons)
    chain.populations.append(
        LifPopulation(
            name=f"{last.name} delayed",
            shape=last.shape,
            current_decay=4095,
            voltage_decay=4096,
            threshold=1,
        )
    )
    chain.projections.append(
        SparseProjection(
            source=last.name,
            target=chain.source.name,
            pre=places,
            post=places,
            weights=np.full(len(places), 2),
            delays=leaving,
        )
    )
    chain.notes.append(
        f"{chain.source.name}: neurons that repeat the spikes of {last.name} as late as the last"
        " layer's delays say, and one step later."
    )
