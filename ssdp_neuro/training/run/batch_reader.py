"""The spikes of the coming steps, read while the present one is trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ssdp_neuro.data import SpikeDataset
from ssdp_neuro.training.run.batch_order import Batch


def read_ahead(
    data: SpikeDataset, batches: Sequence[Batch], epoch: int
) -> Iterator[tuple[Batch, np.ndarray]]:
    """Each batch with its spikes, bool ``(B, T, *input_shape)``; one is read ahead."""
    with ThreadPoolExecutor(1) as reader:
        coming = [reader.submit(data.spikes, b.places, epoch=epoch) for b in batches[:1]]
        for batch, after in zip(batches, [*batches[1:], None], strict=True):
            now = coming.pop()
            if after is not None:
                coming.append(reader.submit(data.spikes, after.places, epoch=epoch))
            yield batch, now.result()
