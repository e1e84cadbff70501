"""Choice of models, runs that are paused or fail, the program beside a run."""

import threading
import time

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from lava.magma.compiler.exceptions import NoProcessModelFound, ProcessAlreadyCompiled
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from lava.magma.core.run_configs import Loihi2HwCfg, Loihi2SimCfg, RunConfig
from lava.proc.dense.process import Dense
from lava.proc.io.extractor import Extractor
from lava.proc.io.injector import Injector
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.models import PyLifModelBitAcc, PyLifModelFloat
from lava.proc.lif.process import LIF
from lava.utils.serialization import load, save

from conversions import EngineCfg
from hw_models import ExecutorError, InputError, ShapeError, TypeMismatchError
from tests.conversions.lava.user_program.processes import (
    Counter,
    Deaf,
    Echo,
    Failing,
    Layer,
    Noise,
    Patient,
    Phases,
)
from tests.fresh_python import run_program

pytestmark = pytest.mark.lava


def counting():
    """Neurons that fire in every other step, and their sink."""
    neurons = LIF(shape=(1,), du=4095, dv=0, vth=1, bias_mant=40, name="neurons")
    sink = Sink(shape=(1,), buffer=1000)
    neurons.s_out.connect(sink.a_in)
    return neurons, sink


class FloatOnChip(Loihi2HwCfg):
    """A choice of the program's own, which stays."""

    def select(self, process, proc_models):
        return PyLifModelFloat if isinstance(process, LIF) else super().select(process, proc_models)


def model_of(process):
    return process.runtime.model_of(process)


@pytest.mark.parametrize(
    ("run_cfg", "model"),
    [
        (EngineCfg(), PyLifModelFloat),
        (EngineCfg(select_tag="fixed_pt"), PyLifModelBitAcc),
        (EngineCfg(Loihi2SimCfg(select_tag="fixed_pt")), PyLifModelBitAcc),
        (EngineCfg(exception_proc_model_map={LIF: PyLifModelBitAcc}), PyLifModelBitAcc),
    ],
)
def test_engine_cfg__chooses_as_the_configuration_does(run_cfg, model):
    neurons, _ = counting()
    neurons.run(condition=RunSteps(1), run_cfg=run_cfg)
    assert type(model_of(neurons)) is model
    assert not [note for note in neurons.runtime.notes if "hardware" in note]


def test_engine_cfg__asks_a_configuration_of_the_user():
    class Mine(RunConfig):
        def select(self, process, proc_models):
            asked.append((process, proc_models))
            return next(each for each in proc_models if "fixed_pt" in each.tags)

    asked = []
    neurons, _ = counting()
    neurons.run(condition=RunSteps(1), run_cfg=EngineCfg(Mine()))
    assert type(model_of(neurons)) is PyLifModelBitAcc
    models = dict(asked)[neurons]
    assert models.index(PyLifModelFloat) < models.index(PyLifModelBitAcc)


@pytest.mark.parametrize(
    ("run_cfg", "model"),
    [
        (Loihi2HwCfg(), PyLifModelBitAcc),
        (Loihi2HwCfg(select_tag="floating_pt"), PyLifModelFloat),
        (FloatOnChip(), PyLifModelFloat),
    ],
)
def test_engine_cfg__computes_as_a_chip_in_place_of_a_chip(run_cfg, model):
    neurons, _ = counting()
    neurons.run(condition=RunSteps(1), run_cfg=EngineCfg(run_cfg))
    assert type(model_of(neurons)) is model


def test_engine_cfg__has_no_hardware_and_says_so():
    neurons, sink = counting()
    neurons.run(condition=RunSteps(4), run_cfg=EngineCfg(Loihi2HwCfg(select_tag="fixed_pt")))
    assert neurons.runtime.notes == (
        "Loihi2HwCfg: there is no hardware; every Process runs by its Python model, in fixed point"
        " if it has one and no tag says otherwise",
    )
    assert sink.data.get()[0, :4].tolist() == [0, 1, 0, 1]


