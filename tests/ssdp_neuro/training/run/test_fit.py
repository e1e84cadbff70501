import json
import typing

import numpy as np
import pytest
import torch
from torch import nn

from hw_models import InputError, NetworkFileError, RangeError, ShapeError
from ssdp_neuro.rules.names import RuleName
from ssdp_neuro.training import EpochRecord, TrainingError, config_of, fit, load_model
from ssdp_neuro.training.networks.stages import stages
from ssdp_neuro.training.run.choices import ModelKind
from ssdp_neuro.training.run.rule_choice import connections_of
from ssdp_neuro.training.run.run_folder import RunFolder
from ssdp_neuro.training.run.settings.rule import TrainingRule
from tests.ssdp_neuro.training.run.made_runs import (
    N_CLASSES,
    N_INPUTS,
    OwnNetwork,
    toy_config,
    toy_split,
    weights,
)


def trained(config, **settings):
    return fit(config, data=settings.pop("data", toy_split()), show_progress=False, **settings)


def test_fit__learns_and_looks_at_the_test_once_at_the_end(tmp_path):
    data = toy_split()
    reads = []
    config = toy_config(training__epochs=6, training__dropped_spikes=0.0)
    result = trained(
        config, data=data, out=tmp_path, on_epoch=lambda record: reads.append(data.test.reads)
    )
    assert reads == [0] * 6
    assert data.test.reads == len(data.test)
    assert result.history[-1].loss < 0.6 * result.history[0].loss
    assert result.test_accuracy > 0.8
    assert [record.epoch for record in result.history] == list(range(6))
    assert [record.quantized for record in result.history] == [False] * 2 + [True] * 4


def test_fit__best_is_the_first_of_the_highest_validation_accuracies_on_integers(tmp_path):
    result = trained(toy_config(training__epochs=5), out=tmp_path)
    on_integers = {r.epoch: r.validation_accuracy for r in result.history if r.quantized}
    highest = max(on_integers.values())
    assert result.validation_accuracy == highest
    assert result.best_epoch == min(e for e, value in on_integers.items() if value == highest)


def test_fit__best_file_is_the_model_and_converts(tmp_path):
    from conversions import from_torch

    result = trained(toy_config(), out=tmp_path)
    stored = load_model(tmp_path / "best.safetensors")
    assert weights(stored) == weights(result.model)
    network, _ = from_torch(stored)
    assert network.population("output").n_neurons == N_CLASSES
    data = toy_split().test
    decided = stored.decide(data.spikes(np.arange(len(data))))
    assert (decided == data.labels).mean() == result.test_accuracy
    described = json.loads((tmp_path / "result.json").read_text())
    assert described["test_accuracy"] == result.test_accuracy
    assert [EpochRecord(**record) for record in described["history"]] == list(result.history)


def test_fit__same_seed_same_weights_whatever_the_random_state():
    config = toy_config(training__epochs=2)
    first = trained(config)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert weights(trained(config).model) == weights(first.model)
    assert torch.equal(torch.get_rng_state(), before)
    other = trained(toy_config(training__epochs=2, training__seed=1))
    assert weights(other.model) != weights(first.model)


@pytest.mark.parametrize("kind", ModelKind)
@pytest.mark.parametrize("amp", [False, True])
def test_fit__every_architecture_with_every_layer_under_the_rule(kind, amp):
    config = config_of(
        {
            "data": {"n_steps": 5, "train_limit": 40, "validation_limit": 20, "test_limit": 20},
            "model": {"kind": kind.value, "hidden": [8], "blocks": 1, "gain": 3.0},
            "rule": {"kind": "ssdp", "layers": ["all"], "warm_up_steps": 1},
            "training": {"epochs": 1, "batch_size": 20, "threads": 1, "amp": amp},
        }
    )
    without = config_of({**config.plain(), "rule": {}})
    results = [trained(chosen, data=None) for chosen in (config, without)]
    assert weights(results[0].model) != weights(results[1].model)
    names = {
        ModelKind.FEED_FORWARD: ["hidden", "output"],
        ModelKind.RECURRENT: ["hidden.recurrent", "hidden", "output"],
        ModelKind.CONVOLUTIONAL: ["maps1", "output"],
        ModelKind.TRANSFORMER: ["blocks.0.fire_again"],
    }
    assert list(connections_of(results[0].model)) == names[kind]


