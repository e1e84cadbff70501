"""The direct path builds what Lava's compiler builds."""

import numpy as np
import pytest
from hypothesis import given, settings

from hw_models import ExecutorError
from tests.strategies import cases

pytestmark = pytest.mark.lava


@pytest.mark.filterwarnings("ignore:pandas not found:ImportWarning")  # of networkx
@given(case=cases(max_samples=1))
@settings(deadline=None, max_examples=5)
def test_direct_run__has_the_models_that_lavas_compiler_chooses(case):
    from lava.magma.compiler.compiler import Compiler

    from hw_models.lava_processes.direct_run import DirectRun
    from hw_models.lava_processes.lava_model import build_model

    network, _, _ = case
    model = build_model(network)
    run = DirectRun(model.processes)
    chosen = {}
    for process in model.populations.values():  # each compiles all that it is connected with
        if process not in chosen:
            chosen.update(Compiler().compile(process, model.run_config).proc_builders)
    wired = [process for process in model.processes if process in chosen]
    assert set(model.populations.values()) <= set(wired)
    for process in wired:
        assert type(run.model(process)) is chosen[process].proc_model
        assert run.model(process).proc_params is chosen[process].proc_params


def test_direct_run__refuses_processes_that_wait_for_each_other():
    from lava.proc.lif.process import LIF

    from hw_models.lava_processes.direct_run import DirectRun

    one, other = LIF(shape=(2,)), LIF(shape=(2,))
    one.s_out.connect(other.a_in)
    other.s_out.connect(one.a_in)
    with pytest.raises(ExecutorError, match="wait for each other"):
        DirectRun([one, other]).step()


def test_direct_run__passes_messages_as_32_bits():
    from lava.proc.dense.process import Dense
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source

    from hw_models.lava_processes.direct_run import DirectRun

    source, sink = Source(data=np.array([[1]], dtype=np.int32)), Sink(shape=(1,), buffer=2)
    dense = Dense(weights=np.array([[3]]), weight_exp=31)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(sink.a_in)
    run = DirectRun([source, dense, sink])
    run.step()
    assert run.model(dense).a_buff.tolist() == [3 << 31]
    run.step()
    assert run.model(sink).data.tolist() == [[0, -(2**31)]]
