"""netx's networks as Lava programs under ``EngineCfg``: a hierarchy that netx makes itself."""

import numpy as np
import pytest

from conversions import EngineCfg, explain_lava, to_netx
from tests.conversions.netx.networks import chain, images
from tests.conversions.netx.netx_run import loaded, run_netx

N_STEPS = 30


@pytest.mark.lava
@pytest.mark.parametrize("make", [chain, images])
@pytest.mark.parametrize("tag", ["fixed_pt", None])
def test_engine_cfg__runs_networks_of_netx(make, tag, tmp_path):
    from lava.magma.core.run_conditions import RunSteps
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source

    network = make()
    to_netx(network, tmp_path / "x.net")
    spikes = np.random.default_rng(1).random((N_STEPS, *network.inputs[0].shape)) < 0.4
    program = loaded(tmp_path / "x.net")
    shape = program.inp.shape
    given = np.moveaxis(spikes, 0, -1)
    given = given.transpose(2, 1, 0, 3) if len(shape) == 3 else given
    source, sink = Source(data=given.astype(int)), Sink(shape=program.out.shape, buffer=N_STEPS)
    source.s_out.connect(program.inp)
    program.out.connect(sink.a_in)
    program.run(condition=RunSteps(N_STEPS), run_cfg=EngineCfg(select_tag=tag))
    heard = sink.data.get().T.reshape(N_STEPS, -1) != 0
    if tag is None:
        assert "floating point" in str(explain_lava(program))
    else:
        np.testing.assert_array_equal(heard, run_netx(tmp_path / "x.net", spikes)[-1])
        assert heard.any()
        assert program.runtime.notes == ()
    program.stop()
