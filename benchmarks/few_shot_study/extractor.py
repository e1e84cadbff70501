"""The frozen part: hidden neurons trained on some classes, and what they say of all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.few_shot_study.settings import DataSettings, StudySettings
from conversions.pytorch.conversion import from_torch
from conversions.quantization import ScaleForm
from hw_models import DenseProjection, FixedPointNetwork
from ssdp_neuro import simulate
from ssdp_neuro.data.spike_data import SpikeSamples
from ssdp_neuro.rules.plastic_readout import READOUT
from ssdp_neuro.training import SpikingNetwork, feed_forward, fit_arrays

HIDDEN = "hidden"
CURRENT_DECAY, VOLTAGE_DECAY = 1023, 256
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

    def features(self, samples: SpikeSamples) -> SpikeSamples:
        """Spikes of the hidden neurons, which no learning changes, ``(B, T, n_hidden)``."""
        hidden = FixedPointNetwork(
            populations=self.network.populations[:2], projections=self.network.projections[:1]
        )
        run = simulate(hidden, samples.spikes, n_steps=samples.n_steps, n_threads=1)
        return SpikeSamples(spikes=run.raster(HIDDEN), labels=samples.labels)

    @property
    def readout(self) -> DenseProjection:
        """The trained projection from hidden neurons to the output."""
        projection = self.network.projection(READOUT)
        assert isinstance(projection, DenseProjection)
        return projection


def train_extractor(
    samples: SpikeSamples, data: DataSettings, settings: StudySettings, seed: int
) -> Extractor:
    """Train on samples whose labels are 0 to ``n_trained - 1``, and convert."""
    model = feed_forward(
        (samples.spikes.shape[2], settings.n_hidden, settings.n_trained),
        seed=seed,
        gain=data.gain,
        current_decay=CURRENT_DECAY,
        voltage_decay=VOLTAGE_DECAY,
    )
    fit_arrays(
        model,
        samples.spikes,
        samples.labels,
        epochs=data.epochs,
        learning_rate=data.learning_rate,
        seed=seed,
        n_threads=1,
        show_progress=False,
    )
    few = slice(0, CALIBRATION_SAMPLES)
    known = (samples.spikes[few], samples.labels[few])
    # one threshold for the layer that new neurons will join
    network, _ = from_torch(model, calibration=known, scales=ScaleForm.LAYER)
    return Extractor(model=model, network=network)


def relabelled(samples: SpikeSamples, classes: np.ndarray) -> SpikeSamples:
    """The same samples, class ``classes[i]`` called ``i``."""
    names = np.empty(int(classes.max()) + 1, dtype=np.int64)
    names[classes] = np.arange(len(classes))
    return SpikeSamples(spikes=samples.spikes, labels=names[samples.labels])
