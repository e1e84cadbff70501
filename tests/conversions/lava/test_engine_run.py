"""``run_in_engine``: the same as ``EngineCfg``, whether a program is a network or not."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from lava.magma.core.decorator import implements
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.process import Dense
from lava.proc.io.extractor import Extractor
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor

from conversions import EngineCfg, run_in_engine
from hw_models import ConversionError, InputError
from tests.conversions.lava.user_program.processes import Layer, Phases

pytestmark = [pytest.mark.lava, pytest.mark.kernel]
N_STEPS = 20


def program(*, own):
    """Neurons, and with ``own`` a Process of the user's between them."""
    rng = np.random.default_rng(2)
    source = Source(data=rng.integers(0, 2, (6, 7)))
    dense = Dense(weights=2 * rng.integers(-20, 40, (2, 6)))
    neurons = LIF(shape=(2,), du=900, dv=200, vth=30, bias_mant=20)
    sink, monitor, extractor = Sink(shape=(2,), buffer=N_STEPS), Monitor(), Extractor(shape=(2,))
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    neurons.s_out.connect([sink.a_in, extractor.in_port])
    monitor.probe(neurons.v, N_STEPS)
    if own:
        phases = Phases(N_STEPS)
        neurons.s_out.connect(phases.a_in)
    return source, neurons, sink, monitor, extractor


def test_run_in_engine__computes_the_same_on_both_ways():
    runs = []
    for own in (False, True):
        source, neurons, sink, monitor, extractor = program(own=own)
        run = run_in_engine(neurons, N_STEPS)
        recorded = [run.data(sink), run.data(extractor), run.data(monitor)[neurons.name]["v"]]
        runs.append([run.raster(neurons), run.raster(source), *recorded])
        assert len(run.notes) == own
    assert runs[0][0].any()
    for first, second in zip(*runs, strict=True):
        np.testing.assert_array_equal(first, second)


def test_run_in_engine__is_what_run_does():
    config = Loihi2SimCfg(select_tag="fixed_pt", select_sub_proc_model=True)
    layers = [Layer(weights=np.full((3, 2), 2), name="layer") for _ in range(2)]
    sources = [Source(data=np.array([[0, 1], [1, 1]])) for _ in layers]
    for source, layer in zip(sources, layers, strict=True):
        source.s_out.connect(layer.s_in)
    run = run_in_engine(layers[0], 5, run_cfg=config)
    layers[1].run(condition=RunSteps(5), run_cfg=EngineCfg(config))
    assert run.value(layers[0].v).any()
    np.testing.assert_array_equal(run.value(layers[0].v), layers[1].v.get())
    layers[0].run(condition=RunSteps(2))
    layers[1].run(condition=RunSteps(2))
    np.testing.assert_array_equal(layers[0].v.get(), layers[1].v.get())


def test_run_in_engine__keeps_rasters_where_the_engine_runs_all():
    rasters = []
    for run_cfg in (None, EngineCfg(select_tag="fixed_pt")):
        source = Source(data=np.array([[0, 3, 0, 1], [1, 0, 0, 0]]))
        dense, neurons = Dense(weights=np.eye(2) * 80), LIF(shape=(2,), vth=1, du=4095, dv=4095)
        source.s_out.connect(dense.s_in)
        dense.a_out.connect(neurons.a_in)
        run = run_in_engine(source, 9, run_cfg=run_cfg)
        assert run.notes == ()
        rasters.append([run.raster(source), run.raster(neurons)])
    np.testing.assert_array_equal(rasters[0], rasters[1])
    assert rasters[0][1].sum() > 4


def test_run_in_engine__refuses():
    _, neurons, sink, _, _ = program(own=True)
    with pytest.raises(ConversionError, match="Phases"):
        run_in_engine(neurons, 3, probes=[("neurons", "u")])
    with pytest.raises(InputError, match="without run_cfg; use Injectors and Monitors"):
        run_in_engine(neurons, 3, spikes={"eye": np.zeros((3, 2))}, run_cfg=EngineCfg())
    run = run_in_engine(neurons, 3)
    with pytest.raises(InputError, match="was run before; run_in_engine begins from the start"):
        run_in_engine(neurons, 3)
    with pytest.raises(InputError, match="sends no spikes that were kept"):
        run.raster(sink)
    with pytest.raises(InputError, match="records nothing"):
        run.data(neurons)
    with pytest.raises(InputError, match="is no Var"):
        run.value(neurons)


class Deaf(AbstractProcess):
    """Its port leads nowhere, as that of netx's Input, whose neurons hear their bias alone."""

    def __init__(self):
        super().__init__()
        self.inp = InPort(shape=(2,))


@implements(proc=Deaf, protocol=LoihiProtocol)
class SubDeafModel(AbstractSubProcessModel):
    def __init__(self, proc):
        self.neuron = LIF(shape=(2,), bias_mant=3)


def test_run_in_engine__refuses_a_port_that_leads_nowhere():
    source, deaf = Source(data=np.ones((2, 3))), Deaf()
    source.s_out.connect(deaf.inp)
    with pytest.raises(ConversionError, match=r"s_out: is connected to .*\.inp, which leads to no"):
        run_in_engine(source, 3, run_cfg=Loihi2SimCfg(select_sub_proc_model=True))
