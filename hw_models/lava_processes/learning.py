"""Which Processes make a plastic projection learn, in either form, and how they connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.core.learning.learning_rule import Loihi3FLearningRule
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.proc.dense.process import LearningDense
from lava.utils.weightutils import SignMode

from hw_models.errors import RangeError
from hw_models.lava_processes.plastic_dense.dense_process import PlasticDense
from hw_models.lava_processes.replay.replay_processes import PostReplay, PreReplay
from hw_models.lava_processes.third_factors.gate_processes import (
    DopamineGateProcess,
    GivenGate,
    LabelGate,
)
from hw_models.learning_schedule import LearningForm, LearningPlan
from hw_models.plasticity import DaSsdpParams, ThirdFactor
from hw_models.projections import DenseProjection

TRACE_HIGH = 127  # Lava's post-synaptic traces have 7 bits
MOST_TRACE_EXPONENT = 7
SIGN_MODES = {
    (-256, 255): SignMode.MIXED,
    (0, 255): SignMode.EXCITATORY,
    (-255, 0): SignMode.INHIBITORY,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class PlasticProcesses:
    """The Processes of one plastic projection.

    Parameters
    ----------
    synapses
        ``PlasticDense`` or Lava's ``LearningDense``; has the weights and ``a_out``.
    gate
        What makes the third factor.
    relays
        Of a replay: after the gate and before the synapses, as the direct executor wants it.
    """

    synapses: PlasticDense | LearningDense
    gate: GivenGate | LabelGate | DopamineGateProcess
    relays: tuple[AbstractProcess, ...] = ()

    @property
    def processes(self) -> tuple[AbstractProcess, ...]:
        """All but the synapses."""
        return (self.gate, *self.relays)

    @property
    def listening_to_source(self) -> list[InPort]:
        """Ports that want the source's spikes, besides or instead of the synapses."""
        ends = [process for process in self.processes if hasattr(process, "s_in")]
        return [end.s_in for end in ends]

    @property
    def entrance(self) -> AbstractProcess | None:
        """Whose ``s_in`` stands for the projection's, if a relay is before the synapses."""
        return next((p for p in self.relays if isinstance(p, PreReplay)), None)

    def connect_target(self, target: Any, populations: Any) -> None:
        """Let the target's spikes come back to all that want them."""
        spikes: OutPort = target.s_out
        for process in (*self.processes, self.synapses):
            if hasattr(process, "s_in_bap") and not isinstance(process, LearningDense):
                spikes.connect(process.s_in_bap)


def plastic_processes(projection: DenseProjection, plan: LearningPlan) -> PlasticProcesses:
    """The Processes of a plastic projection, connected to each other.

    Raises
    ------
    RangeError
        If the synapses are not dense, or have delays; or if the rule does not fit Lava's
        ``LearningDense`` and the plan wants that.
    """
    if not isinstance(projection.plasticity, DaSsdpParams):
        raise RangeError(f"{projection.name}.plasticity: this plan is of DaSsdpParams")
    if not isinstance(projection, DenseProjection) or projection.delays is not None:
        raise RangeError(
            f"{projection.name}: {type(projection).__name__}"
            f"{' with delays' if projection.delays is not None else ''} cannot learn in Lava;"
            " a DenseProjection without delays can (the engine learns on all of them)"
        )
    gate = _gate(projection, plan)
    rule: Any = projection.plasticity
    if plan.form is LearningForm.LOIHI:
        return _replayed(projection, plan, gate)
    schedule = plan.schedules[projection.name]
    synapses = PlasticDense(
        weights=projection.weights.astype(np.int32),
        rule=rule,
        clock=plan.clock,
        weight_exp=projection.weight_exponent,
        seed=schedule.seed,
        first_sample=schedule.first_sample,
        name=projection.name,
    )
    gate.gate_out.connect(synapses.gate_in)
    return PlasticProcesses(synapses=synapses, gate=gate)


def _gate(
    projection: DenseProjection, plan: LearningPlan
) -> GivenGate | LabelGate | DopamineGateProcess:
    rule: Any = projection.plasticity
    schedule = plan.schedules[projection.name]
    n_post, n_pre = projection.weights.shape
    if rule.third_factor is ThirdFactor.DOPAMINE:
        return DopamineGateProcess(
            n_pre=n_pre, n_post=n_post, rule=rule, schedule=schedule, clock=plan.clock
        )
    kind = GivenGate if schedule.labels is None else LabelGate
    return kind(n_post=n_post, schedule=schedule, clock=plan.clock)


def _replayed(
    projection: DenseProjection, plan: LearningPlan, gate: AbstractProcess
) -> PlasticProcesses:
    rule: Any = projection.plasticity
    clock = plan.clock
    n_post, n_pre = projection.weights.shape
    exponent = trace_exponent(projection.name, rule)
    factor = f"2^-{exponent} * " if exponent else ""
    limits = (rule.weight_low, rule.weight_high)
    if limits not in SIGN_MODES:
        raise RangeError(
            f"{projection.name}: weights of {limits} saturate where Lava's LearningDense does"
            f" not; allowed (weight_low, weight_high) are {list(SIGN_MODES)}"
        )
    synapses = LearningDense(
        weights=projection.weights.astype(np.int32),
        weight_exp=projection.weight_exponent,
        sign_mode=SIGN_MODES[limits],
        num_weight_bits=9 if SIGN_MODES[limits] is SignMode.MIXED else 8,
        learning_rule=Loihi3FLearningRule(
            dw=f"{factor}x0*y1 - {factor}x0*y2",
            t_epoch=1,
            rng_seed=0,
        ),
        name=projection.name,
    )
    post = PostReplay(n_post=n_post, rule=rule, clock=clock, trace_exponent=exponent)
    pre = PreReplay(n_pre=n_pre, rule=rule, clock=clock)
    gate.gate_out.connect(post.gate_in)
    post.y1_out.connect(synapses.s_in_y1)
    post.y2_out.connect(synapses.s_in_y2)
    pre.s_out.connect(synapses.s_in)
    return PlasticProcesses(synapses=synapses, gate=gate, relays=(post, pre))


def trace_exponent(where: str, rule: DaSsdpParams) -> int:
    """The finest unit, ``2**-exponent`` mantissas, in which a trace holds every change.

    Raises
    ------
    RangeError
        If a change can be more than 127 mantissas.
    """
    gate = 128 if rule.third_factor is ThirdFactor.CONSTANT else 256
    largest = int(rule.kernel.max()) * max(rule.potentiation, rule.depression) * gate
    for exponent in range(MOST_TRACE_EXPONENT, -1, -1):
        if largest << exponent <= TRACE_HIGH << rule.shift:
            return exponent
    raise RangeError(
        f"{where}: a sample can change a weight by {largest / 2**rule.shift:.1f} mantissas;"
        f" a trace of Lava's LearningDense holds up to {TRACE_HIGH}"
    )
