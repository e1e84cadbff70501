"""A network in Lava, with the same call and the same result as the engine."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np

from conversions.lava.event_counts import count_events
from conversions.lava.exchange_folder import LavaRequest, Sample
from conversions.lava.interpreter import run_in_interpreter
from hw_models import FixedPointNetwork, InputError, RangeError, TypeMismatchError
from hw_models.choices import member
from hw_models.errors import brief
from ssdp_neuro.engine.results import RasterReader, RunResult, check_probes
from ssdp_neuro.engine.rule_task import numbers_sent
from ssdp_neuro.engine.spike_input import spike_input
from ssdp_neuro.progress import Progress


class LavaExecution(enum.Enum):
    """How Lava computes.

    ``RUNTIME`` is Lava as its users have it: a process for every Process, messages through
    shared memory. ``DIRECT`` calls the same ProcessModels, built by the same builders,
    one after the other in this thread: the same numbers, much sooner.
    """

    RUNTIME = "runtime"
    DIRECT = "direct"


def run_lava(
    network: FixedPointNetwork,
    spikes: Any,
    n_steps: int,
    *,
    probes: Iterable[tuple[str, str]] = (),
    execution: LavaExecution = LavaExecution.RUNTIME,
    timeout_s: float = 120.0,
    rules: bool = False,
    sent: Any = None,
) -> RunResult:
    """Run a network in Lava's fixed-point models.

    Every sample starts Lava afresh, so that nothing of one is left for the next. The
    runtime has a Python interpreter of its own, which makes this call safe after threads
    have been used, and keeps Lava's start method out of the calling program.

    Parameters
    ----------
    network
        What to run; plastic projections keep their weights, but for ``rules``.
    spikes
        Input spikes, see :func:`ssdp_neuro.engine.spike_input.spike_input`.
    n_steps
        Steps of a sample, at least 1.
    probes
        ``(population, "u" or "v")`` pairs to record at every step.
    execution
        Lava's multiprocess runtime, or its models alone.
    timeout_s
        Seconds that one sample may take in the runtime before it counts as hung, the
        start of the interpreter included.
    rules
        Whether projections with a :class:`hw_models.LearningRule` learn by it, in Lava's
        ``LearningDense``. Then ``result.probe(projection, "weights")`` is what it learned, int32
        ``(n_post, n_pre)``, and there are ``tag_1``, ``tag_2``, ``x1``, ``x2``, ``y1``, ``y2`` and
        ``y3``; of a batch with an axis of samples in front.
    sent
        With ``rules``: what targets send where a rule has ``PostTraces.SENT``, as of
        :class:`ssdp_neuro.Teaching`. Zeros if not given.

    Returns
    -------
    RunResult
        With ``executor`` "lava"; every neuron is updated in every step.

    Raises
    ------
    MissingExtraError
        If Lava is not installed; names the commands that install it.
    ExecutorError
        If Lava's runtime failed or hung.
    SsdpError
        If an argument does not fit; see :mod:`hw_models.errors`.
    """
    if not isinstance(network, FixedPointNetwork):
        raise TypeMismatchError(f"network: {brief(network)}; a FixedPointNetwork is needed")
    member("execution", execution, LavaExecution)
    if not timeout_s > 0:
        raise RangeError(f"timeout_s: {timeout_s!r}; allowed is more than 0")
    pairs = check_probes(network, probes)
    given = spike_input(network, spikes, n_steps)
    n_samples = 1 if given.n_samples is None else given.n_samples
    request = LavaRequest(
        network,
        given.rasters(network, n_steps),
        n_samples,
        n_steps,
        pairs,
        rules=bool(rules),
        sent=numbers_for_rules(network, sent, n_samples, n_steps, rules),
    )

    rasters = dict(request.inputs)
    for lif in network.neurons:
        rasters[lif.name] = np.zeros((n_samples, n_steps, lif.n_neurons), dtype=bool)
    recorded: dict[tuple[str, str], Any] = {probe: [None] * n_samples for probe in request.recorded}
    with contextlib.closing(_samples(request, execution, timeout_s)) as samples:
        for number, (sample_rasters, sample_probes) in enumerate(samples):
            for name, raster in sample_rasters.items():
                rasters[name][number] = raster
            for probe, values in sample_probes.items():
                recorded[probe][number] = values
    is_single = given.n_samples is None
    return RunResult(
        sizes={population.name: population.n_neurons for population in network.populations},
        n_steps=n_steps,
        n_samples=given.n_samples,
        reader=RasterReader(rasters),
        probes={
            probe: values[0] if is_single else np.stack(values)
            for probe, values in recorded.items()
        },
        counts=count_events(network, rasters, n_steps),
        executor="lava",
    )


def numbers_for_rules(
    network: FixedPointNetwork, sent: Any, n_samples: int, n_steps: int, rules: bool
) -> dict[str, np.ndarray]:
    """What targets send, checked: int64 ``(B, n_steps, 3, n_post)`` by projection.

    Raises
    ------
    InputError, ShapeError, RangeError
        If numbers do not fit, or rules are not at work.
    """
    if sent is not None and not rules:
        raise InputError("sent: only with rules=True, where projections learn")
    return numbers_sent(network, sent, n_samples, n_steps)


def _samples(
    request: LavaRequest, execution: LavaExecution, timeout_s: float
) -> Generator[Sample, None, None]:
    with Progress(None) as bar:

        def on_sample(done: int) -> None:
            bar.update(done, request.n_samples, "samples in Lava")

        if execution is LavaExecution.RUNTIME:
            yield from run_in_interpreter(request, timeout_s, on_sample)
            return
        from hw_models.lava_processes.sample_run import run_sample_direct

        for number in range(request.n_samples):
            yield run_sample_direct(
                request.network,
                request.inputs_of(number),
                request.n_steps,
                request.probes,
                rules=request.rules,
                sent=request.sent_in(number),
            )
            on_sample(number + 1)
