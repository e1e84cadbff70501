"""One layer by itself in the engine, fed by what has been converted before it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from conversions.quantization.constant_drive import BiasForm, drive
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid
from conversions.quantization.lowering import clock, free_name, lower
from conversions.quantization.recordings import Recordings
from conversions.real_network.simulator import AloneRun
from hw_models import FixedPointNetwork, InputPopulation
from hw_models.arithmetic import ALIGN_SHIFT

if TYPE_CHECKING:
    from ssdp_neuro.engine.results import RunResult


@dataclass(frozen=True, eq=False)
class Trial:
    """A layer on the bench.

    Parameters
    ----------
    layer
        The layer.
    recordings
        What its sources send, and what it should do.
    form
        Of its biases.
    """

    layer: Layer
    recordings: Recordings
    form: BiasForm

    @cached_property
    def wanted(self) -> np.ndarray:
        """Spikes of the model, bool ``(B, T, N)``."""
        return self.recordings.before[self.layer.name]

    @cached_property
    def model(self) -> AloneRun:
        """The layer in real numbers, fed by the model's spikes."""
        return self.recordings.alone(self.layer)

    def spikes(self, grid: LayerGrid) -> np.ndarray:
        """Spikes on a grid, bool ``(B, network steps, N)``."""
        return self._run(grid).raster(self.layer.name)

    def missed(self, grid: LayerGrid) -> float:
        """How much the layer does otherwise on a grid.

        Spikes too many or too few; of a readout, the sum of its potential's squared errors.
        """
        if self.layer.dynamics.is_readout:
            return float(np.square(self.readout(grid) - self.model.potentials).sum())
        fired = self.recordings.in_model_time(self.layer.name, self.spikes(grid))
        return float((fired != self.wanted).sum())

    def readout(self, grid: LayerGrid) -> np.ndarray:
        """Potentials of a readout on a grid, in real numbers, float64 ``(B, T, N)``."""
        name = self.layer.name
        v = self._run(grid, ((name, "v"),)).probe(name, "v")
        return np.ldexp(self.recordings.in_model_time(name, v) / grid.units, -ALIGN_SHIFT)

    def _run(self, grid: LayerGrid, probes: tuple[tuple[str, str], ...] = ()) -> RunResult:
        from ssdp_neuro.engine.simulator import Simulator

        name, network = self.layer.name, self.layer.network
        sources = [source for source in self.layer.sources if source != name]
        inputs = [InputPopulation(name=n, shape=network.population(n).shape) for n in sources]
        spikes = {source: self.recordings.arriving(source) for source in sources}
        clock_name = free_name("bias", [*sources, name])
        if not inputs:  # it drives itself; a silent input says how many samples there are
            silence = free_name("silence", [clock_name, name])
            inputs = [InputPopulation(name=silence, shape=(1,))]
            size = (self.recordings.n_samples, self.recordings.network_steps, 1)
            spikes = {silence: np.zeros(size, dtype=bool)}
        constant = drive(self.layer, grid.units, grid.threshold, self.form)
        records = lower(self.layer, grid, constant, clock_name)
        started = [clock(clock_name)] if records.clock else []
        alone = FixedPointNetwork(
            populations=[*inputs, *started, *records.relays, records.population],
            projections=records.projections,
        )
        steps = self.recordings.network_steps
        return Simulator(alone).run(spikes, n_steps=steps, probes=probes, progress=False)
