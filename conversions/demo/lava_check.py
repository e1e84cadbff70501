"""The same digits in the engine and in Lava, compared spike by spike."""

from __future__ import annotations

import importlib.util

import numpy as np

from conversions.demo.demo_result import LavaComparison
from conversions.demo.settings import DemoSettings
from conversions.lava.lava_run import LavaExecution, run_lava
from hw_models import FixedPointNetwork
from ssdp_neuro import simulate


def require_lava() -> None:
    """Say early that Lava is missing, not after the training.

    Raises
    ------
    MissingExtraError
    """
    if importlib.util.find_spec("lava") is None:
        from hw_models.lava_processes.compatibility import import_lava

        import_lava()


def compare_with_lava(
    networks: list[FixedPointNetwork], spikes: np.ndarray, settings: DemoSettings
) -> LavaComparison:
    """Run the first digits in Lava's runtime, more of them in its models.

    Parameters
    ----------
    networks
        Each is compared with the engine.
    spikes
        bool ``(B, T, 64)``.
    settings
        How many digits.
    """
    equal, n_spikes = True, 0
    digits = {"runtime": 0, "models": 0}
    for network in networks:
        for part, execution, limit in (
            ("runtime", LavaExecution.RUNTIME, settings.n_lava_runtime),
            ("models", LavaExecution.DIRECT, settings.n_lava_models),
        ):
            few = spikes[:limit]
            engine = simulate(network, few, n_steps=settings.n_steps)
            lava = run_lava(network, few, settings.n_steps, execution=execution)
            digits[part] += len(few)
            for population in network.neurons:
                fired = lava.raster(population.name)
                equal &= bool(np.array_equal(fired, engine.raster(population.name)))
                n_spikes += int(fired.sum())
    return LavaComparison(
        equal=equal,
        n_runtime=digits["runtime"],
        n_models=digits["models"],
        n_spikes=n_spikes,
    )
