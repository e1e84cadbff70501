"""A network of ours in a Lava program that feeds and reads it while it runs."""

import numpy as np
import pytest

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    save,
)
from ssdp_neuro import simulate
from tests.fresh_python import run_program

pytestmark = pytest.mark.lava

PROGRAM = """
    import numpy as np
    from conversions import to_lava
    from hw_models import load

    model = to_lava(load("net.h5"))

    from lava.magma.core.run_conditions import RunSteps
    from lava.proc.io.extractor import Extractor
    from lava.proc.io.injector import Injector

    eye, ear = Injector(shape=(30,)), Injector(shape=(3,))
    extractor = Extractor(shape=(4,))
    model.connect_input("eye", eye.out_port)
    model.connect_input("ear", ear.out_port)
    neurons = model.populations["out"]
    neurons.s_out.connect(extractor.in_port)
    neurons.create_runtime(run_cfg=model.run_config)
    spikes, heard = np.load("spikes.npz"), []
    for seen, listened in zip(spikes["eye"], spikes["ear"]):
        eye.send(7.0 * seen)  # any value but 0 is a spike
        ear.send(listened.astype(float))
        neurons.run(condition=RunSteps(num_steps=1))
        heard.append(extractor.receive())
    neurons.stop()
    np.save("heard.npy", heard)
"""


@pytest.mark.kernel
def test_to_lava__is_fed_and_read_by_lavas_injector_and_extractor(tmp_path):
    rng = np.random.default_rng(12)
    common = {"current_decay": 900, "voltage_decay": 100}
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="eye", shape=(1, 5, 6)),
            InputPopulation(name="ear", shape=(3,)),
            LifPopulation(name="seen", shape=(1, 3, 4), threshold=150, **common),
            LifPopulation(name="out", shape=(4,), threshold=200, **common),
        ],
        projections=[
            ConvProjection(
                source="eye", target="seen", weights=rng.integers(-40, 90, (1, 1, 3, 3))
            ),
            DenseProjection(source="seen", target="out", weights=rng.integers(-60, 90, (4, 12))),
            DenseProjection(source="ear", target="out", weights=rng.integers(-60, 90, (4, 3))),
        ],
    )
    spikes = {"eye": rng.random((25, 30)) < 0.3, "ear": rng.random((25, 3)) < 0.3}
    save(network, tmp_path / "net.h5")
    np.savez(tmp_path / "spikes.npz", **spikes)
    run_program(PROGRAM, folder=tmp_path)
    raster = simulate(network, spikes, n_steps=25).raster("out")
    assert 5 < raster.sum() < raster.size
    np.testing.assert_array_equal(np.load(tmp_path / "heard.npy"), raster)
