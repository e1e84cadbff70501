import operator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import layer, neuron, surrogate

from conversions.pytorch.neurons.neuron_reading import TimeAxis
from conversions.pytorch.neurons.spikingjelly import READERS, RESETS
from hw_models import ConversionError
from tests.conversions.pytorch.neuron_runs import (
    as_tensor,
    dyadic_currents,
    flat,
    predicted,
    real_currents,
)

N = 5


def name_of(module):
    return f"{type(module).__module__}.{type(module).__qualname__}"


def read(module, shape=(N,)):
    return READERS[name_of(module)](module, "net.1", shape)


def reset(module):
    for part in module.modules():
        if name_of(part) in RESETS:
            RESETS[name_of(part)](part)


def run(module, currents):
    """Spikes (B, T, N) of the module itself, in its own step mode."""
    reset(module)
    steps = as_tensor(currents, module).transpose(0, 1)
    with torch.no_grad():
        made = module(steps) if module.step_mode == "m" else torch.stack([*map(module, steps)])
    return flat(made.transpose(0, 1)) != 0


def potentials_of(module, currents):
    """Potentials (B, T, N) after each step, as the module stores them."""
    module.store_v_seq = True
    run(module, currents)
    stored = flat(module.v_seq.transpose(0, 1))
    module.store_v_seq = False
    return stored


def integrate(**settings):
    return neuron.IFNode(**settings)


def leaky(**settings):
    return neuron.LIFNode(tau=2.0, **settings)


def parametric(**settings):
    return neuron.ParametricLIFNode(init_tau=2.0, **settings)


def current_based(*, step_mode="s", v_threshold=1.0, **settings):
    module = neuron.CUBALIFNode(c_decay=0.5, v_decay=0.5, v_threshold=v_threshold, **settings)
    module.step_mode = step_mode
    return module


NEURONS = [integrate, leaky, parametric, current_based]
RESET_POTENTIALS = [0.0, None, 0.25, -0.5]


@pytest.mark.parametrize("make", NEURONS)
@pytest.mark.parametrize("v_reset", RESET_POTENTIALS)
@pytest.mark.parametrize("step_mode", ["s", "m"])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_read__spikes_are_those_of_the_module(make, v_reset, step_mode, seed):
    module = make(v_reset=v_reset, step_mode=step_mode)
    currents = dyadic_currents(seed, high=4.0)
    spikes, stored = run(module, currents), potentials_of(module, currents)
    ours, potentials = predicted(read(module), currents)
    assert spikes.any()
    np.testing.assert_array_equal(ours, spikes)
    np.testing.assert_array_equal(potentials, stored - (v_reset or 0.0))


@pytest.mark.parametrize("make", [leaky, parametric])
@pytest.mark.parametrize("v_reset", RESET_POTENTIALS)
def test_read__an_input_that_does_not_decay(make, v_reset):
    module = make(v_reset=v_reset, decay_input=False)
    currents = dyadic_currents(1)
    ours, potentials = predicted(read(module), currents)
    np.testing.assert_array_equal(ours, run(module, currents))
    np.testing.assert_array_equal(potentials, potentials_of(module, currents) - (v_reset or 0.0))


@pytest.mark.parametrize("make", NEURONS)
def test_read__fires_at_threshold_too(make):
    module = make(v_threshold=0.5)
    currents = np.full((1, 1, N), 1.0 if make in (leaky, parametric) else 0.5)
    assert run(module, currents).all()
    assert predicted(read(module), currents)[0].all()


@pytest.mark.parametrize("v_reset", RESET_POTENTIALS)
@pytest.mark.parametrize("decay_input", [True, False])
def test_read__parameters_that_are_not_dyadic(v_reset, decay_input):
    currents = real_currents(2)
    for module in (
        neuron.LIFNode(tau=3.7, decay_input=decay_input, v_reset=v_reset, v_threshold=0.61),
        neuron.ParametricLIFNode(init_tau=2.9, decay_input=decay_input, v_reset=v_reset),
    ):
        ours, potentials = predicted(read(module), currents)
        np.testing.assert_array_equal(ours, run(module, currents))
        stored = potentials_of(module, currents) - (v_reset or 0.0)
        np.testing.assert_allclose(potentials, stored, atol=1e-5)


def test_read__a_learned_time_constant():
    module = neuron.ParametricLIFNode()
    with torch.no_grad():
        module.w.fill_(-1.2)
    reading = read(module)
    share = torch.sigmoid(torch.tensor(-1.2)).item()
    assert reading.dynamics.gain.tolist() == [share]
    assert reading.dynamics.voltage_kept.tolist() == [1 - share]


