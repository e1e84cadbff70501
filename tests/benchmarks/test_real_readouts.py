import numpy as np
import pytest

from benchmarks.readout_rules import ReadoutTask
from benchmarks.real_readouts import (
    N_CANDIDATES,
    RIDGE,
    RULES,
    SETS,
    STAGES,
    page,
    prototypes_of_counts,
    ridge,
    tried,
)


def task(n_samples=6):
    rng = np.random.default_rng(0)
    labels = np.arange(n_samples) % 3
    spikes = rng.random((n_samples, 20, 12)) < 0.1
    spikes[np.arange(n_samples), 5:15, labels] = True
    half = n_samples // 2
    parts = spikes[:half], labels[:half], spikes[half:], labels[half:]
    settings = {"stages": STAGES, "voltage_decay": 400, "first_weights": (-20, 40)}
    return ReadoutTask(*parts, rng=rng, **settings)


@pytest.mark.parametrize("title", RULES)
def test_tried__as_many_candidates_of_each_rule_and_all_can_be_run(title):
    for name in SETS:
        rule, given = tried(name, title)
        assert len(given) == N_CANDIDATES
        assert {one["threshold"] for one in given} <= set(SETS[name].thresholds)
    shares = [rule.learn(task(), 0, **one) for one in given[:3]]
    assert all(0 <= share <= 1 for share in shares)


def test_readers_of_counts__read_a_class_that_counts_tell():
    made = task(120)
    assert prototypes_of_counts(made, 0) > 0.9
    assert ridge(made, 0, penalty=1.0) > 0.9
    rng = np.random.default_rng(1)
    made.labels = rng.permutation(made.labels)
    assert prototypes_of_counts(made, 0) < 0.7
    assert ridge(made, 0, penalty=1.0) < 0.7


def test_page__has_a_row_for_each_rule_also_of_a_run_that_was_stopped():
    row = {"accuracy": [50.0, 60.0, 55.0, 52.0, 53.0], "chosen": {}, "candidates": 3}
    titles = [*RULES, RIDGE]
    sets = {"fsdd": dict.fromkeys(titles, row), "nmnist": {titles[0]: row}, "mit-bih": {}}
    text = page({"machine": {"date": "2026-12-01", "cpu": "", "python": ""}, "sets": sets})
    for title in titles:
        assert text.count(f"| {title} | ") == 1 + (title != titles[0])
    assert "| 54.0 ± 3.8 | - |" in text
    assert "MIT-BIH |" not in text
