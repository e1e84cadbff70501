"""What from_lava cannot keep exactly is refused by name."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import Loihi3FLearningRule
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense, LearningDense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF, LearningLIF, LIFRefractory, TernaryLIF
from lava.proc.monitor.process import Monitor
from lava.proc.sdn.process import SigmaDelta
from lava.proc.sparse.process import LearningSparse, Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_array, csr_matrix

from conversions import from_lava
from hw_models import ConversionError, InputError, TypeMismatchError

pytestmark = pytest.mark.lava


def source(n=2, **fields):
    return Source(data=np.ones((n, 4), dtype=int), **fields)


def through(synapses, neurons=None, before=None):
    """A source, a connection Process and neurons, connected; the neurons."""
    before = before or Source(data=np.ones((*synapses.s_in.shape, 4), dtype=int))
    neurons = neurons or LIF(shape=synapses.a_out.shape, name="out")
    before.s_out.connect(synapses.s_in)
    synapses.a_out.connect(neurons.a_in)
    return neurons


def dense(**fields):
    return Dense(weights=np.full((2, 2), 10), name="w", **fields)


class MyLIF(LIF):
    """Has the ports of LIF, and perhaps another model."""


def learning(neurons=None, rule=None, **fields):
    rule = rule or STDPLoihi(1, 1, -1, 9, 9)
    fields = {"weights": np.ones((2, 2)), "learning_rule": rule, "name": "plastic", **fields}
    return through(LearningDense(**fields), neurons)


class MySynapses(LearningSparse):
    """Learns, perhaps by another model."""


def own_learning():
    rule = STDPLoihi(1, 1, -1, 9, 9)
    return through(MySynapses(weights=np.ones((2, 2)), learning_rule=rule, name="plastic"))


def graded_learning():
    rule = STDPLoihi(1, 1, -1, 9, 9)
    neurons = learning(rule=rule, graded_spike_cfg=GradedSpikeCfg.OVERWRITE)
    rule.x1_impulse = 9  # Lava has set it to 0
    return neurons


class RewardedLIF(LearningLIF):
    """Sends y1 by a model of its own."""


def taught(sender, port="s_in_y1"):
    synapses = LearningDense(
        weights=np.ones((2, 2)), learning_rule=Loihi3FLearningRule(dw="x0 * y1"), name="plastic"
    )
    sender.connect(getattr(synapses, port))
    return through(synapses)


def monitored_spike_time():
    neurons = learning()
    (connection,) = neurons.a_in.in_connections
    Monitor().probe(connection.process.tx, 5)
    return neurons


def traced():
    neurons = learning()
    (connection,) = neurons.a_in.in_connections
    connection.process.x1.init = 5
    return neurons


def with_two_sources():
    neurons = through(synapses := dense())
    source().s_out.connect(synapses.s_in)
    return neurons


def direct(before):
    neurons = LIF(shape=(2,), name="out")
    before.s_out.connect(neurons.a_in)
    return neurons


def joined():
    neurons, one = LIF(shape=(4,), name="out"), dense()
    one.a_out.concat_with(dense().a_out, 0).connect(neurons.a_in)
    return neurons


def twice():
    neurons = through(synapses := dense())
    synapses.a_out.reshape((1, 2)).flatten().connect(neurons.a_in)
    return neurons


def sunk_current():
    neurons = through(synapses := dense())
    synapses.a_out.connect(Sink(shape=(2,), buffer=3).a_in)
    return neurons


def monitored_weights():
    neurons = through(synapses := dense())
    Monitor().probe(synapses.weights, 5)
    return neurons


def chained():
    first = Dense(weights=np.ones((2, 2)), name="first")
    second = dense()
    first.a_out.connect(second.s_in)
    return second


def conv(weight=3, **fields):
    weight = np.full((1, 3, 3, 1), weight)
    return through(Conv(weight=weight, input_shape=(4, 4, 1), name="w", **fields))


def lif(**fields):
    return LIF(shape=(2,), name="out", **fields)


REFUSED = {
    "learning connection": (
        own_learning,
        "MySynapses 'plastic': .* of these LearningDense and LearningSparse are",
    ),
    "own learning neuron": (
        lambda: through(dense(), RewardedLIF(shape=(2,), name="r")),
        "RewardedLIF 'r' of .*, whose model may differ from that of LearningLIF: not supported",
    ),
    "float learning neuron": (
        lambda: learning(LearningLIF(shape=(2,), du=0.1, name="out")),
        "LearningLIF 'out'.du: 0.1, which only Lava's floating-point model can take",
    ),
    "graded learning": (
        graded_learning,
        "LearningDense 'plastic': STDPLoihi: .*x1: impulse 9.0; 0 is needed with .*OVERWRITE",
    ),
    "no sign": (lambda: learning(sign_mode=SignMode.NULL), "'plastic': sign_mode .*NULL.*; MIXED"),
    "learning bits": (
        lambda: learning(sign_mode=SignMode.EXCITATORY, num_weight_bits=9),
        "'plastic': num_weight_bits 9; an integer 0..8 is needed with EXCITATORY",
    ),
    "learning weights": (
        lambda: learning(weights=np.array([[0, 2], [-4, 300]]), sign_mode=SignMode.EXCITATORY),
        r"LearningDense 'plastic'.weights: -4 at index \(1, 0\); allowed 0..255 \(Lava keeps it",
    ),
    "tag": (
        lambda: learning(tag_2=np.array([[0, 256], [0, 0]])),
        r"LearningDense 'plastic'.tag_2: 256 at index \(0, 1\); allowed 0..255",
    ),
    "learning exponent": (lambda: learning(weight_exp=8), "weight_exp 8; an integer -8..7"),
    "rule": (
        lambda: learning(rule=Loihi3FLearningRule(dw="x0 * (x1 + 300)")),
        "LearningDense 'plastic': Loihi3FLearningRule.dw, term 1 .*300",
    ),
    "trace at the start": (traced, "LearningDense 'plastic'.x1: learning starts from 0"),
    "numbers of synapses": (
        lambda: taught(dense().a_out),
        "Dense 'w'.a_out -> LearningDense 'plastic'.s_in_y1: only neurons and sources send",
    ),
    "silent neuron": (
        lambda: taught(LearningLIF(shape=(2,), name="n").s_out_y1),
        "LearningLIF 'n'.s_out_y1 -> LearningDense 'plastic'.s_in_y1: Lava's model never sends",
    ),
    "monitored spike time": (
        monitored_spike_time,
        "monitors tx of LearningDense 'plastic'; .* connection weights, tag_1, tag_2, x1",
    ),
    "other Process": (
        lambda: through(dense(), SigmaDelta(shape=(2,), vth=1, name="sd")),
        "SigmaDelta 'sd' of lava.proc.sdn.process: not supported; supported are LIF, LIFReset",
    ),
    "own class": (lambda: MyLIF(shape=(1,)), "MyLIF .* differ from that of LIF: not supported"),
    "refractory": (lambda: LIFRefractory(shape=(1,), name="r"), "refractory_in_fixed_point=True"),
    "ternary": (lambda: TernaryLIF(shape=(1,), name="t"), "TernaryLIF 't': vth_lo -10; its neg"),
    "float du": (lambda: lif(du=0.1), "LIF 'out'.du: 0.1, which only Lava's floating-point model"),
    "float dv": (lambda: lif(dv=np.full(2, 3.0)), "dv: dtype float64, .* integer 0..4096"),
    "float vth": (lambda: lif(vth=10.0), "vth: 10.0, which only Lava's floating-point"),
    "list": (lambda: lif(du=[1, 2]), r"du: \[1, 2\]; an integer 0..4095 is needed"),
    "no leak": (lambda: lif(du=-1), "du: -1; an integer 0..4095"),
    "du high": (lambda: lif(du=4096), "du: 4096; an integer 0..4095"),
    "dv high": (lambda: lif(dv=4097), "dv: 4097; an integer 0..4096"),
    "narrow vth": (lambda: lif(vth=np.full(2, 999, np.int16)), "vth: dtype int16; Lava's model"),
    "narrow du": (lambda: lif(du=np.full(2, 255, np.uint8)), "du: .*(dtype|compute with)"),
    "wrapped vth": (lambda: lif(vth=2**57), f"vth: {2**57}; an integer {-(2**57)}..{2**57 - 1}"),
    "shape": (lambda: lif(vth=np.array([1, 2, 3])), r"vth: shape \(3,\)"),
    "start v": (lambda: lif(v=[0, 2**23]), r"'out'.v: starts at 8388608 at index \(1,\); allowed"),
    "start u": (lambda: lif(u=-(2**23)), "LIF 'out'.u: starts at -8388608"),
    "bias exponent": (lambda: lif(bias_mant=1, bias_exp=16), "bias_exp: 16; allowed up to 15"),
    "bias range": (lambda: lif(bias_mant=40000), "bias_mant: 40000; int16"),
    "graded source": (
        lambda: through(
            dense(num_message_bits=8), before=Source(data=np.array([[0, -2], [1, 0]]))
        ),
        r"RingBuffer .* -> Dense 'w'.s_in: graded spikes of -2\.\.1; allowed 0\.\.32767",
    ),
    "two sources": (with_two_sources, "Dense 'w'.s_in: 2 ports send to it"),
    "source to neurons": (lambda: direct(source()), "RingBuffer .* -> LIF 'out'.a_in: it arrives"),
    "neurons to neurons": (lambda: direct(LIF(shape=(2,), name="in")), "LIF 'in' -> LIF 'out'"),
    "chain of synapses": (
        chained,
        "Dense 'first' -> Dense 'w'.s_in: only neurons and sources",
    ),
    "joined ports": (joined, "LIF 'out'.a_in: concatenated ports"),
    "twice": (twice, "LIF 'out'.a_in: the same port is connected to it twice"),
    "recorded current": (sunk_current, "Dense 'w' -> RingBuffer .*: what a connection delivers"),
    "monitored weights": (monitored_weights, "Monitor .*: it monitors weights of Dense 'w'"),
    "sign mode": (lambda: through(dense(sign_mode=1)), "Dense 'w': sign_mode 1; a SignMode"),
    "weight bits": (lambda: through(dense(num_weight_bits=9)), "num_weight_bits 9; .* 0..8"),
    "exponent": (lambda: through(dense(weight_exp=12)), "weight_exp 12 with weights up to 10"),
    "low exponent": (lambda: through(dense(weight_exp=-9)), "weight_exp -9"),
    "float exponent": (lambda: through(dense(weight_exp=1.0)), "weight_exp 1.0; an integer"),
    "NaN": (
        lambda: through(Dense(weights=np.array([[np.nan]]), name="w")),
        "Dense 'w'.weights: a value is not finite",
    ),
    "delay": (
        lambda: through(DelayDense(weights=np.ones((2, 2)), delays=64, name="w")),
        "DelayDense 'w'.delays: 64; allowed 0..63",
    ),
    "sparse array": (
        lambda: through(Sparse(weights=csr_array(np.eye(2)), name="w")),
        "weights: csr_array; Lava needs a csr_matrix",
    ),
    "synapse twice": (
        lambda: through(
            Sparse(weights=csr_matrix(([1, 2], ([0, 0]), [0, 2, 2]), shape=(2, 2)), name="w")
        ),
        "weights: a synapse is stored twice",
    ),
    "conv sum": (lambda: conv(10**6), "Conv 'w'.weight: output channel 0 can sum to 9000000"),
    "conv weights": (lambda: conv(2**15 + 1), "Conv 'w'.weight: 32769; allowed -32768..32767"),
    "conv padding": (lambda: conv(padding=64), "padding .both sides. of 128; Lava .* 8 bits"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_from_lava__refuses(case):
    build, message = REFUSED[case]
    with pytest.raises(ConversionError, match=message):
        from_lava(build())


def test_from_lava__refuses_what_is_no_process():
    with pytest.raises(TypeMismatchError, match="a Lava Process is needed"):
        from_lava("lif")


def test_run__refuses_what_lava_would_not_do():
    neurons, other = through(dense()), LIF(shape=(1,))
    monitor = Monitor()
    monitor.probe(neurons.v, 5)
    program = from_lava(neurons)
    with pytest.raises(InputError, match="room for 5 steps; Lava would fail in a run of 6"):
        program.run(6)
    with pytest.raises(InputError, match="spikes of 'in': allowed are Injectors, here none"):
        program.run(5, spikes={"in": []})
    with pytest.raises(InputError, match="not a Process of this program"):
        program.name_of(other)
    with pytest.raises(InputError, match="'out' records nothing; recorders are 'Process_"):
        program.run(5).data(neurons)
    with pytest.raises(
        InputError, match=r"out\.u: only weights, tag_1, .* of a learning connection"
    ):
        program.run(5).value(neurons.u)
    with pytest.raises(InputError, match="'x1' is no Var of a Process"):
        program.run(5).value("x1")
