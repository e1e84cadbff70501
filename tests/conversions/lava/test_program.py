"""Names, notes, recorders and injected spikes of Lava programs in the engine."""

import textwrap

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.extractor import Extractor
from lava.proc.io.injector import Injector
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFRefractory
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

from conversions import LavaProgram, from_lava, run_in_engine
from hw_models import ConvProjection, InputError, SparseProjection
from hw_models.lava_processes.direct_run import DirectRun
from tests.fresh_python import run_program

pytestmark = [pytest.mark.lava, pytest.mark.kernel]

MEMORYLESS = {"du": 4095, "dv": 4096}


def chain(source, synapses, neurons):
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(neurons.a_in)
    return neurons


def relay(n, name="out"):
    """Neurons that repeat what identity synapses bring them, one step late."""
    source = Source(data=np.eye(n, 5, dtype=int))
    neurons = LIF(shape=(n,), vth=1, name=name, **MEMORYLESS)
    return source, chain(source, Dense(weights=2 * np.eye(n, dtype=int), name="one"), neurons)


def test_from_lava__gives_a_program_with_the_names_of_its_processes():
    source, neurons = relay(2)
    program = from_lava(source)
    assert isinstance(program, LavaProgram)
    assert program.name_of(neurons) == "out"
    assert [p.name for p in program.network.projections] == ["one"]
    assert program.network.inputs[0].name == program.name_of(source) == f"Process_{source.id}"
    assert program.notes == ()


def test_from_lava__numbers_equal_names_and_mends_slashes():
    first, second, third = (LIF(shape=(1,), name=name) for name in ("a", "a", "a/b"))
    chain(first, Dense(weights=np.ones((1, 1)), name="w"), second)
    chain(second, Dense(weights=np.ones((1, 1)), name="w"), third)
    Dense(weights=np.ones((1, 1)), name="a_2").s_in.connect_from(third.s_out)
    program = from_lava(third)
    assert [program.name_of(each) for each in (first, second, third)] == ["a", "a_3", "a:b"]
    assert [p.name for p in program.network.projections] == ["w", "w_2"]


def test_from_lava__says_what_lava_changes_on_load():
    neurons = LIF(shape=(2,), bias_mant=1.5, name="out")
    synapses = [
        Dense(weights=np.array([[3, -5], [400, 2]]), name="d"),
        Dense(weights=np.array([[3, 300], [0, -2]]), sign_mode=SignMode.EXCITATORY, name="e"),
        Sparse(weights=csr_matrix([[0, 7.9], [-1, 0]]), name="s"),
        DelayDense(
            weights=2 * np.ones((2, 2)), delays=np.array([[0, 3], [1, 2]]), max_delay=1, name="l"
        ),
    ]
    for process in synapses:
        chain(Source(data=np.ones((2, 1), dtype=int)), process, neurons)
    loose = Dense(weights=np.ones((1, 2), dtype=int), name="loose")
    neurons.s_out.connect(loose.s_in)
    program = from_lava(neurons)
    assert program.notes == (
        "LIF 'out'.bias_mant: Lava changes 2 of 2 values on load (kept as int16), by up to 0.5;"
        " the first at (0,): 1.5 -> 1",
        "Dense 'd'.weights: Lava changes 3 of 4 values on load (MIXED, 8 bits), by up to 146;"
        " the first at (0, 0): 3 -> 2",
        "Dense 'e'.weights: Lava changes 2 of 4 values on load (EXCITATORY, 8 bits), by up to 45;"
        " the first at (0, 1): 300 -> 255",
        "Sparse 's'.weights: Lava changes 2 of 2 values on load (MIXED, 8 bits), by up to 1.9;"
        " the first at (0, 1): 7.9 -> 6",
        "DelayDense 'l'.delays: Lava drops 2 synapses with delays beyond max_delay 1",
        "Dense 'loose': left out, nothing is connected to its a_out",
    )
    weights = {p.name: p.weights.tolist() for p in program.network.projections}
    assert weights == {
        "d": [[2, -6], [254, 2]],
        "e": [[3, 255], [0, 0]],
        "s": [-2, 6],
        "l": [[2, 0], [2, 0]],
    }


def test_from_lava__keeps_a_convolution_where_the_program_orders_images_as_we_do():
    """Lava's own order (width, height, channels) becomes single synapses."""
    kinds = {}
    for order in ("image", "lava"):
        conv = Conv(weight=np.full((2, 2, 2, 3), 5), weight_exp=2, input_shape=(5, 4, 3))
        if order == "image":
            source = Source(data=np.ones((3, 4, 5, 2), dtype=int))
            source.s_out.transpose((2, 1, 0)).connect(conv.s_in)
            neurons = LIF(shape=(24,))
            conv.a_out.transpose((2, 1, 0)).flatten().connect(neurons.a_in)
        else:
            source = Source(data=np.ones((5, 4, 3, 2), dtype=int))
            neurons = chain(source, conv, LIF(shape=(4, 3, 2)))
        program = from_lava(neurons)
        (projection,) = program.network.projections
        kinds[order] = type(projection), program.network.population(program.name_of(neurons)).shape
        assert "ignores weight_exp 2" in program.notes[0]
    assert kinds == {
        "image": (ConvProjection, (2, 3, 4)),
        "lava": (SparseProjection, (4, 3, 2)),
    }