def test_read__the_axis_of_time_is_that_of_the_step_mode():
    assert read(leaky(step_mode="s")).time_axis is TimeAxis.STEP
    assert read(leaky(step_mode="m", store_v_seq=True)).time_axis is TimeAxis.FIRST


SPIKE_FUNCTIONS = [surrogate.Sigmoid, surrogate.ATan, surrogate.PiecewiseQuadratic,
                   surrogate.SuperSpike, surrogate.SoftSign, surrogate.Erf]  # fmt: skip


@pytest.mark.parametrize("function", SPIKE_FUNCTIONS)
def test_read__any_surrogate(function):
    module = leaky(surrogate_function=function())
    currents = dyadic_currents(3)
    np.testing.assert_array_equal(predicted(read(module), currents)[0], run(module, currents))


@pytest.mark.parametrize("make", [neuron.NonSpikingIFNode, neuron.NonSpikingLIFNode])
def test_read__neurons_that_never_fire(make):
    module = make()
    currents = dyadic_currents(4)
    reading = read(module)
    spikes, potentials = predicted(reading, currents)
    steps = module(torch.tensor(currents, dtype=torch.float32).transpose(0, 1))
    np.testing.assert_array_equal(potentials, flat(torch.stack(steps, 1)))
    assert not spikes.any()
    assert (reading.spikes_output, reading.voltage_output) == (None, 0)


def with_eighths(module):
    generator = np.random.default_rng(5)
    with torch.no_grad():
        for parameter in module.rc.parameters():
            parameter.copy_(torch.tensor(generator.integers(-8, 9, parameter.shape) / 8.0))
    return module


@pytest.mark.parametrize("make", [integrate, leaky])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("step_mode", ["s", "m"])
def test_read__linear_recurrence(make, bias, step_mode):
    module = with_eighths(
        layer.LinearRecurrentContainer(make(), N, N, bias=bias, step_mode=step_mode)
    )
    currents = dyadic_currents(6)
    spikes = run(module, currents)
    assert spikes.any()
    np.testing.assert_array_equal(predicted(read(module), currents)[0], spikes)


@pytest.mark.parametrize(
    "function", [operator.add, lambda sent, given: given - 0.5 * sent, torch.add]
)
@pytest.mark.parametrize("step_mode", ["s", "m"])
def test_read__element_wise_recurrence(function, step_mode):
    module = layer.ElementWiseRecurrentContainer(leaky(), function, step_mode=step_mode)
    currents = dyadic_currents(7)
    spikes = run(module, currents)
    assert spikes.any()
    np.testing.assert_array_equal(predicted(read(module), currents)[0], spikes)


def test_reset__forgets_a_sample():
    module = with_eighths(layer.LinearRecurrentContainer(leaky(), N, N))
    first, second = (run(module, dyadic_currents(8)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_read__a_start_from_elsewhere():
    module = leaky()
    module.set_reset_value("v", 0.75)
    currents = dyadic_currents(9)
    np.testing.assert_array_equal(predicted(read(module), currents)[0], run(module, currents))


REFUSED = {
    "smooth spikes": (
        lambda: leaky(surrogate_function=surrogate.Sigmoid(spiking=False)),
        "surrogate_function: not a step",
    ),
    "threshold below the reset": (
        lambda: leaky(v_threshold=0.25, v_reset=0.5),
        "threshold: -0.25",
    ),
    "product": (
        lambda: layer.ElementWiseRecurrentContainer(leaky(), torch.mul),
        "element_wise_function: supported is the sum",
    ),
    "other neurons inside": (
        lambda: layer.LinearRecurrentContainer(neuron.IzhikevichNode(), N, N),
        "sub_module: IzhikevichNode; supported",
    ),
    "decoded": (lambda: neuron.NonSpikingLIFNode(decode="max-mem"), "decode='max-mem'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_read__what_a_chip_cannot_do_is_refused_with_its_path(name):
    make, message = REFUSED[name]
    with pytest.raises(ConversionError, match=f"net.1.*{message}"):
        read(make())


def test_readers__are_named_as_the_classes_of_spikingjelly_are():
    classes = {f"{cls.__module__}.{cls.__qualname__}"
               for cls in (*vars(neuron).values(), *vars(layer).values())
               if isinstance(cls, type)}  # fmt: skip
    assert set(READERS) <= classes
