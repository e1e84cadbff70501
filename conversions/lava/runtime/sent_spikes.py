"""What Processes send by ``s_out``, kept for who asks after a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.compiler.channels.pypychannel import CspSendPort

from conversions.lava.runtime.model_building import Actor

PORT = "s_out"


class SentSpikes(CspSendPort):
    """One more end at a port, which packs eight neurons into a byte.

    Parameters
    ----------
    model
        Whose port it is; its time step is looked at.
    size
        Neurons.
    """

    def __init__(self, model: Any, size: int) -> None:
        self._model, self._size = model, size
        self._rows: dict[int, np.ndarray] = {}
        self.start = self.join = lambda: None

    def send(self, data: np.ndarray) -> None:
        """Keep what is sent in this step."""
        sent = np.packbits(np.asarray(data).reshape(-1) != 0)
        step = self._model.time_step
        self._rows[step] = sent | self._rows[step] if step in self._rows else sent

    def probe(self) -> bool:
        """There is always room."""
        return True

    def add(self, first_step: int, spikes: np.ndarray) -> None:
        """Keep spikes ``(n_steps, size)`` of the steps that follow ``first_step``."""
        for number, row in enumerate(np.packbits(spikes, axis=1), start=first_step + 1):
            self._rows[number] = row

    def raster(self, n_steps: int) -> np.ndarray:
        """Bool ``(n_steps, size)``."""
        kept = np.zeros((n_steps, -(-self._size // 8)), np.uint8)
        for step, row in self._rows.items():
            if 0 < step <= n_steps:
                kept[step - 1] = row
        return np.unpackbits(kept, axis=1, count=self._size).astype(bool)


def record_outputs(actors: dict[int, Actor]) -> dict[int, SentSpikes]:
    """Listen at every output named ``s_out``, by id of the Process."""
    records = {}
    for key, actor in actors.items():
        if PORT in actor.process.out_ports.member_names and not actor.is_async:
            records[key] = SentSpikes(actor.model, int(np.prod(getattr(actor.process, PORT).shape)))
            getattr(actor.model, PORT).csp_ports.append(records[key])
    return records
