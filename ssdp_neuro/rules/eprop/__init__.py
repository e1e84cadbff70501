"""e-prop in real numbers: eligibility of four neurons, and learning signals.

Pure functions on NumPy arrays and on PyTorch tensors; time is the last axis but one, samples may
come before it. docs/explanation/eprop.md says what holds of the papers' claims.
"""

from ssdp_neuro.rules.eprop.eligibility import (
    RunawayWarning,
    eligibility,
    eligibility_steps,
    gradient,
)
from ssdp_neuro.rules.eprop.feedback import Feedback, adapted_feedback, feedback_weights
from ssdp_neuro.rules.eprop.integer_eprop import (
    EpropState,
    IntegerEprop,
    eprop_rest,
    eprop_step,
    eprop_update,
)
from ssdp_neuro.rules.eprop.learning_signals import (
    class_error,
    constant_signal,
    filtered,
    leaky_readout,
    output_errors,
    readout_gradient,
    reward_signal,
    spike_error,
    van_rossum_distance,
    van_rossum_error,
)
from ssdp_neuro.rules.eprop.neuron_run import NeuronRun, run_neurons
from ssdp_neuro.rules.eprop.spiking_neurons import (
    AdaptiveLif,
    IzhikevichNeuron,
    ResetEligibility,
    SoftResetLif,
    StdpLif,
)

__all__ = [
    "AdaptiveLif",
    "EpropState",
    "Feedback",
    "IntegerEprop",
    "IzhikevichNeuron",
    "NeuronRun",
    "ResetEligibility",
    "RunawayWarning",
    "SoftResetLif",
    "StdpLif",
    "adapted_feedback",
    "class_error",
    "constant_signal",
    "eligibility",
    "eligibility_steps",
    "eprop_rest",
    "eprop_step",
    "eprop_update",
    "feedback_weights",
    "filtered",
    "gradient",
    "leaky_readout",
    "output_errors",
    "readout_gradient",
    "reward_signal",
    "run_neurons",
    "spike_error",
    "van_rossum_distance",
    "van_rossum_error",
]
