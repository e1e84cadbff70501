"""How high the spikes are that neurons return: a spike of the chip is a bit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from conversions.pytorch.neurons.registry import is_read_as_itself
from conversions.pytorch.trace.observer import ObservedLayer
from hw_models import ConversionError


def spike_heights(
    layers: Mapping[str, ObservedLayer], sent: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Heights of spikes other than 1, float64 ``(N,)`` by path.

    Parameters
    ----------
    layers
        By path.
    sent
        What each returned in the model's own run, ``(B, T, N)``, by path.

    Returns
    -------
    heights
        Of layers whose spikes are not 1; those of one neuron are alike.
    notes
        For the report.

    Raises
    ------
    ConversionError
        If a neuron's spikes differ in height, which the following weights cannot hold.
    """
    heights: dict[str, np.ndarray] = {}
    notes: list[str] = []
    for path, layer in layers.items():
        if path not in sent:
            continue
        values, kind = sent[path], type(layer.module).__name__
        most = layer.reading.most_spikes
        fired = values != 0
        if most > 1:
            if (values != np.rint(values)).any() or (values < 0).any():
                raise ConversionError(
                    f"{path}: {kind} returns {_examples(values)}; numbers of spikes are expected"
                )
            continue
        seen = fired.any(axis=(0, 1))
        if not seen.any():
            if not is_read_as_itself(layer.module):
                notes.append(
                    f"{path}: {kind} sent no spike on the samples looked at, so nobody has seen how"
                    " high its spikes are; they are taken as 1."
                )
            continue
        high = np.where(fired, values, -np.inf).max(axis=(0, 1))
        low = np.where(fired, values, np.inf).min(axis=(0, 1))
        if (high[seen] != low[seen]).any():
            raise ConversionError(
                f"{path}: the spikes of {kind} differ in height ({_examples(values)}); a spike is"
                " one bit on the chip. Supported are spikes of one height for each neuron, which"
                " joins the weights after them"
            )
        if (high[seen] == 1.0).all():
            continue
        common = high[seen][0]
        heights[path] = np.where(seen, high, common).astype(np.float64)
        alike = bool((high[seen] == common).all())
        text = f"{common:.6g}" if alike else f"{high[seen].min():.6g} to {high[seen].max():.6g}"
        note = f"{path}: spikes of height {text}, which the weights after them hold."
        if not alike and not seen.all():
            note += f" {int((~seen).sum())} neurons sent none and are taken as {common:.6g}."
        notes.append(note)
    return heights, notes


def _examples(values: np.ndarray) -> str:
    different = np.unique(values[values != 0])
    few = ", ".join(f"{value:.4g}" for value in different[:3])
    return f"{few}, ..." if len(different) > 3 else few
