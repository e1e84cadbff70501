"""The quantized PyTorch network spikes exactly as the engine and the oracle do."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.pytorch.model_conversion import from_torch
from hw_models import ResetMode
from hw_models.weight_grid import WeightGrid
from ssdp_neuro import oracle, simulate
from ssdp_neuro.training import feed_forward, quantize
from ssdp_neuro.training.layers.membrane_bias import MembraneBias


@st.composite
def coarse_models(draw):
    """Two layers on random grids: low thresholds, where every lost fraction can matter."""
    model = feed_forward(
        (draw(st.integers(1, 12)), draw(st.integers(1, 8)), draw(st.integers(1, 4))),
        seed=draw(st.integers(0, 99)),
        gain=draw(st.sampled_from([0.5, 3.0])),
        current_decay=draw(st.sampled_from([0, 1, 500, 3000, 4095])),
        voltage_decay=draw(st.sampled_from([0, 1, 500, 3000, 4095])),
        reset=draw(st.sampled_from(list(ResetMode))),
        latency=draw(st.integers(0, 1)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    # at exponent 7 and a threshold as high as it goes, the current wraps and v clips
    kind = st.sampled_from([(0, 1), (0, 3), (0, 20), (1, 90), (4, 3000), (7, 2**17 - 1)])
    grids = {}
    for name in ("hidden", "output"):
        exponent, threshold = draw(kind)
        grids[name] = WeightGrid(weight_exponent=exponent, threshold=threshold)
    bits = draw(st.sampled_from([(), (2, 5)]))
    if not bits and draw(st.booleans()):
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1000.0)  # every mantissa saturates
    highest = draw(st.sampled_from([0.0, 0.002, 0.3]))  # too many bits for a mantissa at 0.3
    if highest and not bits:
        for name in ("hidden", "output"):
            neurons = getattr(model, name)
            own = rng.uniform(-highest, highest, len(getattr(model, f"to_{name}").weight))
            neurons.bias = MembraneBias(own)
    quantize(model, {} if bits else grids, weight_bits=bits)
    return model


@given(model=coarse_models(), seed=st.integers(0, 99), rate=st.sampled_from([0.05, 0.4, 1.0]))
@settings(deadline=None, max_examples=40)
def test_quantized_network__same_spikes_as_engine_and_oracle(model, seed, rate):
    spikes = np.random.default_rng(seed).random((3, 25, *model.input_shape)) < rate
    with torch.no_grad():
        recorded = model.record(torch.tensor(spikes, dtype=torch.float32))
    network, report = from_torch(model)
    late = max(report.shifts.values())
    given_late = np.pad(spikes, ((0, 0), (0, late), (0, 0)))
    for run in (
        simulate(network, given_late, n_steps=25 + late),
        oracle.simulate(network, given_late, n_steps=25 + late),
    ):
        for name, fired in recorded.items():
            first = report.shifts[name]
            felt = run.raster(name)[:, first : first + 25]
            assert (fired.numpy() != 0).tolist() == felt.tolist()
