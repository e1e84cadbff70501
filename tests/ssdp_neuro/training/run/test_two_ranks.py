"""Two processes with one run: identical weights, and what one process would have made."""

import dataclasses
import datetime
import gc
import json
import os
import re
import socket
import time

import numpy as np
import pytest
import torch
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from hw_models import InputError
from ssdp_neuro.training import TrainingError, fit
from tests.ssdp_neuro.training.run.made_runs import (
    OwnNetwork,
    ToySpikes,
    toy_config,
    toy_split,
    weights,
)

# no dropped spikes: each rank draws its own
CONFIG = {"training__dropped_spikes": 0.0, "optimizer__schedule": "constant"}
REAL = {**CONFIG, "model__quantize_from_epoch": None}
LIMIT = datetime.timedelta(minutes=9)  # a busy machine takes minutes to import PyTorch twice
pytestmark = pytest.mark.timeout(600)
OWN = {**REAL, "rule__kind": "none"}
SHORT = {**REAL, "optimizer__kind": "sgd", "training__epochs": 2, "rule__a_plus": 0.05}


def trained(config, **settings):
    return fit(config, data=settings.pop("data", toy_split()), show_progress=False, **settings)


def own_network(rank):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(rank)  # the first rank's weights are everybody's
        return OwnNetwork()


def launched(rank, ports):
    """As torchrun does it: the environment says who this is."""
    names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": ports[0]}
    os.environ.update({name: str(value) for name, value in names.items()})
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    gc.disable()
    result = trained(toy_config(**SHORT))
    assert not dist.is_initialized()
    # a wrapper that outlives its group can wait for it forever; also one that a traceback holds
    # at a port of its own: that of the run before may still answer while its first rank leaves
    os.environ["MASTER_PORT"] = str(ports[1])
    with pytest.raises(ZeroDivisionError) as kept:
        trained(toy_config(**OWN), model=Failing())
    assert not any(type(thing) is DistributedDataParallel for thing in gc.get_objects())
    assert kept.tb is not None
    gc.enable()
    return result


class Failing(OwnNetwork):
    """Fails in the first forward pass."""

    def forward(self, spikes):
        return super().forward(spikes) / (1 // 0)


def work(rank, folder, ports):
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2, timeout=LIMIT
    )
    made = {
        "whole": trained(toy_config(**CONFIG), out=f"{folder}/whole"),
        "own": trained(toy_config(**OWN), model=own_network(rank)),
    }
    trained(toy_config(**CONFIG, training__epochs=2), out=f"{folder}/parts")
    made["parts"] = trained(toy_config(**CONFIG), out=f"{folder}/parts", resume=True)
    dist.destroy_process_group()
    made["short"] = launched(rank, ports)
    results = {
        name: [weights(result.model), result.to_dict()["history"], result.test_accuracy]
        for name, result in made.items()
    }
    meet = f"file://{folder}/again"
    dist.init_process_group("gloo", init_method=meet, rank=rank, world_size=2, timeout=LIMIT)
    elsewhere = f"{folder}/parts" if rank == 0 else f"{folder}/nothing"
    results["elsewhere"] = refusal(toy_config(**CONFIG), out=elsewhere, resume=True)
    write(results, folder, rank)
    data = dataclasses.replace(toy_split(), train=Leaving(90, 1, rank))
    results["gone"] = refusal(toy_config(**SHORT), data=data)
    write(results, folder, rank)


class Leaving(ToySpikes):
    """Ends the second rank in the second epoch, without a word."""

    def __init__(self, n_samples, key, rank):
        super().__init__(n_samples, key)
        self.rank = rank

    def spikes(self, indices, *, epoch=0):
        if self.rank == 1 and epoch == 1:
            os._exit(0)
        return super().spikes(indices, epoch=epoch)


def refusal(config, **settings):
    with pytest.raises(TrainingError) as refused:
        trained(config, **settings)
    return str(refused.value)


def write(results, folder, rank):
    with open(f"{folder}/rank{rank}.json", "w") as file:  # noqa: PTH123
        json.dump(results, file)


def spawned(function, *arguments):
    """Two processes to their end; they are ended, and the test fails, if they take too long."""
    context = torch.multiprocessing.spawn(function, args=arguments, nprocs=2, join=False)
    deadline = time.monotonic() + LIMIT.total_seconds()
    try:
        while not context.join(timeout=1):
            assert time.monotonic() < deadline, f"two ranks take longer than {LIMIT}"
    finally:
        for process in context.processes:
            process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
        ports = [free.getsockname()[1] for free in (one, other)]
    spawned(work, str(folder), ports)
    return folder


@pytest.fixture(scope="module")
def ranks(folder):
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("run", ["whole", "own", "parts", "short"])
def test_two_ranks__end_with_identical_weights_and_history(run, ranks):
    assert ranks[0][run] == ranks[1][run]


def test_two_ranks__resumed_same_bits_as_whole(ranks):
    assert ranks[0]["parts"] == ranks[0]["whole"]


def test_two_ranks__first_rank_writes_what_one_process_can_read(ranks, folder):
    with pytest.raises(InputError, match="was trained by 2 processes and now there are 1"):
        trained(toy_config(**CONFIG), out=folder / "whole", resume=True)
    assert (folder / "whole" / "best.safetensors").is_file()


def test_two_ranks__learn_as_one_process_with_both_halves_of_every_batch(ranks):
    one = trained(toy_config(**SHORT))
    values, history, _ = ranks[0]["short"]
    assert history[-1]["loss"] == pytest.approx(one.history[-1].loss, rel=1e-5)
    ours = weights(one.model)
    assert list(ours) == list(values)
    for name in values:
        assert np.abs(np.array(values[name]) - np.array(ours[name])).max() < 1e-5


def test_two_ranks__at_different_steps_are_refused_by_both(ranks):
    for found in ranks:
        assert re.search(
            r"from steps \[\d+, 0\]; the folder .* all of them see", found["elsewhere"]
        )


def test_two_ranks__one_says_that_the_other_is_gone(ranks):
    assert "gone" not in ranks[1]
    assert "rank 0: another rank has ended" in ranks[0]["gone"]
    assert "--resume" in ranks[0]["gone"]
