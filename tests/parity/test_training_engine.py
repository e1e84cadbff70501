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
    )
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
    quantize(model, {} if bits else grids, weight_bits=bits)
    return model


@given(model=coarse_models(), seed=st.integers(0, 99), rate=st.sampled_from([0.05, 0.4, 1.0]))
@settings(deadline=None, max_examples=40)
def test_quantized_network__same_spikes_as_engine_and_oracle(model, seed, rate):
    spikes = np.random.default_rng(seed).random((3, 25, *model.input_shape)) < rate
    with torch.no_grad():
        recorded = model.record(torch.tensor(spikes, dtype=torch.float32))
    network, _ = from_torch(model)
    for run in (
        simulate(network, spikes, n_steps=25),
        oracle.simulate(network, spikes, n_steps=25),
    ):
        for name, fired in recorded.items():
            assert (fired.numpy() != 0).tolist() == run.raster(name).tolist()
