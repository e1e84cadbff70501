"""Public calls that take arrays, each with values that it accepts and a result to compare."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

import conversions
from hw_models import (
    ConvProjection,
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LearningRule,
    LifPopulation,
    PostTraces,
    SparseProjection,
    ThirdFactor,
    TraceConfiguration,
)
from ssdp_neuro import PlasticSynapses, Session, SessionState, Teaching, learn, simulate
from ssdp_neuro.data.codes.encoding import latency_code, rate_code
from ssdp_neuro.decision import accuracy, decide, first_spikes, grouped
from ssdp_neuro.engine.spike_input import SpikeInput
from ssdp_neuro.rules.teacher_input import teacher_spikes

N_STEPS, N_SAMPLES, SHAPE = 6, 3, (2, 3, 4)
N_INPUTS, N_CELLS = 24, 5
RNG = np.random.default_rng(20)
EVENT = np.dtype([("t", ">i4"), ("x", "u1"), ("y", np.int16), ("p", bool)])


class ArrayCall(NamedTuple):
    """``call(array)`` for an array with the values of ``plain``.

    ``is_binary`` says that bools, integers and floats of 0 and 1 are taken alike.
    """

    name: str
    plain: np.ndarray
    call: Callable[[Any], Any]
    is_binary: bool = False


def _synapses(n_pre: int, n_post: int, count: int) -> dict[str, np.ndarray]:
    pairs = RNG.choice(n_pre * n_post, count, replace=False)
    return {
        "pre": pairs // n_post,
        "post": pairs % n_post,
        "weights": RNG.integers(-90, 120, count),
        "delays": RNG.integers(0, 5, count),
    }


def _network() -> FixedPointNetwork:
    ends = {"source": "eye", "target": "cell"}
    lif = {"current_decay": 1024, "voltage_decay": 128}
    own = {
        "threshold": np.array([60, 90, 100, 120, 40]),
        "u": np.array([900, -500, 0, 2**23, -3]),
        "v": np.array([0, 4000, -(2**23) + 1, 5, 2900]),
    }
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="eye", shape=SHAPE),
            LifPopulation(name="map", shape=SHAPE, threshold=30, bias_mantissa=5, **lif),
            LifPopulation(name="cell", shape=(N_CELLS,), **own, **lif),
        ],
        projections=[
            DenseProjection(weights=RNG.integers(-30, 60, (N_CELLS, N_INPUTS)), **ends),
            DenseProjection(
                name="late",
                weights=RNG.integers(-30, 60, (N_CELLS, N_INPUTS)),
                delays=RNG.integers(0, 4, (N_CELLS, N_INPUTS)),
                **ends,
            ),
            ConvProjection(
                source="eye", target="map", weights=RNG.integers(-20, 40, (2, 2, 3, 3)), padding=1
            ),
            SparseProjection(source="map", target="cell", **_synapses(N_INPUTS, N_CELLS, 40)),
            SparseProjection(source="cell", target="cell", **_synapses(N_CELLS, N_CELLS, 12)),
        ],
    )


NETWORK = _network()
RASTER = RNG.random((N_SAMPLES, N_STEPS, N_INPUTS)) < 0.2
PAIRS = np.argwhere(RASTER[0])


def _run(network: FixedPointNetwork, spikes: Any, n_steps: int = N_STEPS) -> Any:
    probes = [("cell", "v"), ("map", "u")]
    result = simulate(network, spikes, n_steps=n_steps, probes=probes, n_threads=1)
    events = [result.events(name).tobytes() for name in result.populations]
    return events, [result.probe(*probe).tobytes() for probe in probes], result.counts


def _verified(spikes: Any) -> Any:
    executors = (conversions.Executor.ORACLE, conversions.Executor.ENGINE)
    outcome = conversions.verify(NETWORK, spikes, N_STEPS, executors=executors)
    assert outcome.equal, str(outcome)
    return outcome.spikes


def _structured(steps: Any = None, p: Any = None) -> np.ndarray:
    """Sensor events with a column that is given as it lies in memory."""
    events = np.zeros(len(PAIRS), EVENT)
    channel, row, column = np.unravel_index(PAIRS[:, 1], SHAPE)
    for field, values in (("t", PAIRS[:, 0]), ("x", column), ("y", row), ("p", channel == 1)):
        events[field] = values
    given = steps if steps is not None else p
    if given is None:
        return events
    given = np.ma.getdata(given)
    kinds = {"t": given.dtype if steps is not None else ">i4", "x": "u1", "y": "i2"}
    kinds["p"] = given.dtype if p is not None else "?"
    made = np.zeros(given.shape, np.dtype(list(kinds.items())))
    for field in kinds if given.shape == events.shape else ():
        made[field] = events[field]
    made["t" if steps is not None else "p"] = given
    return made


def _field_calls(name: str, fields: Iterable[str]) -> Iterable[ArrayCall]:
    """One field of a record of the network; the run has to notice it."""
    is_projection = any(p.name == name for p in NETWORK.projections)
    record: Any = NETWORK.projection(name) if is_projection else NETWORK.population(name)
    for field in fields:

        def call(array: Any, field: str = field) -> Any:
            changed = dataclasses.replace(record, **{field: array})
            return _run(NETWORK.replace(changed), RASTER)

        plain = np.asarray(getattr(record, field), dtype=np.int64)
        yield ArrayCall(f"{type(record).__name__}.{field} of {name}", plain, call)


def _learning_network(third_factor: ThirdFactor) -> FixedPointNetwork:
    rule = DaSsdpParams(
        latency_bits=3,
        silent_latency=6,
        kernel=KERNEL,
        potentiation=200,
        depression=90,
        shift=17,
        third_factor=third_factor,
        warm_up=2 if third_factor is ThirdFactor.DOPAMINE else 0,
    )
    cell = LifPopulation(
        name="cell", shape=(N_CELLS,), current_decay=2047, voltage_decay=300, threshold=60
    )
    weights = RNG.integers(-40, 90, (N_CELLS, N_INPUTS))
    synapses = DenseProjection(source="eye", target="cell", weights=weights, plasticity=rule)
    eye = InputPopulation(name="eye", shape=(N_INPUTS,))
    return FixedPointNetwork(populations=[eye, cell], projections=[synapses])


KERNEL = np.array([255, 200, 120, 60, 20, 5, 1, 0])


def _learned(third_factor: ThirdFactor, spikes: Any = RASTER, **arguments: Any) -> Any:
    network = LEARNING[third_factor]
    result = learn(network, spikes, Teaching(**arguments), n_steps=N_STEPS, progress=False)
    learned = result.network.projections[0].weights.tobytes()
    counts = result.spike_counts["cell"].tobytes()
    return learned, counts, result.n_updates, result.dopamine


LEARNING = {factor: _learning_network(factor) for factor in ThirdFactor}
CONSTANT, TEACHER = ThirdFactor.CONSTANT, ThirdFactor.TEACHER


def _learned_with_kernel(array: Any) -> Any:
    projection = LEARNING[CONSTANT].projections[0]
    rule = dataclasses.replace(projection.plasticity, kernel=array)
    network = LEARNING[CONSTANT].replace(dataclasses.replace(projection, plasticity=rule))
    result = learn(network, RASTER, n_steps=N_STEPS, progress=False)
    return result.network.projections[0].weights.tobytes()


def _checked_input(starts: Any = None, indices: Any = None) -> Any:
    if starts is None:
        starts = np.searchsorted(PAIRS[:, 0], np.arange(N_STEPS + 1))
    indices = PAIRS[:, 1] if indices is None else indices
    spikes = SpikeInput(n_samples=None, starts={"eye": starts}, indices={"eye": indices})
    return _run(NETWORK, spikes)


def _stepped(array: Any) -> Any:
    session = Session(NETWORK)
    return [session.step(array)["cell"].tolist() for _ in range(N_STEPS)]


def _streamed(packet: Any) -> Any:
    session = Session(NETWORK)
    parts = session.stream([packet, N_STEPS])
    return [part.raster(name).tobytes() for part in parts for name in ("eye", "cell")]


def _lived() -> Session:
    session = Session(LEARNING[CONSTANT])
    session.begin_sample()
    session.run(RASTER[0][:-1], N_STEPS - 1)
    return session


def _continued(field: str, array: Any) -> Any:
    """A session that goes on from its own state with another array in it."""
    session = _lived()
    state = session.state()
    if field in ("codes", "counts", "first"):
        changed: Any = {"heard": dataclasses.replace(state.heard, **{field: array})}
    else:
        changed = {field: {name: array for name in getattr(state, field)}}
    session.restore(dataclasses.replace(state, **changed))
    fired = session.run(RASTER[1][:1], 1).events("cell").tobytes()
    winners = session.end_sample()
    return fired, winners, session.network.projections[0].weights.tobytes(), session.state().n_steps


def _session_calls() -> Iterable[ArrayCall]:
    state: SessionState = _lived().state()
    for field in ("u", "v", "waiting", "arriving", "weights"):
        plain = next(iter(getattr(state, field).values())).astype(np.int64)
        yield ArrayCall(f"SessionState.{field}", plain, lambda a, f=field: _continued(f, a))
    for field in ("codes", "counts", "first"):
        plain = getattr(state.heard, field).astype(np.int64)
        yield ArrayCall(f"HeardSample.{field}", plain, lambda a, f=field: _continued(f, a))


def _ruled(**changed: Any) -> Any:
    trace = TraceConfiguration(impulse=30.5, tau=6)
    rule = LearningRule(
        dw="2^-2 * y0 * x1 + y0 * y1 + 2^-3 * u0 * t",
        dt="x0 * y2 - 2^-1 * u0 * d",
        x1=trace,
        post_traces=PostTraces.SENT,
    )
    values = {**RULED, **changed}
    synapses = PlasticSynapses(rule, values["weights"], values["tag_1"], values["tag_2"])
    synapses.run(values["pre"], values["post"], values["sent"])
    return synapses.weights.tobytes(), synapses.tag_1.tobytes(), synapses.trace("y2").tobytes()


RULED = {
    "weights": RNG.integers(-90, 90, (N_CELLS, N_INPUTS)),
    "tag_1": RNG.integers(-50, 50, (N_CELLS, N_INPUTS)),
    "tag_2": RNG.integers(0, 50, (N_CELLS, N_INPUTS)),
    "pre": RASTER[0],
    "post": RNG.random((N_STEPS, N_CELLS)) < 0.3,
    "sent": RNG.integers(-100, 100, (N_STEPS, 3, N_CELLS)),
}


def engine_calls() -> list[ArrayCall]:
    """Records, simulate, learn and verify, and what prepares their input."""
    raster = ("spikes", RASTER, True)
    return [
        ArrayCall("simulate: raster", RASTER[0], lambda a: _run(NETWORK, a), True),
        ArrayCall("simulate: batch", RASTER, lambda a: _run(NETWORK, a), True),
        ArrayCall("simulate: images", RASTER.reshape(N_SAMPLES, N_STEPS, *SHAPE),
                  lambda a: _run(NETWORK, {"eye": a}), True),
        ArrayCall("simulate: pairs", PAIRS, lambda a: _run(NETWORK, a)),
        ArrayCall("simulate: batch of pairs", PAIRS, lambda a: _run(NETWORK, [a, PAIRS])),
        ArrayCall("simulate: event steps", PAIRS[:, 0],
                  lambda a: _run(NETWORK, _structured(steps=a))),
        ArrayCall("simulate: event polarities", PAIRS[:, 1] >= N_INPUTS // 2,
                  lambda a: _run(NETWORK, _structured(p=a))),
        ArrayCall("SpikeInput.starts", np.searchsorted(PAIRS[:, 0], np.arange(N_STEPS + 1)),
                  lambda a: _checked_input(starts=a)),
        ArrayCall("SpikeInput.indices", PAIRS[:, 1], lambda a: _checked_input(indices=a)),
        ArrayCall("verify: raster", RASTER, _verified, True),
        *_field_calls("cell", ("current_decay", "voltage_decay", "threshold", "bias_mantissa",
                               "bias_exponent", "u", "v")),
        *_field_calls("eye->cell", ("weights",)),
        *_field_calls("late", ("weights", "delays")),
        *_field_calls("eye->map", ("weights",)),
        *_field_calls("map->cell", ("pre", "post", "weights", "delays")),
        *_field_calls("cell->cell", ("pre", "post", "weights", "delays")),
        ArrayCall("Session.step: flags", RASTER[0, 0], _stepped),
        ArrayCall("Session.step: indices", np.flatnonzero(RASTER[0, 0])[::-1].copy(), _stepped),
        ArrayCall("Session.run", RASTER[0],
                  lambda a: Session(NETWORK).run(a, N_STEPS).raster("cell").tobytes(), True),
        ArrayCall("Session.stream: pairs", PAIRS, _streamed),
        ArrayCall("Session.stream: times", PAIRS[:, 0], lambda a: _streamed(_structured(steps=a))),
        *_session_calls(),
        ArrayCall("DaSsdpParams.kernel", KERNEL, _learned_with_kernel),
        ArrayCall("learn: spikes", RASTER, lambda a: _learned(CONSTANT, a), True),
        ArrayCall("learn: learning_mask", np.array([True, False, True]),
                  lambda a: _learned(CONSTANT, learning_mask=a)),
        ArrayCall("learn: labels", np.array([4, 0, 2]), lambda a: _learned(TEACHER, labels=a)),
        ArrayCall("learn: teacher", RNG.integers(-128, 128, (N_SAMPLES, N_CELLS)),
                  lambda a: _learned(TEACHER, teacher=a)),
        ArrayCall("learn: rewards", np.array([-256, 255, 3]),
                  lambda a: _learned(ThirdFactor.REWARD, rewards=a)),
        ArrayCall("learn: losses", np.array([-5, 2**31 - 1, 7]),
                  lambda a: _learned(ThirdFactor.DOPAMINE, losses=a)),
        *(ArrayCall(f"PlasticSynapses: {name}", plain, lambda a, name=name: _ruled(**{name: a}),
                    name in ("pre", "post")) for name, plain in RULED.items()),
        ArrayCall(f"decide: {raster[0]}", RASTER, lambda a: decide(a).tolist(), True),
        ArrayCall("grouped: spikes", RASTER, lambda a: grouped(a, 4).tobytes(), True),
        ArrayCall("first_spikes", RASTER, lambda a: first_spikes(a).tolist(), True),
        ArrayCall("accuracy: decisions", np.array([1, 2, 3]), lambda a: accuracy(a, [1, 2, 4])),
        ArrayCall("accuracy: labels", np.array([1, 2, 3]), lambda a: accuracy([1, 2, 4], a)),
        ArrayCall("latency_code", RASTER[0], lambda a: latency_code(a, 5).tobytes(), True),
        ArrayCall("rate_code", RASTER[0], lambda a: rate_code(a, 5).tobytes(), True),
        ArrayCall("teacher_spikes", np.array([2, -1, 0]),
                  lambda a: teacher_spikes(a, 3, 6).tobytes()),
    ]  # fmt: skip


def training_calls() -> list[ArrayCall]:
    """Arrays that reach PyTorch and the fused loops of training; none without PyTorch."""
    try:
        import torch
    except ImportError:
        return []
    from ssdp_neuro.training import CubaLif, SpikingNetwork
    from ssdp_neuro.training.layers.delays import DelayedLinear
    from ssdp_neuro.training.networks.spiking_network import as_spikes

    def neurons(array: Any) -> Any:
        layer = CubaLif(current_decay=array, voltage_decay=300, threshold=1.0)
        return layer(torch.from_numpy(RASTER.astype(np.float32))).numpy().tobytes()

    def delayed(array: Any) -> Any:
        torch.manual_seed(0)
        layer = DelayedLinear(N_INPUTS, 3, delays=array)
        return layer(torch.from_numpy(RASTER.astype(np.float32))).detach().numpy().tobytes()

    decays = RNG.integers(0, 4096, N_INPUTS)
    fixed = CubaLif(current_decay=4095, voltage_decay=300, threshold=0.5)
    network = SpikingNetwork(fixed, input_shape=(N_INPUTS,))

    def calibration(array: Any) -> Any:
        return np.asarray(conversions.Calibration(spikes=array).spikes).astype(bool).tobytes()

    return [
        ArrayCall("CubaLif.current_decay", decays, neurons),
        ArrayCall("DelayedLinear.delays", RNG.integers(0, 5, (3, N_INPUTS)), delayed),
        ArrayCall("as_spikes", RASTER, lambda a: as_spikes(a).numpy().tobytes(), True),
        ArrayCall("SpikingNetwork.decide", RASTER, lambda a: network.decide(a).tolist(), True),
        ArrayCall("Calibration.spikes", RASTER, calibration, True),
        ArrayCall("Calibration.labels", np.array([1, 0, 1]), lambda a: (
            np.asarray(conversions.Calibration(spikes=RASTER, labels=a).labels).tolist())),
    ]  # fmt: skip
