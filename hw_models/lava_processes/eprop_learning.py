"""Which Processes make a projection learn by e-prop, and how they connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.process import AbstractProcess

from hw_models.eprop import error_rule, taught_population
from hw_models.errors import RangeError
from hw_models.lava_processes.eprop.eprop_processes import EpropDense, EpropError
from hw_models.learning_schedule import LearningForm, LearningPlan
from hw_models.network import FixedPointNetwork
from hw_models.projections import DenseProjection, SparseProjection


@dataclass(frozen=True, kw_only=True, eq=False)
class EpropProcesses:
    """The Processes of one projection that learns by e-prop.

    Parameters
    ----------
    synapses
        Has the weights and ``a_out``.
    error
        What makes the error that they hear.
    taught
        Name of the population of which it is.
    """

    synapses: EpropDense
    error: EpropError
    taught: str

    @property
    def processes(self) -> tuple[AbstractProcess, ...]:
        """All but the synapses."""
        return (self.error,)

    @property
    def listening_to_source(self) -> list[InPort]:
        """Ports that want the source's spikes besides the synapses: none."""
        return []

    @property
    def entrance(self) -> AbstractProcess | None:
        """Nothing stands before the synapses."""
        return None

    def connect_target(self, target: Any, populations: Any) -> None:
        """Let spikes and potentials of the target come back, and spikes of the taught neurons."""
        target.s_out.connect(self.synapses.s_in_bap)
        target.v_out.connect(self.synapses.v_in)
        target.threshold_out.connect(self.synapses.threshold_in)
        populations[self.taught].s_out.connect(self.error.s_in)


def eprop_processes(
    projection: DenseProjection | SparseProjection, network: FixedPointNetwork, plan: LearningPlan
) -> EpropProcesses:
    """The Processes of a projection, connected to each other.

    Raises
    ------
    RangeError
        If the plan wants Lava's own ``LearningDense``.
    """
    if plan.form is LearningForm.LOIHI:
        raise RangeError(
            f"{projection.name}: e-prop reads membrane potentials, which Lava's LearningDense does"
            " not; LearningForm.PROCESS does"
        )
    rule: Any = projection.plasticity
    target: Any = network.population(projection.target)
    taught, schedule = taught_population(network), plan.schedules[projection.name]
    error = EpropError(
        n_taught=taught.n_neurons, rule=error_rule(network), schedule=schedule, clock=plan.clock
    )
    n_pre = network.population(projection.source).n_neurons
    weights, delays, exists = _matrices(projection, (target.n_neurons, n_pre))
    synapses = EpropDense(
        weights=weights,
        delays=delays,
        exists=exists,
        refractory=target.refractory,
        rule=rule,
        schedule=schedule,
        clock=plan.clock,
        weight_exp=projection.weight_exponent,
        name=projection.name,
    )
    error.error_out.connect(synapses.error_in)
    return EpropProcesses(synapses=synapses, error=error, taught=taught.name)


def _matrices(
    projection: DenseProjection | SparseProjection, shape: tuple[int, int]
) -> tuple[np.ndarray, ...]:
    """Weights, delays and where a synapse is, each ``(n_post, n_pre)``."""
    places: Any = slice(None)
    if isinstance(projection, SparseProjection):
        places = (projection.post, projection.pre)
    weights, delays = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int64)
    exists = np.zeros(shape, dtype=bool)
    weights[places], exists[places] = projection.weights, True
    if projection.delays is not None:
        delays[places] = projection.delays
    return weights, delays, exists
