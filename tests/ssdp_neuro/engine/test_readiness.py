import numpy as np
import pytest

from ssdp_neuro.engine.plan import plan_of
from ssdp_neuro.engine.readiness import make_ready
from tests.fresh_python import run_program
from tests.ssdp_neuro.engine.plastic_networks import (
    CONSTANT,
    DOPAMINE,
    REWARD,
    TEACHER,
    params_of,
    two_layers,
)

PROGRAM = """
    import sys
    import numba
    import numpy as np
    from hw_models import ThirdFactor
    from ssdp_neuro import Session, Teaching, learn, simulate
    from ssdp_neuro.engine.kernels import native
    from ssdp_neuro.engine.readiness import make_ready
    from tests.ssdp_neuro.engine.plastic_networks import N_STEPS, batch_of, params_of, two_layers

    rng = np.random.default_rng(3)
    rule = params_of(ThirdFactor.TEACHER)
    network = two_layers(rng, params_of(ThirdFactor.CONSTANT), rule)
    make_ready(network)

    def compiled():
        return {"object files": native.loaded.cache_info().currsize} | {
            (module.__name__, name): len(function.signatures)
            for module in list(sys.modules.values())
            if module.__name__.startswith("ssdp_neuro.engine.kernels")
            for name, function in vars(module).items()
            if hasattr(function, "signatures")
        }

    before = compiled()
    batch, labels = batch_of(rng, 3), [0, 2, 1]
    run = simulate(network, batch, n_steps=N_STEPS, probes=[("out", "v")], n_threads=2)
    simulate(network, batch[0], n_steps=N_STEPS)
    simulate(network, None, n_steps=N_STEPS)
    learn(network, batch, Teaching(labels=labels), n_steps=N_STEPS)
    learn(network, batch, Teaching(teacher=np.ones((3, 3), np.int32)), n_steps=N_STEPS)
    session = Session(network)
    session.begin_sample()
    session.step([0, 2])
    part = session.run(batch[0], N_STEPS, probes=[("out", "u")])
    for each in (run, part):
        for name in each.populations:
            for read in (each.spike_counts, each.first_spikes, each.raster, each.events):
                read(name)
    session.end_sample(Teaching(labels=[1]))
    assert compiled() == before, set(compiled().items()) - set(before.items())
    print(before["object files"] > 10)
"""


@pytest.mark.kernel
def test_make_ready__leaves_nothing_to_compile():
    assert run_program(PROGRAM, timeout_s=280) == "True\n"


@pytest.mark.kernel
@pytest.mark.parametrize("factor", [CONSTANT, DOPAMINE, REWARD, TEACHER])
def test_make_ready__learns_nothing(factor):
    network = two_layers(np.random.default_rng(5), params_of(factor), params_of(TEACHER))
    before = {name: plan_of(network).weights(name).copy() for name in plan_of(network).plastic}
    make_ready(network)
    for name, weights in before.items():
        assert (plan_of(network).weights(name) == weights).all()