def test_data__of_a_sink_keeps_the_last_steps_as_lava_does():
    _, neurons = relay(3)
    short, long = Sink(shape=(3,), buffer=2), Sink(shape=(3, 1), buffer=6)
    neurons.s_out.connect(short.a_in)
    neurons.s_out.reshape((3, 1)).connect(long.a_in)
    run = run_in_engine(neurons, 4)
    assert run.data(short).tolist() == [[0, 0], [1, 0], [0, 1]]  # steps 2, 3 in places 0, 1
    assert run.data(long)[:, 0].tolist() == np.eye(3, 6, 1).tolist()
    assert run.raster(neurons).tolist() == np.eye(3, 4, 1, dtype=bool).T.tolist()


def test_data__of_a_sink_at_a_source_is_what_the_source_sends():
    source = Source(data=np.array([[0, -3, 2]]))
    neurons = chain(source, Dense(weights=np.full((1, 1), 8)), LIF(shape=(1,), vth=7, **MEMORYLESS))
    sink = Sink(shape=(1,), buffer=5)
    source.s_out.connect(sink.a_in)
    run = run_in_engine(sink, 5)
    assert run.data(sink).tolist() == [[0, -3, 2, 0, -3]]
    assert run.raster(source)[:, 0].tolist() == [False, True, True, False, True]
    assert run.raster(neurons)[:, 0].tolist() == [False, False, True, True, False]


def test_run__takes_spikes_for_injectors():
    injector, extractor = Injector(shape=(2, 2), name="eye"), Extractor(shape=(2, 2), name="ear")
    synapses = Dense(weights=2 * np.eye(4, dtype=int))
    injector.out_port.flatten().connect(synapses.s_in)
    neurons = LIF(shape=(2, 2), vth=1, **MEMORYLESS)
    synapses.a_out.reshape((2, 2)).connect(neurons.a_in)
    neurons.s_out.connect(extractor.in_port)
    program = from_lava(extractor)
    assert program.injected == ("eye",)
    spikes = np.zeros((3, 2, 2), dtype=bool)
    spikes[0, 1, 0] = spikes[1, 0, 1] = True
    given = program.run(3, spikes={"eye": spikes})
    np.testing.assert_array_equal(given.data(extractor)[1:], spikes[:-1])
    assert given.data(extractor).dtype == np.float64
    assert not program.run(3).data(extractor).any()
    with pytest.raises(InputError, match="a batch; a Lava program runs one sample"):
        program.run(3, spikes={"eye": spikes[None]})


def test_from_lava__reads_refractory_neurons_when_told_how():
    """Numbers for which Lava's floating-point model is exact: it sends the same spikes."""
    from lava.magma.core.run_configs import Loihi2SimCfg

    from hw_models.lava_processes import direct_run

    def neurons(du, dv, scale):
        return LIFRefractory(
            shape=(3,), du=du, dv=dv, vth=10, bias_mant=scale * np.array([3, 11, 0]),
            refractory_period=2,
        )  # fmt: skip

    config = Loihi2SimCfg(select_tag="floating_pt")
    sink = Sink(shape=(3,), buffer=30)
    in_float = neurons(1, 0, 1)
    in_float.s_out.connect(sink.a_in)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(direct_run, "_MODEL_CLASSES", {})
        patch.setattr(direct_run, "Loihi2SimCfg", lambda **_: config)
        run = direct_run.DirectRun([in_float, sink])
    for _ in range(30):
        run.step()
    program = from_lava(neurons(4095, 0, 64), refractory_in_fixed_point=True)
    (population,) = program.network.neurons
    assert population.refractory == 2
    raster = program.run(30).result.raster(population.name)
    np.testing.assert_array_equal(raster.T, run.model(sink).data)
    assert raster.sum(axis=0).tolist() == [5, 10, 0]


class Layer(AbstractProcess):
    """Synapses and neurons in one Process, as lava-dl's netx makes them."""

    def __init__(self, weights, **fields):
        super().__init__(**fields)
        self.synapses = Dense(weights=weights)
        self.neurons = LIF(shape=weights.shape[:1], du=500, dv=100, vth=200)
        self.inp, self.out = InPort(shape=weights.shape[1:]), OutPort(shape=weights.shape[:1])
        self.v = Var(shape=weights.shape[:1], init=0)
        self.inp.connect(self.synapses.s_in)
        self.synapses.a_out.connect(self.neurons.a_in)
        self.neurons.s_out.connect(self.out)
        self.v.alias(self.neurons.v)