@pytest.mark.parametrize("kind", typing.get_args(TrainingRule))
def test_fit__every_rule_makes_weights_of_its_own(kind):
    changes = {"training__epochs": 1, "rule__a_plus": 0.05}
    result = trained(toy_config(rule__kind=kind.value, **changes))
    plain = trained(toy_config(rule__kind="none", **changes))
    assert (weights(result.model) == weights(plain.model)) == (kind is RuleName.NONE)


def test_fit__latency_loss_is_another_loss():
    losses = [
        trained(toy_config(training__loss=loss, training__epochs=1)).history[0].loss
        for loss in ("counts", "latency")
    ]
    assert losses[0] != losses[1]


def test_fit__early_stop_and_plateau():
    config = toy_config(
        training__epochs=50,
        training__patience=3,
        optimizer__schedule="plateau",
        optimizer__plateau_patience=1,
        model__quantize_from_epoch=None,
    )
    result = trained(config)
    accuracies = [record.validation_accuracy for record in result.history]
    assert len(accuracies) == result.best_epoch + 4 < 50
    assert max(accuracies) == accuracies[result.best_epoch]
    assert result.history[-1].learning_rate == pytest.approx(
        result.history[result.best_epoch].learning_rate / 4
    )


class Overflowing(OwnNetwork):
    """Gives no number from a certain pass on."""

    passes = 0

    def forward(self, spikes):
        self.passes += self.training
        return super().forward(spikes) / float(self.passes < 9)


