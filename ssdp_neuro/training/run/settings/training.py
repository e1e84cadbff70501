"""Section ``[training]``: how long, on what, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass

from hw_models.choices import member
from hw_models.eprop import ResetEligibility
from hw_models.integers import integer
from ssdp_neuro.rules.eprop.feedback import Feedback
from ssdp_neuro.training.networks.eprop_eligibility import ResetCredit
from ssdp_neuro.training.run.choices import DeviceKind, GradientKind, LossKind
from ssdp_neuro.training.run.settings.real_number import number

MOST_THREADS = 1024  # OpenMP dies of a hundred thousand


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How long, how many at a time, on what, and what is kept.

    Parameters
    ----------
    epochs
        Passes over the training samples, from 1.
    batch_size
        Samples per step, of all ranks together; batches are made equal to within one.
    seed
        Of initial weights, order of the samples, dropped spikes, random layers.
    loss
        Cross-entropy of the output's spike counts, or (latency) of counts in which a spike
        weighs the more the earlier it comes.
    spike_weight
        What a spike of the output adds to its class's score in the loss, positive. The fewer
        the steps, the more it takes for a loss near 0.
    class_balance
        0: every training sample counts alike in the loss; 1: every class does, however rare;
        between, a sample counts by that power of how rare its class is.
    rate_epochs
        So many epochs from the first take each layer in one pass, by the share of steps in which
        its neurons fire, instead of step by step: some n_steps times faster, and not yet the
        network itself, so the epochs after them train it in spikes. For feed-forward and
        convolutional models with current_decay 4095, voltage_decay 0, reset SUBTRACT and latency 0;
        validation is in spikes in all epochs.
    batch_norm
        Whether epochs in real numbers normalise, over each batch and its steps, what every feature
        or channel of the hidden neurons is given. In integers, in measuring and in files it is part
        of weights and biases, so the model needs bias = true; for feed-forward, recurrent and
        convolutional models without learned delays, on one rank, without a rule and compile.
    gradient
        surrogate: back through all steps. e-prop: forwards in time, in memory that hardly grows
        with the steps, and an approximation; for feed-forward and recurrent models, in real
        numbers, one rank, without dropout layers, learned decays, learned delays, amp and compile.
    feedback
        Of e-prop, what errors come down through: the layers' own weights (symmetric), weights that
        are drawn once (random), or drawn and then changed as the layers' are (adaptive), which
        makes both alike at the pace of learning rate times weight decay.
    reset_eligibility
        Of e-prop, what a reset to zero does to the credit of what came before it: nothing (none,
        a number for each source), it clears it (exact, one for each synapse), or only a source's
        last spike counts, if it came after the reset (time-stamp).
    psi_refractory
        Of e-prop, the surrogate's slope in refractory periods, 0 or negative: what arrives then
        counts against a neuron. Below half the surrogate's peak learning can run away.
    dropped_spikes
        Share of input spikes left out at random in training, 0 to below 1.
    device
        auto takes a GPU if there is one.
    threads
        Of PyTorch, to 1024; 0: as many as it takes by itself. Same numbers only with as many.
    amp
        Mixed precision (bfloat16) in training; measuring is in float32.
    compile
        Whether torch.compile is used in training; PyTorch then needs a C++ compiler.
    patience
        Epochs without a gain on validation samples that end training; 0: never.
    checkpoint_epochs
        Epochs from one checkpoint to the next, from 1.
    checkpoint_steps
        Also one after so many steps within an epoch; 0: none.
    keep
        Checkpoints kept beside the best model, from 1.
    tensorboard
        Whether the run's folder also gets TensorBoard's event files.
    """

    epochs: int = 20
    batch_size: int = 128
    seed: int = 0
    loss: LossKind = LossKind.COUNTS
    spike_weight: float = 1.0
    class_balance: float = 0.0
    rate_epochs: int = 0
    batch_norm: bool = False
    gradient: GradientKind = GradientKind.SURROGATE
    feedback: Feedback = Feedback.SYMMETRIC
    reset_eligibility: ResetEligibility = ResetEligibility.NONE
    psi_refractory: float = 0.0
    dropped_spikes: float = 0.0
    device: DeviceKind = DeviceKind.AUTO
    threads: int = 0
    amp: bool = False
    compile: bool = False
    patience: int = 0
    checkpoint_epochs: int = 1
    checkpoint_steps: int = 0
    keep: int = 2
    tensorboard: bool = False

    def __post_init__(self) -> None:
        member("[training] loss", self.loss, LossKind)
        member("[training] gradient", self.gradient, GradientKind)
        member("[training] feedback", self.feedback, Feedback)
        member("[training] reset_eligibility", self.reset_eligibility, ResetEligibility)
        number("[training] psi_refractory", self.psi_refractory, most=0)
        member("[training] device", self.device, DeviceKind)
        lowest = {"epochs": 1, "batch_size": 1, "checkpoint_epochs": 1, "keep": 1}
        integer("[training] threads", self.threads, 0, MOST_THREADS)
        for field in (*lowest, "patience", "checkpoint_steps", "rate_epochs"):
            integer(f"[training] {field}", getattr(self, field), lowest.get(field, 0), 2**31 - 1)
        integer("[training] seed", self.seed, 0, 2**31 - 1)
        number("[training] spike_weight", self.spike_weight, above=0)
        number("[training] class_balance", self.class_balance, least=0, most=1)
        number("[training] dropped_spikes", self.dropped_spikes, least=0, below=1)

    @property
    def reset_credit(self) -> ResetCredit:
        """Both settings of e-prop's eligibility."""
        return ResetCredit(eligibility=self.reset_eligibility, psi_refractory=self.psi_refractory)
