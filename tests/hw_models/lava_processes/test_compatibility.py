"""How Lava is imported: each case in an interpreter that has not imported it yet."""

import pytest

from tests.fresh_python import run_program

pytestmark = pytest.mark.lava


def fresh(code):
    """Run code in a new interpreter, warnings as errors; what it printed."""
    return run_program(code, options=("-W", "error")).split()


def test_import_lava__leaves_python_as_it_was():
    said = fresh(
        """
        import dataclasses, multiprocessing
        dataclass, set_start_method = dataclasses.dataclass, multiprocessing.set_start_method
        import hw_models.lava_processes
        import lava.proc.lif.process
        print(dataclasses.dataclass is dataclass)
        print(multiprocessing.set_start_method is set_start_method)
        print(multiprocessing.get_start_method(allow_none=True) in (None, "fork"))
        """
    )
    assert said == ["True", "True", "True"]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_import_lava__accepts_another_start_method(method):
    said = fresh(
        f"""
        import multiprocessing
        multiprocessing.set_start_method("{method}")
        from hw_models import *
        from conversions import LavaExecution, run_lava, to_lava
        network = FixedPointNetwork(
            populations=[LifPopulation(name="out", shape=(1,), current_decay=0,
                                       voltage_decay=0, threshold=-1)],
            projections=[],
        )
        result = run_lava(network, None, 3, execution=LavaExecution.DIRECT)
        print(result.counts.spikes["out"], multiprocessing.get_start_method())
        try:
            to_lava(network)
        except ExecutorError as error:
            print("refused" if "{method}" in str(error) else error)
        """
    )
    assert said == ["3", method, "refused"]


def test_import_lava__names_the_commands_if_lava_is_missing():
    said = fresh(
        """
        import sys
        sys.modules["lava"] = None  # what Python puts there to refuse an import
        from hw_models import MissingExtraError
        try:
            import hw_models.lava_processes
        except MissingExtraError as error:
            print(*(["install"] * str(error).count("python -m pip install")))
            print("lava-nc==0.10.0" in str(error) and "--ignore-requires-python" in str(error))
        """
    )
    assert said == ["install", "install", "True"]


def test_import__of_the_packages_does_not_import_lava():
    said = fresh(
        """
        import sys
        import conversions, hw_models, ssdp_neuro
        conversions.run_lava, conversions.to_lava, conversions.verify, ssdp_neuro.simulate
        print(any(name.split(".")[0] == "lava" for name in sys.modules))
        """
    )
    assert said == ["False"]


def test_import_lava__lets_lava_dl_go_without_torchvision():
    said = run_program(
        """
        import sys
        sys.modules["torchvision"] = sys.modules["cv2"] = None
        import hw_models.lava_processes
        from lava.lib.dl import netx, slayer
        print(netx.hdf5.Network.__name__, hasattr(slayer.obd, "__wrapped__"))
        try:
            slayer.obd.yolo_base
        except hw_models.MissingExtraError as error:
            print(error)
        """
    ).splitlines()
    assert said[0] == "Network False"
    assert "object_detection.yolo_base: lava-dl's object detection could not be imp" in said[1]
    assert "torchvision" in said[1] or "cv2" in said[1]


def test_import_lava__stands_in_for_adapters_of_the_chip():
    said = run_program(
        """
        import hw_models.lava_processes
        import numpy as np
        from lava.magma.core.run_conditions import RunSteps
        from lava.magma.core.run_configs import Loihi2HwCfg
        from lava.proc import embedded_io as eio
        from lava.proc.embedded_io.spike import NxToPyAdapter
        from lava.proc.io.sink import RingBuffer as Sink
        from lava.proc.io.source import RingBuffer as Source
        from lava.proc.lif.process import LIF
        from lava.utils.system import Loihi2
        from conversions import EngineCfg

        source, neurons = Source(data=np.eye(2, 3, dtype=int)), LIF(shape=(2,), du=4095, vth=0)
        there, back = eio.spike.PyToNxAdapter(shape=(2,)), NxToPyAdapter(shape=(2,))
        sink = Sink(shape=(2,), buffer=3)
        source.s_out.connect(there.inp)
        there.out.connect(neurons.a_in)
        neurons.s_out.connect(back.inp)
        back.out.connect(sink.a_in)
        sink.run(condition=RunSteps(3), run_cfg=EngineCfg(Loihi2HwCfg()))
        print(sink.data.get().astype(int).tolist(), sink.runtime.notes[0])
        print(Loihi2.is_loihi2_available)
        print(type(back) is eio.spike.NxToPyAdapter, NxToPyAdapter.__module__)
        """
    )
    assert "[[1, 0, 0], [0, 1, 0]] Loihi2HwCfg: there is no hardware" in said
    assert "False\nTrue hw_models.lava_processes.embedded_io.spike" in said