class Unseen(OwnNetwork):
    """Has a number that is none, and does not show it."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(2))

    def forward(self, spikes):
        self.seen += torch.tensor([0.0, torch.inf])
        return super().forward(spikes)


def test_fit__loss_that_is_no_number_names_the_step_and_leaves_the_checkpoint(tmp_path):
    config = toy_config(rule__kind="none", model__quantize_from_epoch=None)
    with pytest.raises(TrainingError, match=r"step 8 \(epoch 1\).*learning_rate.*of step 8"):
        trained(config, out=tmp_path, model=Overflowing())
    tensors, rest = RunFolder(tmp_path).newest()
    assert rest["progress"]["step"] == 8
    assert all(torch.isfinite(t).all() for t in tensors.values() if t.is_floating_point())


def test_fit__gradient_that_overflows_is_refused():
    class Steep(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(1))

        def forward(self, spikes):
            return spikes.sum(1)[:, :N_CLASSES] * self.scale.sqrt()  # slope without bound at 0

    config = toy_config(rule__kind="none", model__quantize_from_epoch=None)
    with pytest.raises(TrainingError, match=r"norm of the gradient became (inf|nan) at step 0"):
        trained(config, model=Steep())


def test_fit__starts_from_the_weights_of_another_run(tmp_path):
    first = trained(toy_config(), out=tmp_path)
    start = str(tmp_path / "best.safetensors")
    again = toy_config(model__start_from=start, training__epochs=1, model__quantize_from_epoch=0)
    assert trained(again).history[0].loss < first.history[0].loss
    with pytest.raises(InputError, match=r"best\.safetensors: .*shape"):
        trained(toy_config(model__start_from=start, model__hidden=[9]))


def test_fit__refuses_to_start_from_a_network_that_has_more(tmp_path):
    plain = {"rule__kind": "none", "model__quantize_from_epoch": None, "training__epochs": 1}
    trained(toy_config(**plain, model__kind="recurrent"), out=tmp_path)
    start = str(tmp_path / "best.safetensors")
    with pytest.raises(InputError, match=r"it has hidden\.recurrent\.weight, this one has not"):
        trained(toy_config(**plain, model__start_from=start))


def test_fit__refuses_what_has_no_integers_before_it_trains():
    epochs = []
    config = toy_config(rule__kind="none", model__quantize_from_epoch=2)
    with pytest.raises(InputError, match="quantize_from_epoch: norm: BatchNorm1d"):
        trained(config, model=OwnNetwork(), on_epoch=epochs.append)
    assert not epochs


def test_fit__trains_on_few_bits_as_many_in_each_layer_as_were_asked_for():
    bits = (2, 3)
    result = trained(toy_config(model__weight_bits=bits))
    for stage, most in zip(stages(result.model), bits, strict=True):
        assert 1 < len(torch.unique(stage.synapses.weight.detach())) <= 2**most
    epochs = []
    with pytest.raises(RangeError, match=r"\[model\] weight_bits: 3 numbers for 2 layers"):
        trained(toy_config(model__weight_bits=(8, 4, 2)), on_epoch=epochs.append)
    assert not epochs


def test_fit__weights_that_are_no_numbers_are_not_stored(tmp_path):
    plain = {"rule__kind": "none", "model__quantize_from_epoch": None}
    with pytest.raises(TrainingError, match=r"^seen is no longer finite .*step 2 .*rate") as error:
        trained(toy_config(**plain), model=Unseen(), out=tmp_path)
    assert "start_from" not in str(error.value)  # there is nothing to start from yet
    assert RunFolder(tmp_path).newest() is None


def test_fit__tensorboard_and_history(tmp_path):
    trained(toy_config(training__epochs=1, training__tensorboard=True), out=tmp_path)
    (events,) = (tmp_path / "tensorboard").iterdir()
    assert b"accuracy/validation" in events.read_bytes()


@pytest.mark.parametrize(
    ("changes", "data", "words"),
    [
        ({"rule__layers": ["hiden"]}, {}, "did you mean 'hidden'"),
        ({"training__patience": 3}, {"validation": 0}, "needs validation samples"),
        ({"optimizer__schedule": "plateau"}, {"validation": 0}, "needs validation samples"),
        ({}, {"n_train": 0}, "0 training"),
        ({"model__start_from": "nowhere.safetensors"}, {}, "nowhere.safetensors"),
    ],
)
def test_fit__refuses_what_does_not_go_together(changes, data, words):
    with pytest.raises(ValueError, match=words):
        trained(toy_config(**changes), data=toy_split(**data))


class Scores(nn.Module):
    """Scores of the spike counts, changed at the end."""

    def __init__(self, change):
        super().__init__()
        self.layer, self.change = nn.Linear(N_INPUTS, N_CLASSES), change

    def forward(self, spikes):
        return self.change(self.layer(spikes.sum(1)))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Scores(lambda s: s[:, :2]), "gives 2 classes for 15 samples; the data has 3 for 15"),
        (Scores(lambda s: s[:4]), "gives 3 classes for 4 samples"),
        (Scores(lambda s: (s, s)), "the model gave tuple"),
        (Scores(lambda s: None), "the model gave NoneType"),
        (Scores(lambda s: s[:, 0]), r"the model gave \(15,\)"),
        (Scores(lambda s: s.detach()), "does not depend on a parameter"),
        (Scores(lambda s: s).requires_grad_(False), "does not depend on a parameter"),
        (nn.Identity(), "no parameters to train"),
    ],
)
def test_fit__refuses_a_model_that_cannot_be_trained(model, words):
    config = toy_config(rule__kind="none", model__quantize_from_epoch=None)
    with pytest.raises((InputError, ShapeError), match=words):
        trained(config, model=model)


def test_fit__without_validation_the_last_epoch_is_best(tmp_path):
    result = trained(toy_config(), data=toy_split(validation=0), out=tmp_path)
    assert (result.best_epoch, result.validation_accuracy) == (3, None)


def test_fit__best_of_an_own_module_says_that_it_does_not_convert(tmp_path):
    plain = {"rule__kind": "none", "model__quantize_from_epoch": None, "training__epochs": 1}
    assert not trained(toy_config(**plain), model=OwnNetwork(), out=tmp_path).convertible
    with pytest.raises(NetworkFileError, match="no form on the chip"):
        load_model(tmp_path / "best.safetensors")
