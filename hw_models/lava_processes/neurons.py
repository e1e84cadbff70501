"""Which Lava Process expresses a population exactly: Lava's LIF, LIFReset, or our own."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.proc.lif.process import LIF, LIFReset

from hw_models.lava_processes.extended_lif.lif_process import ExtendedLIF
from hw_models.learning_schedule import SampleClock
from hw_models.populations import LifPopulation, ResetMode


def neuron_process(
    population: LifPopulation, clock: SampleClock | None = None
) -> LIF | LIFReset | ExtendedLIF:
    """A Process that computes this population bit for bit.

    Its ports and state are flat: neuron ``k`` is the ``k``-th in C order of the
    population's shape.

    Returns
    -------
    LIF
        If decays and threshold are shared by all neurons and a spike resets to zero.
    LIFReset
        If there is also a periodic reset.
    ExtendedLIF
        Otherwise: Lava declares one decay and one threshold per Process, has no reset by
        subtraction, its refractory LIF has no fixed-point model, and no threshold of its rises
        with a spike. Also if there is a
        clock of samples.
    """
    size = population.n_neurons
    fields: dict[str, Any] = {
        "shape": (size,),
        "name": population.name,
        "bias_mant": np.broadcast_to(population.bias_mantissa, size).copy(),
        "bias_exp": np.broadcast_to(population.bias_exponent, size).copy(),
        "u": np.broadcast_to(population.u, size).copy(),
        "v": np.broadcast_to(population.v, size).copy(),
    }
    shared = {"du": "current_decay", "dv": "voltage_decay", "vth": "threshold"}
    values = {field: getattr(population, of) for field, of in shared.items()}
    is_uniform = all((array == array[0]).all() for array in values.values())
    is_plain = clock is None and population.refractory == 0 and population.reset is ResetMode.ZERO
    if not (is_uniform and is_plain and not population.adapts):
        return ExtendedLIF(
            **fields,
            **{field: np.broadcast_to(array, size).copy() for field, array in values.items()},
            rise=np.broadcast_to(population.threshold_rise, size).copy(),
            da=np.broadcast_to(population.threshold_decay, size).copy(),
            subtract=population.reset is ResetMode.SUBTRACT,
            refractory=population.refractory,
            reset_interval=population.reset_interval,
            reset_offset=population.reset_offset,
            clock=clock,
        )
    fields.update({field: int(array[0]) for field, array in values.items()})
    if population.reset_interval:
        return LIFReset(
            **fields,
            reset_interval=population.reset_interval,
            reset_offset=population.reset_offset,
        )
    return LIF(**fields)
