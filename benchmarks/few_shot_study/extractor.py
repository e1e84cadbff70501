"""The frozen part: hidden neurons trained on some classes, and what they say of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.few_shot_study.settings import StudyData, StudySettings
from conversions.pytorch.model_conversion import from_torch
from conversions.quantization import ScaleForm
from hw_models import DenseProjection, FixedPointNetwork
from ssdp_neuro import simulate
from ssdp_neuro.data import SpikeDataset, Subset, from_arrays, to_arrays
from ssdp_neuro.rules.plastic_readout import READOUT
from ssdp_neuro.training import SpikingNetwork, config_of, fit

HIDDEN = "hidden"
CURRENT_DECAY, VOLTAGE_DECAY = 1023, 256
BATCH = 32
CALIBRATION_SAMPLES = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Extractor:
    """A network trained on some classes, in real numbers and as the chip has it.

    Parameters
    ----------
    model
        In real numbers.
    network
        Its conversion: input, hidden and one output neuron per trained class.
    """

    model: SpikingNetwork
    network: FixedPointNetwork

    def features(self, samples: SpikeDataset) -> SpikeDataset:
        """The samples as spikes of the hidden neurons, which no learning changes."""
        hidden = FixedPointNetwork(
            populations=self.network.populations[:2], projections=self.network.projections[:1]
        )
        spikes, labels = to_arrays(samples)
        run = simulate(hidden, spikes, n_steps=samples.n_steps, n_threads=1)
        return from_arrays(run.raster(HIDDEN), labels, n_classes=samples.n_classes)

    @property
    def readout(self) -> DenseProjection:
        """The trained projection from hidden neurons to the output."""
        projection = self.network.projection(READOUT)
        assert isinstance(projection, DenseProjection)
        return projection


def train_extractor(
    samples: SpikeDataset, data: StudyData, settings: StudySettings, seed: int
) -> Extractor:
    """Train on samples whose labels are 0 to ``n_trained - 1``, and convert."""
    config = config_of(
        {
            "model": {
                "hidden": [settings.n_hidden],
                "gain": data.gain,
                "current_decay": CURRENT_DECAY,
                "voltage_decay": VOLTAGE_DECAY,
                "reset": "zero",
            },
            "optimizer": {"learning_rate": data.learning_rate, "weight_decay": 0.3},
            "training": {
                "epochs": data.epochs,
                "batch_size": BATCH,
                "dropped_spikes": 0.2,
                "seed": seed,
                "threads": 1,
            },
        }
    )
    model: Any = fit(config, data=samples, show_progress=False).model
    few = Subset(dataset=samples, places=np.arange(len(samples))[:CALIBRATION_SAMPLES])
    # one threshold for the layer that new neurons will join
    network, _ = from_torch(model, calibration=to_arrays(few), scales=ScaleForm.LAYER)
    return Extractor(model=model, network=network)
