"""Steps whose numbers are read one step late, as a GPU's are, against those read at once."""

import dataclasses

import pytest
import torch

from ssdp_neuro.training import TrainingError
from ssdp_neuro.training.run.batch_order import batches_of
from ssdp_neuro.training.run.device import Place
from ssdp_neuro.training.run.learning_rate import make_optimizer
from ssdp_neuro.training.run.training_state import TrainingState
from ssdp_neuro.training.run.training_step import TrainingStep
from tests.ssdp_neuro.training.run.made_runs import OwnNetwork, ToySpikes, toy_config, weights

N_STEPS, BATCH = 5, 16


class Breaking(OwnNetwork):
    """The loss of its third pass is no number."""

    passes = 0

    def forward(self, spikes):
        self.passes += 1
        return super().forward(spikes) * (float("nan") if self.passes == 3 else 1.0)


def made(kind, *, late):
    torch.manual_seed(0)
    config = toy_config(rule__kind="none", model__quantize_from_epoch=None)
    model, train = kind(), ToySpikes(90, 1)
    state = TrainingState(model, make_optimizer(model, config.optimizer), None, None)
    place = Place(torch.device("cpu"))
    return state, TrainingStep(state, config, place, train=train, n_steps=20, late=late), train


def make_steps(step, train, n_steps=N_STEPS):
    for batch in batches_of(0, 0, len(train), BATCH)[:n_steps]:
        step.make(batch, train.spikes(batch.places), train.labels[batch.places])


def test_late__same_weights_and_numbers_as_read_at_once():
    states = []
    for late in (False, True):
        state, step, train = made(OwnNetwork, late=late)
        make_steps(step, train)
        step.settle()
        states.append(state)
    at_once, later = states
    assert weights(at_once.model) == weights(later.model)
    assert at_once.progress == later.progress
    assert at_once.progress.step == N_STEPS
    assert at_once.progress.loss_sum > 0


def test_late__numbers_of_the_last_step_wait_to_be_settled():
    state, step, train = made(OwnNetwork, late=True)
    make_steps(step, train, 1)
    assert (state.progress.step, state.progress.loss_sum) == (1, 0.0)
    step.settle()
    seen = dataclasses.replace(state.progress)
    assert seen.loss_sum > 0
    step.settle()
    assert state.progress == seen


@pytest.mark.parametrize("late", [False, True])
def test_late__a_loss_that_is_no_number_does_not_reach_the_weights(late):
    state, step, train = made(Breaking, late=late)
    with pytest.raises(TrainingError, match="the loss became nan at step 2 "):
        make_steps(step, train)
    assert state.progress.step == (4 if late else 3)
    assert all(parameter.isfinite().all() for parameter in state.model.parameters())
