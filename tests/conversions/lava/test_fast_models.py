"""Compiled loops in Lava's models: equal to the models' own NumPy, in unusual values too."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from lava.magma.core.decorator import implements, requires
from lava.magma.core.resources import CPU
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.models import AbstractPyDenseModelFloat
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFRefractory, LIFReset, TernaryLIF
from lava.proc.sdn.process import ActivationMode, Delta, Sigma, SigmaDelta
from lava.proc.sparse.process import DelaySparse, Sparse
from scipy.sparse import csr_matrix

from conversions import EngineCfg
from conversions.lava.runtime.fast_models import _fired_rows_of, _row_sums
from tests.conversions.lava.compared_models import assert_equal
from tests.conversions.lava.user_program.processes import Careless

pytestmark = [pytest.mark.lava, pytest.mark.kernel]
EDGE = 1 << 23
FIXED = {"subthr_dynamics", "scale_bias", "run_spk"}


def test_row_sums__are_those_of_scipy():
    """Of a row the first number, plus NumPy's sum of the others, in blocks of its own."""
    rng = np.random.default_rng(0)
    for n_pre in (1, 7, 40, 130, 700):
        for share in (0.05, 0.5, 1):
            values = rng.normal(0, 1, (9, n_pre)) * (rng.random((9, n_pre)) < share)
            weights, fires = csr_matrix(values), rng.random(n_pre) < 0.8
            expected = weights[:, fires].sum(axis=1).A1
            found = _row_sums(_fired_rows_of(weights, np.float64), fires)
            np.testing.assert_array_equal(found, expected)


def wild(kind, **arguments):
    """Neurons from everywhere in their range, in two dimensions, driven up to overflow."""

    def build(rng):
        shape = (6, 50)
        neurons = kind(
            shape=shape,
            u=rng.choice([-EDGE, EDGE, EDGE - 1, 1 - EDGE, 0, 4095, -4095], shape),
            v=rng.integers(-EDGE, EDGE, shape),
            du=int(rng.integers(0, 4096)),
            dv=int(rng.integers(0, 4096)),
            bias_mant=rng.integers(-4096, 4096, shape),
            bias_exp=rng.integers(-16, 20, shape),
            **arguments,
        )
        drive = rng.integers(-(2**25), 2**25, (*shape, 7))
        source = Source(data=np.where(rng.random(drive.shape) < 0.5, drive, drive >> 10))
        source.s_out.connect(neurons.a_in)
        return [neurons]

    return build


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (LIF, {"vth": 900}),
        (LIFReset, {"vth": 900, "reset_interval": 4, "reset_offset": 1}),
        (TernaryLIF, {"vth_hi": 900, "vth_lo": -30}),
    ],
)
def test_fast_models__neurons_in_fixed_point(kind, arguments, monkeypatch):
    build = wild(kind, **arguments)
    assert assert_equal(build, "fixed_pt", monkeypatch) == FIXED


def test_fast_models__neurons_without_input_and_with_a_late_bias(monkeypatch):
    def build(rng):
        return [LIF(shape=(5,), du=3, dv=5, vth=7, v=rng.integers(-99, 99, 5))]

    def update(step, neurons):
        neurons.bias_mant.set(np.arange(5) * step)
        neurons.bias_exp.set(np.full(5, 40 if step == 2 else -1))  # 40 is left to NumPy

    compiled = assert_equal(build, "fixed_pt", monkeypatch, updates=[update])
    assert compiled == FIXED


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (LIF, {"vth": 1.5}),
        (LIF, {"vth": np.linspace(0.1, 3, 12).reshape(2, 6), "du": np.full((2, 6), 0.5)}),
        (LIFReset, {"vth": 1.5, "reset_interval": 4, "reset_offset": 1}),
        (TernaryLIF, {"vth_hi": 1.5, "vth_lo": -0.5}),
        (LIFRefractory, {"vth": 1.5, "refractory_period": 3}),
    ],
)
def test_fast_models__neurons_in_floating_point(kind, arguments, monkeypatch):
    def build(rng):
        start = {"u": rng.normal(size=(2, 6)), "v": rng.normal(size=(2, 6))}
        drive = {"bias_mant": rng.normal(0.1, 0.2, (2, 6)), "dv": 0.1, "du": 0.3}
        neurons = kind(shape=(2, 6), **{**start, **drive, **arguments})
        other = Source(data=rng.normal(0.2, 1, (6, 2, 5)))
        for source in (
            Source(data=rng.normal(0.2, 1, (2, 6, 7))).s_out,
            other.s_out.transpose([1, 0]),
        ):
            source.connect(neurons.a_in)
        return [neurons]

    assert "run_spk" in assert_equal(build, "floating_pt", monkeypatch)


@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
def test_fast_models__sigma_delta(tag, monkeypatch):
    """Numbers that wrap where there are integers; a threshold and a state that are set."""

    def build(rng):
        size = 2**31 if tag == "fixed_pt" else 3.0
        data = rng.uniform(-size, size, (2, 6, 9))
        data[:, 3:] /= 1000
        source = Source(data=data.astype(np.int64) if tag == "fixed_pt" else data)
        scale = {"state_exp": 2, "spike_exp": 3} if tag == "fixed_pt" else {}
        neurons = [
            Delta(shape=(2, 6), vth=1, cum_error=True, **scale),
            SigmaDelta(shape=(2, 6), vth=1, bias=0 if scale else 0.3, **scale),
            SigmaDelta(shape=(2, 6), vth=2, act_mode=ActivationMode.UNIT, cum_error=True, **scale),
            Sigma(shape=(2, 6)),
        ]
        for each in neurons[:3]:
            source.s_out.connect(each.a_in)
        neurons[1].s_out.connect(neurons[3].a_in)
        neurons[2].s_out.connect(neurons[3].a_in)
        return neurons

    def update(step, delta, neurons, *_):
        if step == 1:
            neurons.vth.set(np.array([5]))
            delta.act.set(np.arange(12).reshape(2, 6))

    assert "run_spk" in assert_equal(build, tag, monkeypatch, updates=[update])


