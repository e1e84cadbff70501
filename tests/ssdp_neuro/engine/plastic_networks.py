"""Small networks with rules on any of their projections, and samples for them."""

import numpy as np

from hw_models import (
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    ThirdFactor,
)

N_STEPS = 7
N_CLASSES = 3
CONSTANT, DOPAMINE, REWARD, TEACHER = ThirdFactor


def two_layers(rng, hidden_rule=None, output_rule=None, loop_rule=None):
    """Six inputs, hidden neurons with a loop, three outputs; any of them plastic."""

    def dense(source, target, sizes, rule):
        low, high = (-40, 90) if rule is None else (rule.weight_low, rule.weight_high)
        weights = rng.integers(low, high + 1, size=sizes)
        return DenseProjection(source=source, target=target, weights=weights, plasticity=rule)

    lif = {"current_decay": 2047, "voltage_decay": 300, "threshold": 90}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(6,)),
            LifPopulation(name="hidden", shape=(9,), **lif),
            LifPopulation(name="out", shape=(N_CLASSES,), **lif),
        ],
        projections=[
            dense("in", "hidden", (9, 6), hidden_rule),
            dense("hidden", "out", (N_CLASSES, 9), output_rule),
            dense("hidden", "hidden", (9, 9), loop_rule),
        ],
    )


def batch_of(rng, n_samples):
    return rng.random((n_samples, N_STEPS, 6)) < rng.uniform(0.1, 0.7, size=(n_samples, 1, 1))


def params_of(third_factor, **fields):
    defaults = {
        "latency_bits": 4,
        "silent_latency": N_STEPS,
        "kernel": np.rint(255 * np.exp(-(np.arange(16) ** 2) / 8)).astype(int),
        "potentiation": 200,
        "depression": 120,
        "shift": 19,
        "third_factor": third_factor,
        "warm_up": 2 if third_factor is DOPAMINE else 0,
    }
    return DaSsdpParams(**{**defaults, **fields})