def test_engine_cfg__leaves_other_configurations_to_lava():
    neurons, _ = counting()
    executable = neurons.compile(Loihi2SimCfg(select_tag="fixed_pt"))
    assert type(executable).__name__ == "Executable"


def test_engine_cfg__is_kept_by_lavas_save(tmp_path):
    neurons, sink = counting()
    save(
        [neurons, sink],
        str(tmp_path / "kept.pickle"),
        neurons.compile(EngineCfg(select_tag="fixed_pt")),
    )
    (again, heard), executable = load(str(tmp_path / "kept.pickle"))
    again.create_runtime(executable=executable)
    again.run(condition=RunSteps(6))
    assert heard.data.get()[0, :6].tolist() == [0, 1, 0, 1, 0, 1]
    again.stop()


def test_engine_cfg__takes_what_it_has_compiled():
    neurons, sink = counting()
    compiled = neurons.compile(EngineCfg(select_tag="fixed_pt"))
    neurons.create_runtime(executable=compiled)
    neurons.run(condition=RunSteps(2))
    assert sink.data.get()[0, :2].tolist() == [0, 1]


def test_engine_cfg__refuses_what_it_cannot_obey():
    with pytest.raises(TypeMismatchError, match="takes one of Lava's run configurations alone"):
        EngineCfg(Loihi2SimCfg(), select_tag="fixed_pt")
    with pytest.raises(TypeMismatchError, match="'fixed_pt'"):
        EngineCfg("fixed_pt")
    neurons, _ = counting()
    with pytest.raises(InputError, match="choose from RunSteps"):
        neurons.run(condition=5, run_cfg=EngineCfg())

    class Choosing(RunConfig):
        def select(self, process, proc_models):
            return None

    with pytest.raises(InputError, match="it chose None"):
        counting()[0].run(condition=RunSteps(1), run_cfg=EngineCfg(Choosing()))


def test_engine_cfg__can_be_tried_again_after_it_found_no_model():
    class Nothing(AbstractProcess):
        pass

    process = Nothing()
    for _ in range(2):
        with pytest.raises(NoProcessModelFound):
            process.run(condition=RunSteps(1), run_cfg=EngineCfg())
    neurons, sink = counting()
    neurons.run(condition=RunSteps(1), run_cfg=EngineCfg())
    with pytest.raises(ProcessAlreadyCompiled):
        sink.compile(EngineCfg())


def test_engine_runtime__goes_on_from_what_was_left_and_set():
    neurons, sink = counting()
    neurons.run(condition=RunSteps(3), run_cfg=EngineCfg(select_tag="fixed_pt"))
    assert neurons.v.get().tolist() == [40]
    neurons.v.set(np.array([63]))
    neurons.bias_mant.set(np.array([1]))
    neurons.run(condition=RunSteps(2))
    neurons.bias_mant.set(np.array([64]), np.array([0]))
    neurons.run(condition=RunSteps(2))
    assert sink.data.get()[0, :7].tolist() == [0, 1, 0, 0, 1, 0, 1]
    neurons.stop()
    assert neurons.v.get().tolist() == [0]
    with pytest.raises(ExecutorError, match="was stopped; build its Processes again"):
        neurons.run(condition=RunSteps(1))


def test_engine_runtime__says_what_a_var_holds():
    neurons, _ = counting()
    neurons.run(condition=RunSteps(1), run_cfg=EngineCfg())
    with pytest.raises(ShapeError, match="'v' holds 1 values, got 2"):
        neurons.v.set(np.zeros(2))
    layer = Layer(weights=np.eye(3))
    layer.run(condition=RunSteps(1), run_cfg=EngineCfg(select_sub_proc_model=True))
    assert layer.v.get().shape == (3,)


def test_engine_runtime__changes_no_value_of_the_program():
    step = np.array([[2, 4]])
    process = Failing(99, table={"steps": [step]})
    process.run(condition=RunSteps(2), run_cfg=EngineCfg())
    model_of(process).proc_params["table"]["steps"][0][:] = 0
    assert step.tolist() == [[2, 4]]


