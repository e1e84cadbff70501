import numpy as np
import pytest

from benchmarks.fashion_report import paired_t_p, record, sign_flip_p

WHERE = {"date": "a day", "cpu": "a machine", "python": "3"}


def results(accuracies):
    config = {
        "data": {"n_steps": 8, "encoding": "regular"},
        "model": {"kind": "recurrent", "hidden": [1024]},
        "training": {"epochs": 4, "batch_size": 256},
    }
    return [
        {
            "test_accuracy": accuracy,
            "config": config,
            "circumstances": {"torch": "2"},
            "history": [None] * 4,
        }
        for accuracy in accuracies
    ]


def test_sign_flip_p__counts_the_choices_of_signs():
    assert sign_flip_p(np.array([1.0, 1.0, 1.0])) == 2 / 8
    assert sign_flip_p(np.array([3.0, 1.0, -1.0])) == 6 / 8  # all but a mean of 1/3 either way
    assert sign_flip_p(np.array([1.0, -1.0])) == 1.0


def test_paired_t_p__is_students():
    # t = mean / (sd / sqrt(n)) = 2 / (1 / sqrt(3)); two degrees of freedom have a closed form
    t = 2 * 3**0.5
    assert paired_t_p(np.array([1.0, 2.0, 3.0])) == pytest.approx(1 - t / (2 + t * t) ** 0.5)
    assert paired_t_p(np.zeros(3)) == 1.0


def test_record__gives_mean_spread_and_difference_of_each_rule():
    accuracies = {"none": np.array([80.0, 82.0]), "ssdp": np.array([81.0, 85.0])}
    found = {rule: results(values / 100) for rule, values in accuracies.items()}
    text = record(accuracies, found, [0, 1], {"sigma": 1.0}, WHERE)
    assert "784-1024 (recurrent)-10" in text
    assert " --network recurrent --rules none ssdp --seeds 0 1 --out" in text
    assert "| none | 81.00 ± 1.41 | 80.00 82.00 | - | - | - |" in text
    # differences 1 and 3: t = 2 / (sqrt(2) / sqrt(2)), one degree of freedom
    p = 1 - 2 * np.arctan(2.0) / np.pi
    assert f"| ssdp | 83.00 ± 2.83 | 81.00 85.00 | +2.00 | p = {p:.3f} | p = 0.500 |" in text
