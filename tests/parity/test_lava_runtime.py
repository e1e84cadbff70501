"""Lava as its users have it: the multiprocess runtime, in few and rich runs."""

import numpy as np
import pytest

from conversions import run_lava
from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    PoolProjection,
    ResetMode,
    SparseProjection,
    save,
)
from ssdp_neuro import simulate
from ssdp_neuro.oracle.simulate import simulate as oracle
from tests.fresh_python import run_program

pytestmark = pytest.mark.lava


def rich_network(rng):
    """Every Process there is, two inputs, loops, and a population apart from the others."""
    common = {"current_decay": 700, "voltage_decay": 200}
    pairs = np.argwhere(rng.random((8, 12)) < 0.5)
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="image", shape=(2, 5, 6)),
            InputPopulation(name="sound", shape=(8,)),
            LifPopulation(name="seen", shape=(2, 5, 6), threshold=120, **common),
            LifPopulation(
                name="small", shape=(2, 2, 3), threshold=90, reset_interval=7, **common
            ),
            LifPopulation(
                name="mixed",
                shape=(12,),
                current_decay=rng.integers(0, 4096, 12),
                voltage_decay=rng.integers(0, 4097, 12),
                threshold=rng.integers(50, 300, 12),
                bias_mantissa=rng.integers(-100, 400, 12),
                reset=ResetMode.SUBTRACT,
                refractory=2,
            ),
            LifPopulation(name="apart", shape=(3,), threshold=9, bias_mantissa=100, **common),
        ],
        projections=[
            ConvProjection(
                source="image", target="seen", weights=rng.integers(-90, 130, (2, 1, 3, 3)),
                padding=1, groups=2,
            ),
            ConvProjection(
                source="seen", target="seen", weights=rng.integers(-255, 255, (2, 2, 3, 3)),
                padding=1, weight_exponent=-2, name="loop",
            ),
            PoolProjection(source="seen", target="small", kernel_size=2, weight=70),
            DenseProjection(
                source="small", target="mixed", weights=rng.integers(-100, 200, (12, 12)),
                delays=rng.integers(0, 9, (12, 12)), weight_exponent=-1,
            ),
            DenseProjection(
                source="mixed", target="small", weights=rng.integers(-99, 99, (12, 12)), name="back"
            ),
            SparseProjection(
                source="sound", target="mixed", pre=pairs[:, 0], post=pairs[:, 1],
                weights=rng.integers(-200, 256, len(pairs)), delays=rng.integers(0, 5, len(pairs)),
            ),
            SparseProjection(
                source="sound", target="mixed", pre=pairs[::2, 0], post=pairs[::2, 1],
                weights=rng.integers(1, 256, len(pairs[::2])), name="more",
            ),
        ],
    )  # fmt: skip


@pytest.mark.kernel
def test_run_lava__equals_engine_and_oracle_in_the_runtime():
    rng = np.random.default_rng(5)
    network = rich_network(rng)
    n_steps = 24
    spikes = {name: rng.random((2, n_steps, n)) < 0.3 for name, n in (("image", 60), ("sound", 8))}
    probes = [(lif.name, variable) for lif in network.neurons for variable in "uv"]
    lava = run_lava(network, spikes, n_steps, probes=probes)
    for run in (oracle, simulate):
        other = run(network, spikes, n_steps=n_steps, probes=probes)
        for name in lava.populations:
            np.testing.assert_array_equal(lava.raster(name), other.raster(name), name)
        for probe in probes:
            np.testing.assert_array_equal(lava.probe(*probe), other.probe(*probe), str(probe))
        assert lava.counts.synaptic_operations == other.counts.synaptic_operations
    assert all(lava.counts.spikes.values()), "a silent population proves nothing"
    assert lava.executor == "lava"


def test_to_lava__runs_in_a_plain_lava_program(tmp_path):
    rng = np.random.default_rng(3)
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(6,)),
            LifPopulation(
                name="out", shape=(4,), current_decay=900, voltage_decay=100, threshold=90
            ),
        ],
        projections=[
            DenseProjection(source="in", target="out", weights=rng.integers(-60, 120, (4, 6)))
        ],
    )
    spikes = rng.random((30, 6)) < 0.3
    save(network, tmp_path / "net.h5")
    np.save(tmp_path / "spikes.npy", spikes)
    program = """
        import numpy as np
        from conversions import to_lava
        from hw_models import load

        network, spikes = load("net.h5"), np.load("spikes.npy")
        model = to_lava(network, spikes, n_steps=30)
        own = to_lava(network)  # without sources: fed by a Process of the program

        from lava.magma.core.run_conditions import RunSteps
        from lava.proc.io.source import RingBuffer

        source = RingBuffer(data=spikes.T.astype(np.int32))
        own.connect_input("in", source.s_out)
        for name, built in (("model", model), ("own", own)):
            neurons = built.populations["out"]
            sink, monitor = built.record_spikes("out", 30), built.record_state("out", "v", 30)
            neurons.run(condition=RunSteps(num_steps=12), run_cfg=built.run_config)
            neurons.run(condition=RunSteps(num_steps=18))
            np.savez(name, raster=sink.data.get().T, v=monitor.get_data()["out"]["v"])
            neurons.stop()
    """
    run_program(program, folder=tmp_path)
    expected = oracle(network, spikes, n_steps=30, probes=[("out", "v")])
    assert expected.counts.spikes["out"] > 10
    for name in ("model", "own"):
        with np.load(tmp_path / f"{name}.npz") as said:
            np.testing.assert_array_equal(said["raster"], expected.raster("out"))
            np.testing.assert_array_equal(said["v"], expected.probe("out", "v"))