def test_from_lava__goes_into_processes_made_of_processes():
    rng = np.random.default_rng(2)
    source = Source(data=(rng.random((6, 30)) < 0.3).astype(int))
    first, second = (Layer(rng.integers(-20, 50, shape), name="l") for shape in ((4, 6), (4, 4)))
    sink, monitor = Sink(shape=(2, 2), buffer=30), Monitor()
    source.s_out.connect(first.inp)
    first.out.reshape((2, 2)).transpose((1, 0)).flatten().connect(second.inp)
    second.out.reshape((2, 2)).connect(sink.a_in)
    monitor.probe(second.v, 30)
    run = run_in_engine(first, 30)
    leaves = [source, first.synapses, first.neurons, second.synapses, second.neurons, sink]
    in_lava = DirectRun(leaves)
    v = []
    for _ in range(30):
        in_lava.step()
        v.append(in_lava.model(second.neurons).v.copy())
    assert 20 < in_lava.model(sink).data.sum() < 100
    np.testing.assert_array_equal(run.data(sink), in_lava.model(sink).data)
    np.testing.assert_array_equal(run.data(monitor)["l"]["v"], v)


PROGRAM = """
    import hw_models.lava_processes
    import numpy as np
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.dense.process import Dense
    from lava.proc.io.extractor import Extractor, PyLoihiExtractorModel
    from lava.proc.io.injector import Injector, PyLoihiInjectorModel
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source
    from lava.proc.lif.process import LIF, LIFReset
    from lava.proc.monitor.process import Monitor

    rng = np.random.default_rng(4)
    source = Source(data=(rng.random((2, 3, 7)) < 0.4).astype(int))
    first = LIF(shape=(4, 2), du=900, dv=100, vth=80, bias_mant=400, name="first")
    second = LIFReset(shape=(3,), du=300, dv=50, vth=90, reset_interval=9, name="second")
    parts = [
        (source, Dense(weights=rng.integers(-60, 99, (8, 6)), name="in"), first),
        (first, Dense(weights=rng.integers(-60, 60, (8, 8)), weight_exp=-1, name="loop"), first),
        (first, Dense(weights=rng.integers(-60, 90, (3, 8)), name="on"), second),
    ]
    for before, synapses, after in parts:
        before.s_out.flatten().connect(synapses.s_in)
        synapses.a_out.reshape(after.a_in.shape).connect(after.a_in)
    injector, extractor = Injector(shape=(5,), name="eye"), Extractor(shape=(3,), buffer_size=40)
    eye = Dense(weights=rng.integers(0, 99, (3, 5)), name="eyes")
    injector.out_port.connect(eye.s_in)
    eye.a_out.connect(second.a_in)
    second.s_out.connect(extractor.in_port)
    sink = Sink(shape=(2, 4), buffer=11)
    first.s_out.transpose((1, 0)).connect(sink.a_in)
    monitors = [Monitor() for _ in range(4)]
    for monitor, target in zip(monitors, (first.u, first.v, second.v, second.s_out)):
        monitor.probe(target, 40)
"""


def test_run__records_what_lavas_runtime_records(tmp_path):
    """Lava's runtime in an interpreter of its own, the engine here, the same program text."""
    in_lava = """
    given = np.load("given.npy")
    models = {Injector: PyLoihiInjectorModel, Extractor: PyLoihiExtractorModel}  # have no tag
    config = Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=models)
    second.create_runtime(run_cfg=config)
    for spikes in given:
        injector.send(spikes.astype(float))
    second.run(condition=RunSteps(num_steps=30))
    taken = [extractor.receive() for _ in given]
    data = [monitor.get_data() for monitor in monitors]
    np.savez("lava", sink=sink.data.get(), taken=taken,
             **{f"{i}{name}{var}": values for i, each in enumerate(data)
                for name, found in each.items() for var, values in found.items()})
    second.stop()
    """
    given = np.random.default_rng(1).random((30, 5)) < 0.3
    np.save(tmp_path / "given.npy", given)
    run_program(textwrap.dedent(PROGRAM) + textwrap.dedent(in_lava), folder=tmp_path)
    here = {}
    exec(textwrap.dedent(PROGRAM), here)
    run = run_in_engine(here["eye"], 30, spikes={"eye": given})
    said = {"sink": run.data(here["sink"]), "taken": run.data(here["extractor"])}
    for number, monitor in enumerate(here["monitors"]):
        for name, found in run.data(monitor).items():
            said.update({f"{number}{name}{var}": values for var, values in found.items()})
    with np.load(tmp_path / "lava.npz") as lava:
        assert set(lava) == set(said)
        assert len(lava) == 6
        for name in lava:
            assert lava[name].any(), name
            assert lava[name].dtype == said[name].dtype, name
            np.testing.assert_array_equal(lava[name], said[name], name)
