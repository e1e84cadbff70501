"""What is published of the cortical microcircuit, and how it is made smaller.

T. C. Potjans, M. Diesmann: The Cell-Type Specific Cortical Microcircuit: Relating Structure and
Activity in a Full-Scale Spiking Network Model. Cerebral Cortex 24 (3), 785-806 (2014),
doi:10.1093/cercor/bhs358: its Tables 4 and 5. Rows are targets, columns sources.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
PROBABILITIES = np.array(  # that two neurons have at least one synapse
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
        [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
    ]
)
BACKGROUND_SYNAPSES = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
BACKGROUND_HZ = 8.0

STEP_MS = 0.1
CAPACITANCE_PF = 250.0
MEMBRANE_MS = 10.0
CURRENT_MS = 0.5
REFRACTORY_MS = 2.0
REST_MV, THRESHOLD_MV = -65.0, -50.0  # and reset to rest
WEIGHT_PA = 87.8  # of an excitatory synapse; its potential is 0.15 mV high
WEIGHT_SPREAD = 0.1  # standard deviation by mean
INHIBITION = -4.0  # an inhibitory weight by an excitatory one
STRONGER = ("L4E", "L23E")  # the excitatory projection of twice the weight
DELAY_MS = (1.5, 0.75)  # mean of excitatory and inhibitory synapses
DELAY_SPREAD = 0.5
START_MV = (-58.0, 10.0)  # mean and standard deviation of the first membrane potentials

# Rates of a run of NEST at full scale, published with its example "Microcircuit"
# (pynest/examples/Potjans_2014, "full_mean_rates"); the same correction as there needs them.
FULL_RATES_HZ = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])


@dataclass(frozen=True)
class Scale:
    """The circuit with a share of its neurons, each with as large a share of its synapses.

    With ``k`` of the synapses, weights grow by ``1 / sqrt(k)``, which keeps the variance of the
    input, and a constant current makes up for the missing mean (S. J. van Albada, M. Helias,
    M. Diesmann 2015, doi:10.1371/journal.pcbi.1004490). At 1 nothing changes.
    """

    share: float

    @property
    def sizes(self) -> np.ndarray:
        """Neurons of each population."""
        return np.maximum(np.rint(SIZES * self.share).astype(np.int64), 1)

    @property
    def synapses(self) -> np.ndarray:
        """Mean number of synapses, ``(target, source)``, in real numbers."""
        return full_synapses() * self.share * self.sizes[:, None] / SIZES[:, None]

    @property
    def weights_pa(self) -> np.ndarray:
        """Mean weights, ``(target, source)``."""
        return mean_weights_pa() / np.sqrt(self.share)

    @property
    def background_pa(self) -> float:
        """Weight of a background synapse."""
        return WEIGHT_PA / float(np.sqrt(self.share))

    @property
    def background_events(self) -> np.ndarray:
        """Background spikes of a neuron in a step, their mean."""
        return BACKGROUND_SYNAPSES * self.share * BACKGROUND_HZ * STEP_MS / 1000

    def currents_pa(self, is_poisson: bool) -> np.ndarray:
        """Constant current of each population: what scaling, or no Poisson input, leaves out."""
        missing = 1 - np.sqrt(self.share)
        indegrees = full_synapses() / SIZES[:, None]
        recurrent = (mean_weights_pa() * indegrees) @ FULL_RATES_HZ
        background = WEIGHT_PA * BACKGROUND_SYNAPSES * BACKGROUND_HZ
        share = missing if is_poisson else 1.0
        return CURRENT_MS / 1000 * (missing * recurrent + share * background)


def full_synapses() -> np.ndarray:
    """Synapses of the full circuit, ``(target, source)``: equation 1 of the paper."""
    pairs = SIZES[:, None] * SIZES[None, :].astype(float)
    return np.log1p(-PROBABILITIES) / np.log1p(-1 / pairs)


def mean_weights_pa() -> np.ndarray:
    """Mean weights of the full circuit, ``(target, source)``."""
    is_inhibitory = np.array([name.endswith("I") for name in POPULATIONS])
    weights = np.where(is_inhibitory, INHIBITION, 1.0) * np.full((8, 8), WEIGHT_PA)
    source, target = (POPULATIONS.index(name) for name in STRONGER)
    weights[target, source] *= 2
    return weights


def kept_shares() -> tuple[float, float]:
    """What a step leaves of a current and of a membrane potential."""
    return float(np.exp(-STEP_MS / CURRENT_MS)), float(np.exp(-STEP_MS / MEMBRANE_MS))


def mv_per_pa() -> tuple[float, float]:
    """What a step adds to a potential: of a synaptic current as it begins, of a constant one."""
    kept_i, kept_v = kept_shares()
    shape = MEMBRANE_MS * CURRENT_MS / (MEMBRANE_MS - CURRENT_MS)
    return shape * (kept_v - kept_i) / CAPACITANCE_PF, MEMBRANE_MS / CAPACITANCE_PF * (1 - kept_v)
