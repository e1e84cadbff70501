"""A task that only the right delays solve: two inputs, one spike each, told apart by their lag."""

import numpy as np
import pytest
import torch

from conversions import from_torch, verify
from hw_models import InputError
from ssdp_neuro import simulate
from ssdp_neuro.data import from_arrays
from ssdp_neuro.training import DelayedLinear, DelayWindow, config_of, fit, load_model
from tests.ssdp_neuro.training.run.made_runs import toy_config, toy_split

LAGS = (2, 7)  # that nobody tells the network
STEPS = 24


def lagged(n_samples, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, n_samples)
    first = random.integers(0, STEPS - 16, n_samples)
    spikes = np.zeros((n_samples, STEPS, 2), dtype=bool)
    spikes[np.arange(n_samples), first, 0] = True
    spikes[np.arange(n_samples), first + np.array(LAGS)[labels], 1] = True
    return from_arrays(spikes, labels)


def trained(*, out=None, **model):
    """Neurons that forget everything after a step: only spikes that coincide add up."""
    config = config_of(
        {
            "model": {
                "hidden": [16],
                "gain": 2.0,
                "current_decay": 4095,
                "voltage_decay": 4095,
                "longest_delay": 8,
                "quantize_from_epoch": 17,
                **model,
            },
            "optimizer": {"learning_rate": 0.01, "weight_decay": 0.0},
            "training": {"epochs": 20, "batch_size": 32, "threads": 1},
        }
    )
    data = (lagged(300, 0), lagged(60, 1), lagged(200, 2))
    return fit(config, data=data, out=out, show_progress=False)


# without delays nothing can add up, and the output may stay silent
@pytest.mark.filterwarnings("ignore::ssdp_neuro.training.silence.SilenceWarning")
def test_fit__delays_are_learned_where_nothing_else_helps(tmp_path):
    assert trained(learned_delays="none").test_accuracy < 0.65
    result = trained(learned_delays="per-synapse", out=tmp_path / "run")
    assert result.test_accuracy > 0.95
    model = load_model(tmp_path / "run" / "best.safetensors")
    delays = model.to_hidden.delays.numpy()
    lags = set((delays[:, 0] - delays[:, 1]).tolist())
    assert lags & set(LAGS)  # a neuron hears both at once
    spikes = lagged(20, 5).spikes(np.arange(20))
    network, _ = from_torch(model)
    run = simulate(network, spikes, n_steps=STEPS)
    with torch.no_grad():
        recorded = model.record(torch.tensor(spikes, dtype=torch.float32))
    for name, fired in recorded.items():
        assert run.raster(name).tolist() == (fired.numpy() != 0).tolist()
    assert verify(network, spikes[:2], n_steps=STEPS).equal


def test_fit__delays_stay_where_they_began_at_a_rate_of_0():
    same = {"model__learned_delays": "per-axon", "model__longest_delay": 3, "rule__kind": "none"}

    def delays(rate, epochs):
        config = toy_config(**same, optimizer__delay_rate=rate, training__epochs=epochs)
        model = fit(config, data=toy_split(), show_progress=False).model
        return model.to_hidden.delay, model.to_output.delay

    begun, kept, moved = delays(0.0, 1), delays(0.0, 3), delays(50.0, 1)
    assert all(torch.equal(one, other) for one, other in zip(begun, kept, strict=True))
    assert all(bool((one != other).any()) for one, other in zip(begun, moved, strict=True))


def test_fit__takes_delays_that_may_shrink_and_refuses_them_for_e_prop():
    long = {"model__learned_delays": "per-axon", "model__longest_delay": 63, "rule__kind": "none"}
    config = toy_config(**long, training__gradient="e-prop", model__quantize_from_epoch=99)
    with pytest.raises(InputError, match=r"\[training\] gradient: .*DelayedLinear"):
        fit(config, data=toy_split(), show_progress=False)


# PyTorch's compiler makes an instance of the class, which PyTorch warns of
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("window", DelayWindow)
def test_learned_delays__compile(window):
    synapses = DelayedLinear(
        3, 2, delays=np.full((2, 3), 1.3), learned=True, longest=4, window=window
    )
    spikes = (torch.rand(2, 6, 3) < 0.5).float()
    compiled = torch.compile(synapses, backend="aot_eager", fullgraph=True)
    slopes = []
    for run in (synapses, compiled):
        synapses.delay.grad = None
        run(spikes).square().sum().backward()
        slopes.append(synapses.delay.grad.clone())
    assert torch.allclose(*slopes)
    assert bool(slopes[0].any())
