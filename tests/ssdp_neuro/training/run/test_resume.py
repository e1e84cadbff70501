"""Runs that were killed, stopped or out of disk end with the bits of the whole one."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from hw_models import InputError, NetworkFileError
from ssdp_neuro.training import TrainingError, fit, load_model
from ssdp_neuro.training.run.config import RunConfig
from ssdp_neuro.training.run.run_folder import DamagedCheckpointWarning, RunFolder
from tests.ssdp_neuro.training.run.made_runs import OwnNetwork, toy_config, toy_split, weights

ROOT = Path(__file__).parents[4]


def trained(folder=None, *, config=None, **settings):
    config, data = config or toy_config(), settings.pop("data", toy_split())
    return fit(config, data=data, out=folder, show_progress=False, **settings)


@pytest.fixture(scope="module")
def whole():
    """The run that nothing happens to."""
    return trained()


def same(result, other):
    assert weights(result.model) == weights(other.model)
    assert result.history == other.history
    assert result.test_accuracy == other.test_accuracy
    assert (result.best_epoch, result.steps) == (other.best_epoch, other.steps)


def child(folder, kill_at=0):
    command = [sys.executable, "-m", "tests.ssdp_neuro.training.run.killed_run"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*command, str(folder), str(kill_at)], cwd=ROOT, env=environment)


def test_resume__killed_while_it_writes_and_at_random_same_bits(tmp_path, whole):
    draw = random.Random(7)
    folder = tmp_path / "run"
    # between the tensors of the second checkpoint and their description, then anywhere
    for kill_at in (9, 0):
        process = child(folder, kill_at)
        if not kill_at:
            before = RunFolder(folder).steps()
            while RunFolder(folder).steps() == before and process.poll() is None:
                time.sleep(0.005)
            time.sleep(draw.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert RunFolder(folder).newest() is not None
        assert not (folder / "result.json").exists()
        if kill_at:
            assert [entry for entry in folder.rglob("*.partial")]
    same(trained(folder, resume=True), whole)
    assert not [entry for entry in folder.rglob("*.partial")]
    left = {entry.name.partition(".")[2] for entry in (folder / "checkpoints").iterdir()}
    assert left == {"json", "safetensors"}


def stopped_at(step):
    """An ``on_epoch`` that asks to stop, as Ctrl-C does, in the middle of the next epoch."""

    def ask(record):
        if record.epoch == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return ask


@pytest.mark.parametrize("epoch", [0, 2])
def test_resume__stopped_by_a_signal_same_bits(tmp_path, whole, epoch):
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        trained(tmp_path, on_epoch=stopped_at(epoch))
    assert RunFolder(tmp_path).steps()
    same(trained(tmp_path, resume=True), whole)


def test_resume__own_module_with_dropout_and_norm_same_bits(tmp_path):
    config = toy_config(rule__kind="none", model__quantize_from_epoch=1000)
    straight = trained(config=config, model=own_network(0))
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, config=config, model=own_network(0), on_epoch=stopped_at(1))
    result = trained(tmp_path, config=config, model=own_network(1), resume=True)
    same(result, straight)
    assert not result.convertible


def own_network(seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return OwnNetwork()


@pytest.mark.parametrize("rule", ["none", "ssdp", "random", "shuffled-latencies"])
def test_resume__rules_and_optimizers_same_bits(tmp_path, rule):
    course = {"optimizer__kind": "sgd", "optimizer__schedule": "plateau"}
    config = toy_config(rule__kind=rule, training__epochs=2, **course)
    straight = trained(config=config)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, config=config, on_epoch=stopped_at(0))
    same(trained(tmp_path, config=config, resume=True), straight)


def test_resume__adaptive_feedback_same_bits(tmp_path):
    eprop = {"training__gradient": "e-prop", "training__feedback": "adaptive"}
    config = toy_config(rule__kind="none", model__quantize_from_epoch=None, **eprop)
    straight = trained(config=config)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, config=config, on_epoch=stopped_at(1))
    same(trained(tmp_path, config=config, resume=True), straight)


@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_resume__rates_and_batch_normalisation_same_bits(tmp_path, epoch):
    rates = {"rule__kind": "none", "model__bias": True, "model__current_decay": 4095}
    rates |= {"model__voltage_decay": 0, "model__latency": 0, "training__rate_epochs": 2}
    rates |= {"training__batch_norm": True}
    config = toy_config(**rates, model__quantize_from_epoch=4, training__epochs=5)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "run", config=config, on_epoch=stopped_at(epoch))
    same(trained(tmp_path / "run", config=config, resume=True), trained(config=config))


def test_resume__run_that_ended_normalised_gives_the_same_network_again(tmp_path):
    rates = {"rule__kind": "none", "model__bias": True, "model__current_decay": 4095}
    rates |= {"model__voltage_decay": 0, "model__latency": 0, "training__rate_epochs": 4}
    rates |= {"training__batch_norm": True}
    config = toy_config(**rates, model__quantize_from_epoch=None)
    first = trained(tmp_path / "run", config=config)
    same(trained(tmp_path / "run", config=config, resume=True), first)
    stored = load_model(tmp_path / "run" / "best.safetensors")
    assert weights(stored) == weights(first.model)
    data = toy_split().validation
    decided = first.model.decide(data.spikes(np.arange(30), epoch=0))
    assert (decided == data.labels).mean() == first.validation_accuracy


def test_resume__learned_delays_same_bits(tmp_path):
    delays = {"model__learned_delays": "per-synapse", "model__longest_delay": 3}
    config = toy_config(rule__kind="none", optimizer__schedule="constant", **delays)
    straight = trained(config=config)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, config=config, on_epoch=stopped_at(0))
    longer = toy_config(
        **delays, rule__kind="none", optimizer__schedule="constant", training__epochs=9
    )
    with pytest.raises(InputError, match=r"\[training\] epochs was 4"):  # windows depend on it
        trained(tmp_path, config=longer, resume=True)
    same(trained(tmp_path, config=config, resume=True), straight)


def test_resume__after_a_full_disk_same_bits(tmp_path, whole):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(record):
        if record.epoch == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))

    try:
        with pytest.raises(NetworkFileError, match="cannot be written: File too large"):
            trained(tmp_path, on_epoch=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    _, rest = RunFolder(tmp_path).newest()
    assert rest["progress"]["epoch"] == 1
    assert not [entry for entry in tmp_path.rglob("*.partial")]
    same(trained(tmp_path, resume=True), whole)


def test_resume__damaged_checkpoint_the_one_before_is_taken(tmp_path, whole):
    trained(tmp_path)
    newest = sorted((tmp_path / "checkpoints").glob("*.safetensors"))[-1]
    data = newest.read_bytes()
    newest.write_bytes(data[: len(data) // 2])
    with pytest.warns(DamagedCheckpointWarning, match="damaged"):
        same(trained(tmp_path, resume=True), whole)


def test_resume__finished_run_gives_the_same_again(tmp_path, whole):
    trained(tmp_path)
    written = (tmp_path / "best.safetensors").read_bytes()
    same(trained(tmp_path, resume=True), whole)
    assert (tmp_path / "best.safetensors").read_bytes() == written


def test_resume__more_epochs_where_the_rate_does_not_depend_on_them(tmp_path):
    short, long = (
        toy_config(optimizer__schedule="constant", training__epochs=epochs) for epochs in (1, 3)
    )
    trained(tmp_path, config=short)
    same(trained(tmp_path, config=long, resume=True), trained(config=long))


def test_resume__with_fewer_epochs_the_best_is_one_of_them(tmp_path):
    data = toy_split(30, validation=0)  # the last epoch is the best one
    of = {
        n: toy_config(
            optimizer__schedule="constant",
            model__quantize_from_epoch=1,
            training__epochs=n,
            training__checkpoint_steps=0,
            training__checkpoint_epochs=2,
        )
        for n in (1, 2, 3, 4)
    }

    def leave(record):
        if record.epoch == 3:
            raise MemoryError  # as a kill ends it: with a best model, without a checkpoint

    folder = tmp_path / "killed"
    with pytest.raises(MemoryError):
        trained(folder, config=of[4], data=data, on_epoch=leave)
    for epochs in (2, 3):
        straight = trained(tmp_path / f"{epochs}", config=of[epochs], data=data)
        same(trained(folder, config=of[epochs], data=data, resume=True), straight)
        assert best(folder) == best(tmp_path / f"{epochs}")
    with pytest.raises(InputError, match="epochs is 1, and 3 have begun"):
        trained(folder, config=of[1], data=data, resume=True)


def best(folder):
    return (folder / "best.safetensors").read_bytes()


def test_resume__of_a_release_that_did_not_know_a_field_yet(monkeypatch, tmp_path, whole):
    plain = RunConfig.plain

    def without_delays(self):
        tables = plain(self)
        del tables["model"]["delay_window"]
        return tables

    with monkeypatch.context() as earlier:
        earlier.setattr(RunConfig, "plain", without_delays)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path, on_epoch=stopped_at(0))
    same(trained(tmp_path, resume=True), whole)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model__hidden": [11]}, r"\[model\] hidden was \[10\] and is now \[11\]"),
        ({"training__seed": 5}, r"\[training\] seed was 0"),
        ({"training__epochs": 9}, r"\[training\] epochs was 4"),
        ({"rule__a_plus": 0.5}, r"\[rule\] a_plus was 'left out' and is now 0.5"),
    ],
)
def test_resume__refuses_other_settings(tmp_path, change, words):
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, on_epoch=stopped_at(0))
    with pytest.raises(InputError, match=words):
        trained(tmp_path, config=toy_config(**change), resume=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(tmp_path, config=toy_config(training__keep=5, training__patience=9), resume=True)


def test_resume__refuses_other_data(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, on_epoch=stopped_at(0))
    with pytest.raises(InputError, match="data are not those"):
        fit(toy_config(), data=toy_split(91), out=tmp_path, resume=True, show_progress=False)


def test_fit__refuses_a_folder_that_holds_a_run(tmp_path):
    config = toy_config(training__epochs=1)
    trained(tmp_path, config=config)
    with pytest.raises(InputError, match=r"holds a run already.*--resume"):
        trained(tmp_path, config=config)


def test_fit__one_process_at_a_time_in_a_folder(tmp_path):
    with RunFolder(tmp_path).locked(), pytest.raises(TrainingError, match="another process"):
        trained(tmp_path)