def test_import_lava__reads_descriptions_of_models_that_only_the_chip_runs():
    said = run_program(
        """
        import hw_models.lava_processes
        import numpy as np
        from lava.magma.compiler.subcompilers.nc.ncproc_compiler import CompilerOptions
        from lava.magma.core.decorator import implements, requires, tag
        from lava.magma.core.model.c.model import CLoihiProcessModel
        from lava.magma.core.model.c.ports import CInPort
        from lava.magma.core.model.c.type import COutPort, LavaCDataType, LavaCType
        from lava.magma.core.model.nc.model import AbstractNcProcessModel
        from lava.magma.core.model.nc.ports import NcOutPort
        from lava.magma.core.model.nc.type import LavaNcType
        from lava.magma.core.model.py.model import PyLoihiProcessModel
        from lava.magma.core.model.py.ports import PyOutPort
        from lava.magma.core.model.py.type import LavaPyType
        from lava.magma.core.process.ports.ports import OutPort
        from lava.magma.core.process.process import AbstractProcess
        from lava.magma.core.resources import CPU, LMT, Loihi2NeuroCore
        from lava.magma.core.run_conditions import RunSteps
        from lava.magma.core.run_configs import Loihi2HwCfg, Loihi2SimCfg
        from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
        from lava.proc.io.sink import RingBuffer as Sink
        from lava.utils.system import Loihi2
        from conversions import EngineCfg

        CompilerOptions.verbose = True
        print(Loihi2.is_loihi2_available)
        try:
            from lava.magma.compiler.subcompilers.nc.ncproc_compiler import NcProcCompiler
        except ModuleNotFoundError as error:
            print("no compiler" if "Intel's extension" in str(error) else error)

        class Clock(AbstractProcess):
            def __init__(self):
                super().__init__()
                self.out = OutPort(shape=(1,))

        class Beacon(AbstractProcess):
            def __init__(self):
                super().__init__()
                self.out = OutPort(shape=(1,))

        @implements(proc=Clock, protocol=LoihiProtocol)
        @requires(LMT)
        class CClockModel(CLoihiProcessModel):
            out: COutPort = LavaCType(cls=COutPort, d_type=LavaCDataType.INT32)

        @implements(proc=Clock, protocol=LoihiProtocol)
        @requires(Loihi2NeuroCore)
        class NcClockModel(AbstractNcProcessModel):
            out: NcOutPort = LavaNcType(NcOutPort, np.int32, precision=24)

        @implements(proc=Clock, protocol=LoihiProtocol)
        @requires(CPU)
        @tag("fixed_pt")
        class PyClockModel(PyLoihiProcessModel):
            out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

            def run_spk(self):
                self.out.send(np.array([self.time_step]))

        @implements(proc=Beacon, protocol=LoihiProtocol)
        @requires(LMT)
        class CBeaconModel(CLoihiProcessModel):
            out: COutPort = LavaCType(cls=COutPort, d_type=LavaCDataType.INT32)

        for cfg in (
            Loihi2HwCfg(),
            Loihi2HwCfg(exception_proc_model_map={Clock: CClockModel}),
            Loihi2SimCfg(select_tag="fixed_pt"),
        ):
            clock, sink = Clock(), Sink(shape=(1,), buffer=3)
            clock.out.connect(sink.a_in)
            sink.run(condition=RunSteps(3), run_cfg=EngineCfg(cfg))
            notes = [each for each in sink.runtime.notes if "in place of" in each]
            print(sink.data.get().astype(int).tolist(), notes)
        beacon, sink = Beacon(), Sink(shape=(1,), buffer=3)
        beacon.out.connect(sink.a_in)
        try:
            sink.run(condition=RunSteps(3), run_cfg=EngineCfg(Loihi2HwCfg()))
        except Exception as error:
            print(error)
        """
    ).splitlines()
    assert said[:3] == ["False", "no compiler", "[[1, 2, 3]] []"]
    assert said[3].startswith("[[1, 2, 3]] [")
    assert "PyClockModel in place of CClockModel, which only the chip runs" in said[3]
    assert said[4] == "[[1, 2, 3]] []"
    assert "CBeaconModel is no model in Python" in said[5]
