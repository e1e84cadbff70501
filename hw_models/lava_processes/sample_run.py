"""One sample from a fresh start, through Lava's runtime or its models alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from lava.magma.core.process.variable import Var
from lava.magma.core.run_conditions import RunSteps
from lava.proc.io.sink import RingBuffer as SpikeSink
from lava.utils.sparse import find
from scipy.sparse import csr_matrix

from hw_models.lava_processes.direct_run import DirectRun
from hw_models.lava_processes.lava_model import LavaModel, build_model
from hw_models.learning_engine import RULE_STATE, learning_names
from hw_models.learning_schedule import LearningPlan
from hw_models.network import FixedPointNetwork
from hw_models.projections import SparseProjection

Probe = tuple[str, str]
Sample = tuple[dict[str, np.ndarray], dict[Probe, np.ndarray]]


def run_sample_direct(
    network: FixedPointNetwork,
    inputs: Mapping[str, np.ndarray],
    n_steps: int,
    probes: Iterable[Probe] = (),
    plan: LearningPlan | None = None,
    rules: bool = False,
    sent: Mapping[str, np.ndarray] | None = None,
) -> Sample:
    """Run Lava's models alone, in this thread.

    Parameters
    ----------
    network
        What to run.
    inputs
        Spikes of every input population by name: bool ``(n_steps, n_neurons)``.
    n_steps
        Steps to run.
    probes
        ``(population, "u" or "v")`` pairs to record.
    plan
        How plastic projections learn; None if they keep their weights. With a plan, the
        steps are those of all its samples, with what comes between them.
    rules
        Whether projections with a LearningRule learn by it.
    sent
        By projection: what its target sends, see :func:`build_model`.

    Returns
    -------
    rasters, probes
        Spikes of each LIF population, bool ``(n_steps, n_neurons)``, and the state after each
        step, int32 of the same shape, by probe. With a plan there are also the weights at
        the end, int32 in their projection's shape, by ``(projection, "weights")``; with rules
        also all other variables of ``RULE_STATE``.
    """
    model = build_model(network, inputs, plan, rules, sent)
    sinks = _sinks(model, n_steps)
    run = DirectRun([*model.processes, *sinks.values()])
    states = {
        (name, variable): getattr(run.model(model.populations[name]), variable)
        for name, variable in probes
    }
    recorded = {
        probe: np.empty((n_steps, state.size), dtype=np.int32) for probe, state in states.items()
    }
    for step in range(n_steps):
        run.step()
        for probe, state in states.items():
            recorded[probe][step] = state
    rasters = {name: run.model(sink).data.T != 0 for name, sink in sinks.items()}
    for name, plastic in model.plastic.items():
        weights = _learned(network, name, run.model(plastic.synapses).weights)
        recorded[name, "weights"] = weights.astype(np.int32)
    for name in learning_names(network) if rules else ():
        for variable in RULE_STATE:
            value = getattr(run.model(model.projections[name]), variable)
            recorded[name, variable] = _learned(network, name, value).astype(np.int32)
    return rasters, recorded


def learning_steps_direct(
    network: FixedPointNetwork,
    inputs: Mapping[str, np.ndarray],
    n_steps: int,
    probes: Iterable[Probe] = (),
    sent: Mapping[str, np.ndarray] | None = None,
    plan: LearningPlan | None = None,
) -> Iterator[dict[Probe, np.ndarray]]:
    """Run Lava's models alone, with rules, and look at everything after every step.

    Arguments as of :func:`run_sample_direct`; a plan is one of integer e-prop.

    Yields
    ------
    By ``(name, variable)``: ``"spikes"`` of each LIF population, probes, and of each projection
    with a LearningRule all variables of ``RULE_STATE``, of one that learns by a plan weights and
    trace; valid until the next step
    """
    model = build_model(network, inputs, plan, rules=True, sent=sent)
    sinks = _sinks(model, 1)
    run = DirectRun([*model.processes, *sinks.values()])
    neurons = {(n, v): (run.model(model.populations[n]), v) for n, v in probes}
    synapses = {
        (name, variable): (run.model(model.projections[name]), variable)
        for name in learning_names(network)
        for variable in RULE_STATE
    } | {
        (name, variable): (run.model(plastic.synapses), variable)
        for name, plastic in model.plastic.items()
        for variable in ("weights", "trace")
    }
    for _ in range(n_steps):
        run.step()
        spikes = {(name, "spikes"): run.model(sink).data[:, 0] != 0 for name, sink in sinks.items()}
        held = {**neurons, **synapses}
        yield spikes | {
            (name, v): _learned(network, name, getattr(of, v))
            for (name, v), (of, _) in held.items()
        }


def run_sample_in_runtime(
    network: FixedPointNetwork,
    inputs: Mapping[str, np.ndarray],
    n_steps: int,
    probes: Iterable[Probe] = (),
    plan: LearningPlan | None = None,
    rules: bool = False,
    sent: Mapping[str, np.ndarray] | None = None,
) -> Sample:
    """Run in Lava's multiprocess runtime; arguments and result as of run_sample_direct.

    Needs the start method "fork" and a program without threads.
    """
    model = build_model(network, inputs, plan, rules, sent)
    sinks = _sinks(model, n_steps)
    monitors = {probe: model.record_state(*probe, n_steps) for probe in probes}
    rasters, recorded = {}, {}
    try:
        for process in model.populations.values():
            if process.runtime is None:  # populations without a path between them run apart
                process.run(condition=RunSteps(num_steps=n_steps), run_cfg=model.run_config)
        for name, sink in sinks.items():
            rasters[name] = sink.data.get().T != 0
        for (name, variable), monitor in monitors.items():
            recorded[name, variable] = monitor.get_data()[name][variable].astype(np.int32)
        for name, plastic in model.plastic.items():
            weights = _learned(network, name, plastic.synapses.weights.get())
            recorded[name, "weights"] = weights.astype(np.int32)
        for name in learning_names(network) if rules else ():
            for variable in RULE_STATE:
                value = _got(getattr(model.projections[name], variable))
                recorded[name, variable] = _learned(network, name, value).astype(np.int32)
    finally:
        for process in model.populations.values():
            process.stop()
    return rasters, recorded


def _learned(network: FixedPointNetwork, name: str, value: Any) -> np.ndarray:
    """A Var as the projection has it: values of listed synapses in their order."""
    listed = np.ndim(value) == 2 and isinstance(network.projection(name), SparseProjection)
    if not isinstance(value, csr_matrix) and not listed:
        return np.asarray(value)
    projection: Any = network.projection(name)
    return np.asarray(value[projection.post, projection.pre]).reshape(-1)


def _got(variable: Var) -> Any:
    """A Var of a running Process; Lava's own ``get`` fails where a sparse one stores zeros."""
    if not isinstance(variable.init, csr_matrix):
        return variable.get()
    post, pre, _ = find(variable.init, explicit_zeros=True)
    values = variable.process.runtime.get_var(variable.id)
    return csr_matrix((values, (post, pre)), shape=variable.init.shape)


def _sinks(model: LavaModel, n_steps: int) -> dict[str, SpikeSink]:
    return {name: model.record_spikes(name, n_steps) for name in model.populations}
