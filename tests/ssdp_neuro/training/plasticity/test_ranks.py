"""Two ranks with different data: identical weights, gates and sums on both."""

import os
import sys

import numpy as np
import pytest
import torch
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ssdp_neuro.training import DASSDP, InputOf, RandomUpdate, ShuffledLatencies, feed_forward
from ssdp_neuro.training.plasticity.ranks import mean_over_samples

RULES = (DASSDP, RandomUpdate, ShuffledLatencies)
STEPS, WARM_UP = 6, 3


def batch(step, rank, n_samples):
    generator = torch.Generator().manual_seed(100 * step + rank)
    rate = torch.rand(n_samples, 1, 1, generator=generator)
    spikes = (torch.rand(n_samples, 8, 6, generator=generator) < rate).float()
    return spikes, torch.randint(0, 3, (n_samples,), generator=generator)


def trained(rule_type, batches, wrap):
    """Weights and gates after some steps; ``batches[step]`` are spikes and labels."""
    model = feed_forward((6, 5, 3), current_decay=2047, voltage_decay=256, gain=2.0)
    network = wrap(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    triples = [(InputOf(model), model.to_hidden, model.hidden)]
    triples.append((model.hidden, model.to_output, model.output))
    settings = {"a_plus": 0.05, "a_baseline": 0.01, "significance": None}
    with rule_type(triples, warm_up_steps=WARM_UP, optimizer=optimizer, **settings) as rule:
        for spikes, labels in batches:
            optimizer.zero_grad()
            counts = network(spikes).sum(1)
            loss = nn.functional.cross_entropy(counts, labels, reduction="none")
            loss.mean().backward()
            optimizer.step()
            rule.step(loss)
        weights = [p.detach().flatten() for p in model.parameters()]
        gates = [buffer.double().flatten() for buffer in rule.gates.buffers()]
    return [torch.cat(weights).numpy(), torch.cat(gates).numpy()]


def work(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    updates = [torch.tensor([1.0 + rank, 0.0]), torch.tensor([[4.0 * rank]])]
    made = {}
    for name, n_samples in (("means", 1 + 2 * rank), ("of one", 3 * rank), ("of none", 0)):
        means = mean_over_samples(updates, n_samples, None)
        made[name] = torch.cat([mean.flatten() for mean in means]).numpy()
    for rule in RULES:
        batches = [batch(step, rank, 8) for step in range(STEPS)]
        made[f"{rule.__name__} weights"], made[f"{rule.__name__} gates"] = trained(
            rule, batches, DistributedDataParallel
        )
    np.savez(f"{folder}/rank{rank}.npz", **made)
    # No rank closes its sockets while the other still talks, and none takes down an interpreter
    # under threads of torch: that aborted a rank now and then, when its results were written.
    dist.barrier()
    dist.destroy_process_group()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    torch.multiprocessing.spawn(work, args=(str(folder),), nprocs=2)
    return [dict(np.load(folder / f"rank{rank}.npz")) for rank in range(2)]


@pytest.mark.parametrize("rule", RULES)
def test_two_ranks__hold_identical_weights_and_gates(rule, ranks):
    for part in ("weights", "gates"):
        first, second = (rank[f"{rule.__name__} {part}"] for rank in ranks)
        assert first.tolist() == second.tolist()


def test_two_ranks__learn_as_one_with_both_halves_of_the_batch(ranks):
    halves = [[batch(step, rank, 8) for rank in range(2)] for step in range(STEPS)]
    whole = [tuple(torch.cat(part) for part in zip(*pair, strict=True)) for pair in halves]
    weights, gates = trained(DASSDP, whole, lambda model: model)
    assert np.abs(weights - ranks[0]["DASSDP weights"]).max() < 1e-5
    assert np.abs(gates - ranks[0]["DASSDP gates"]).max() < 1e-5
    assert np.abs(gates).max() > 0


def test_mean_over_samples__weighs_ranks_by_their_samples(ranks):
    assert [rank["means"].tolist() for rank in ranks] == [[1.75, 0.0, 3.0]] * 2
    assert [rank["of one"].tolist() for rank in ranks] == [[2.0, 0.0, 4.0]] * 2
    assert [rank["of none"].tolist() for rank in ranks] == [[0.0, 0.0, 0.0]] * 2