def stored(rng, shape):
    return csr_matrix(2 * rng.integers(-40, 50, shape) * (rng.random(shape) < 0.4))


@pytest.mark.parametrize("kind", [Sparse, DelayDense, DelaySparse])
@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
@pytest.mark.parametrize("bits", [0, 4])
def test_fast_models__stored_and_delayed_connections(kind, tag, bits, monkeypatch):
    def build(rng):
        source = Source(data=rng.integers(0, 2 if bits == 0 else 9, (9, 11)))
        weights = stored(rng, (5, 9))
        if tag == "floating_pt":
            weights = weights * 0.013
        arguments = {"num_message_bits": bits}
        if kind is not Sparse:
            delays = csr_matrix(
                (rng.integers(0, 4, weights.nnz), weights.indices, weights.indptr), (5, 9)
            )
            arguments |= {
                "delays": delays if kind is DelaySparse else delays.toarray(),
                "max_delay": 3,
            }
        into = kind(weights=weights.toarray() if kind is DelayDense else weights, **arguments)
        neurons = LIF(shape=(5,), du=500 if tag == "fixed_pt" else 0.2, dv=0, vth=60)
        source.s_out.connect(into.s_in)
        into.a_out.connect(neurons.a_in)
        return [neurons, into]

    def update(step, neurons, into):
        if step == 1:
            into.weights.set(into.weights.get() * 2)

    # Lava's own get of a sparse matrix gives another form than set takes
    updates = [update] if kind is DelayDense else []
    assert "run_spk" in assert_equal(build, tag, monkeypatch, updates)


def loop(n, spikes_bits=0, scale=1.0):
    """Neurons that drive each other."""

    def build(rng):
        source = Source(data=rng.integers(0, 2 if spikes_bits == 0 else 9, (17, 11)))
        into = Dense(
            weights=scale * rng.normal(0, 60, (n, 17)), num_message_bits=spikes_bits, weight_exp=1
        )
        neurons = LIF(shape=(n,), du=0.3 if scale < 1 else 900, dv=0.1 if scale < 1 else 300,
                      vth=0.5 if scale < 1 else 20)  # fmt: skip
        back = Dense(weights=scale * rng.normal(0, 60, (n, n)), weight_exp=-1)
        source.s_out.connect(into.s_in)
        into.a_out.connect(neurons.a_in)
        neurons.s_out.connect(back.s_in)
        back.a_out.connect(neurons.a_in)
        return [neurons, into, back]

    return build


def new_weights(step, neurons, into, back):
    if step == 1:
        back.weights.set(back.weights.get()[::-1] * 3)


@pytest.mark.parametrize("n", [1, 2, 40])
@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
@pytest.mark.parametrize("bits", [0, 4])
def test_fast_models__connections(n, tag, bits, monkeypatch):
    build = loop(n, bits, 1.0 if tag == "fixed_pt" else 0.01)
    compiled = assert_equal(build, tag, monkeypatch, updates=[new_weights])
    assert "run_spk" in compiled


class Changing(Dense):
    """Its model changes weights in place, as own learning rules do."""


@implements(proc=Changing, protocol=LoihiProtocol)
@requires(CPU)
class PyChangingModel(AbstractPyDenseModelFloat):
    def post_guard(self):
        return True

    def run_post_mgmt(self):
        self.weights *= 2


def test_fast_models__leave_connections_of_users_alone(monkeypatch):
    def build(rng):
        source = Source(data=rng.integers(0, 2, (3, 5)))
        synapses = Changing(weights=rng.normal(size=(4, 3)))
        neurons = LIF(shape=(4,), du=0.5, dv=0.5, vth=1)
        source.s_out.connect(synapses.s_in)
        synapses.a_out.connect(neurons.a_in)
        return [neurons]

    assert assert_equal(build, None, monkeypatch) == {"subthr_dynamics", "run_spk"}


def test_fast_models__give_every_receiver_its_own_message(monkeypatch):
    def build(rng):
        neurons = LIF(shape=(2,), du=4095, dv=0, vth=1, bias_mant=np.array([40, 90]))
        receivers = [Careless(), Careless()]
        neurons.s_out.connect([each.a_in for each in receivers])
        return [neurons, *receivers]

    assert "run_spk" in assert_equal(build, "fixed_pt", monkeypatch)


def test_shortened_port__hears_what_lavas_adds_to_zeros():
    """One message of floating-point numbers; Lava's sum makes 0.0 of -0.0."""
    data = np.array([[-0.0, 2.5], [-3.0, -0.0]])
    source, dense, sink = Source(data=data), Dense(weights=np.eye(2)), Sink(shape=(2,), buffer=2)
    source.s_out.connect(sink.a_in)
    source.s_out.connect(dense.s_in)
    sink.run(condition=RunSteps(2), run_cfg=EngineCfg(select_tag="floating_pt"))
    port = sink.runtime.model_of(sink).a_in
    assert "recv" in vars(port)
    heard = sink.data.get()
    np.testing.assert_array_equal(heard, data)
    assert not np.signbit(heard[heard == 0]).any()
    sink.stop()
