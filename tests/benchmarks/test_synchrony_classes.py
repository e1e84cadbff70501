import numpy as np

from benchmarks.readout_rules import label_gates, prototypes
from benchmarks.synchrony_classes import LAST, N_INPUTS, N_TOGETHER, SynchronyTask, spikes_of


def test_synchrony_task__counts_say_nothing_and_each_class_has_its_own_twenty():
    task = SynchronyTask(3, jitter=0.0)
    assert (spikes_of(task.latencies).sum(1) == 1).all()
    for row, label in zip(task.latencies, task.labels, strict=True):
        (step,) = set(row[task.together[label]])
        assert (row == step).sum() < N_TOGETHER + 15
        others = task.together[(label + 1) % len(task.together)]
        assert len(set(row[others])) > 5
    assert task.together.shape == (5, N_TOGETHER)
    assert task.latencies.max() < LAST
    assert len(set(map(tuple, task.together))) == 5
    assert task.latencies.shape[1] == N_INPUTS


def test_synchrony_task__single_latencies_say_nothing():
    shares = [prototypes(SynchronyTask(seed), seed) for seed in range(6)]
    assert np.mean(shares) < 0.35


def test_label_gates__are_those_of_the_teacher():
    first = np.array([5, 3, 9, 40, 40])
    assert label_gates(np.array([1, 1, 1, 0, 0]), first, 0).tolist() == [1, -1, -1, 0, 0]
    assert label_gates(np.array([1, 1, 1, 0, 0]), first, 1).tolist() == [-1, 0, -1, 0, 0]
    assert label_gates(np.zeros(5, int), np.full(5, 40), 2).tolist() == [0, 0, 1, 0, 0]