def test_engine_runtime__runs_until_it_is_paused():
    neurons, sink = counting()
    neurons.run(condition=RunContinuous(), run_cfg=EngineCfg(select_tag="fixed_pt"))
    with pytest.warns(UserWarning, match="not read: the program is running"):
        assert neurons.v.get() is None
    with pytest.warns(UserWarning, match="not set: the program is running"):
        neurons.v.set(np.array([5]))
    while model_of(neurons).time_step < 20:
        time.sleep(0.001)
    neurons.pause()
    n_steps = model_of(neurons).time_step
    assert neurons.v.get().tolist() == [40 * (n_steps % 2)]
    assert model_of(sink).time_step == n_steps
    neurons.run(condition=RunSteps(7, blocking=False))
    neurons.wait()
    assert model_of(neurons).time_step == n_steps + 7
    neurons.run(condition=RunContinuous())
    neurons.stop()


def test_engine_runtime__names_the_process_that_fails():
    process, sink = Failing(3, name="weak"), Sink(shape=(1,), buffer=10)
    process.s_out.connect(sink.a_in)
    with pytest.raises(
        ExecutorError,
        match=r"Failing 'weak' in step 3, spiking phase: ZeroDivisionError: my own mistake",
    ) as caught:
        sink.run(condition=RunSteps(5), run_cfg=EngineCfg())
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert sink.data.get().sum() == 2
    with pytest.raises(ExecutorError, match="an earlier run failed: Failing 'weak'"):
        sink.run(condition=RunSteps(1))
    sink.stop()


def test_engine_runtime__tells_of_a_failure_in_the_background():
    for end in ("wait", "pause", "stop"):
        process = Failing(2, name="weak")
        process.run(condition=RunSteps(5, blocking=False), run_cfg=EngineCfg())
        while model_of(process).time_step < 2:
            time.sleep(0.001)
        with pytest.raises(ExecutorError, match="my own mistake"):
            getattr(process, end)()
        process.stop()


def test_engine_runtime__names_the_process_that_cannot_be_built():
    with pytest.raises(ExecutorError, match="Failing 'weak': KeyError: 'no such thing'"):
        Failing(0, name="weak").run(condition=RunSteps(1), run_cfg=EngineCfg())


def test_engine_runtime__says_who_waits_for_whom():
    first, second = Patient(name="first"), Patient(name="second")
    first.s_out.connect(second.a_in)
    second.s_out.connect(first.a_in)
    with pytest.raises(
        ExecutorError,
        match=r"nothing can go on in step 1, spiking phase \(Lava would hang\): Patient 'first'"
        r" waits for a message on Patient 'first'.a_in from Patient 'second'.s_out; Patient"
        r" 'second' waits for",
    ):
        first.run(condition=RunSteps(1), run_cfg=EngineCfg())
    first.stop()


def test_engine_runtime__says_what_nobody_reads():
    process, deaf = Failing(999, name="speaker"), Deaf(name="deaf")
    process.s_out.connect(deaf.a_in)
    process.run(condition=RunSteps(64), run_cfg=EngineCfg())
    with pytest.raises(
        ExecutorError,
        match=r"in step 65, .* room in the channel Failing 'speaker'.s_out -> Deaf 'deaf'.a_in",
    ):
        process.run(condition=RunSteps(1))


def test_engine_runtime__says_which_shape_was_sent():
    process = Source(data=np.ones((2, 3)))
    sink = Sink(shape=(2,), buffer=3)
    process.s_out.connect(sink.a_in)
    process.create_runtime(EngineCfg())
    model_of(process).data = np.ones((3, 3))
    with pytest.raises(ExecutorError, match=r"sends shape \(3,\); the port has \(2,\)"):
        process.run(condition=RunSteps(1))


def test_engine_runtime__takes_what_the_program_sends_while_it_runs():
    injector, neurons = Injector(shape=(1,)), LIF(shape=(1,), vth=1, du=1, dv=1)
    extractor = Extractor(shape=(1,))
    dense = Dense(weights=np.array([[2]]))
    injector.out_port.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    neurons.s_out.connect(extractor.in_port)
    neurons.run(condition=RunSteps(6, blocking=False), run_cfg=EngineCfg())
    heard = []
    for value in (1, 0, 0, 1, 0, 0):
        injector.send(np.array([value]))
        heard.append(int(extractor.receive()[0]))
    neurons.wait()
    assert heard == [0, 1, 0, 0, 1, 0]
    feeder = threading.Thread(target=lambda: [injector.send(np.array([value])) for value in (1, 0)])
    feeder.start()
    neurons.run(condition=RunSteps(2))
    feeder.join()
    assert [int(extractor.receive()[0]) for _ in range(2)] == [0, 1]
    neurons.run(condition=RunSteps(2, blocking=False))
    neurons.stop()  # though the Injector waits


def test_engine_runtime__says_that_nobody_reads_what_neurons_send():
    neurons, deaf = LIF(shape=(1,), name="neurons"), Deaf()
    neurons.s_out.connect(deaf.a_in)
    with pytest.raises(ExecutorError, match="LIF 'neurons' waits for room in the channel"):
        neurons.run(condition=RunSteps(70), run_cfg=EngineCfg())


def test_engine_runtime__lets_a_reader_finish():
    process, extractor = Failing(999), Extractor(shape=(1,), buffer_size=9)
    process.s_out.connect(extractor.in_port)
    extractor.create_runtime(EngineCfg())
    heard = []

    def read():
        for _ in range(30):
            heard.append(extractor.receive())
            time.sleep(0.002)

    reader = threading.Thread(target=read)
    reader.start()
    extractor.run(condition=RunSteps(30))
    assert len(heard) == 30
    reader.join()
    began = time.monotonic()
    extractor.run(condition=RunSteps(5))  # nobody reads any more
    assert time.monotonic() - began < 5
    extractor.stop()


def test_engine_runtime__does_not_wait_for_a_program_that_waits_for_it():
    program = """
        import numpy as np
        from conversions import EngineCfg
        from lava.magma.core.run_conditions import RunSteps
        from lava.proc.io.extractor import Extractor
        from lava.proc.io.injector import Injector

        injector, extractor = Injector(shape=(1,), name="in"), Extractor(shape=(1,), name="out")
        injector.out_port.connect(extractor.in_port)
        try:
            injector.run(condition=RunSteps(2), run_cfg=EngineCfg())
        except RuntimeError as error:
            print(error)
        try:
            extractor.receive()
        except RuntimeError as error:
            print(error)
        """
    lines = run_program(program).splitlines()
    assert "Injector 'in' waits for Injector 'in'.send, which the program calls" in lines[0]
    assert "is empty, and no run is going on" in lines[1]


def test_engine_runtime__runs_asynchronous_models_beside_the_others():
    process, counter = Failing(999), Counter()
    process.s_out.connect(counter.a_in)
    counter.run(condition=RunContinuous(), run_cfg=EngineCfg())
    counter.wait()  # until the model asks for a pause
    assert counter.heard.get()[0] == 10
    assert counter.turns.get()[0] >= 10
    assert model_of(process).time_step >= 10
    counter.heard.set(np.array([-1000000]))
    counter.run(condition=RunContinuous())
    while model_of(counter).heard[0] == -1000000:
        time.sleep(0.001)
    counter.pause()
    assert counter.heard.get()[0] > -1000000
    counter.stop()


def test_engine_runtime__keeps_threads_only_while_it_needs_them():
    first, second = Phases(5, every=3), Echo()
    first.s_out.connect(second.a_in)
    second.s_out.connect(first.a_in)
    noise = Noise()
    noise.s_out.connect(first.a_in)
    first.run(condition=RunSteps(5), run_cfg=EngineCfg(select_tag="fixed_pt"))
    hired = set(first.runtime._crew._hired)
    assert hired
    first.stop()
    for thread in hired:
        thread.join(timeout=20)
    assert not any(thread.is_alive() for thread in hired)
