import itertools

import numpy as np
import pytest
import snntorch as snn
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from snntorch import surrogate

from conversions.pytorch.neurons.neuron_reading import TimeAxis
from conversions.pytorch.neurons.snntorch import READERS, RESETS
from hw_models import ConversionError
from tests.conversions.pytorch.neuron_runs import (
    as_tensor,
    dyadic_currents,
    flat,
    predicted,
    real_currents,
)

RESET_NAMES = ("subtract", "zero", "none")
N = 5


def name_of(module):
    return f"{type(module).__module__}.{type(module).__qualname__}"


def read(module, shape=(N,)):
    return READERS[name_of(module)](module, "net.lif", shape)


def run(module, currents):
    """Spikes and potentials (B, T, N) of the module itself, called step by step."""
    RESETS[name_of(module)](module)
    given_steps = as_tensor(currents, module)
    spikes, voltages = [], []
    for t in range(currents.shape[1]):
        result = module(given_steps[:, t])
        spikes.append(result[0] if isinstance(result, tuple) else result)
        voltages.append(module.mem.clone())
    return flat(torch.stack(spikes, 1)) != 0, flat(torch.stack(voltages, 1))


def leaky(**settings):
    return snn.Leaky(beta=0.5, **settings)


def synaptic(**settings):
    return snn.Synaptic(alpha=0.5, beta=0.5, **settings)


def lapicque(*, reset_delay=True, **settings):
    return snn.Lapicque(R=2.0, C=1.0, **settings)  # keeps a half, gain 1


def recurrent_leaky(**settings):
    return with_weights(snn.RLeaky(beta=0.5, linear_features=N, **settings))


def recurrent_synaptic(**settings):
    return with_weights(snn.RSynaptic(alpha=0.5, beta=0.5, linear_features=N, **settings))


def with_weights(module):
    generator = np.random.default_rng(7)
    with torch.no_grad():
        for parameter in module.recurrent.parameters():
            eighths = generator.integers(-6, 7, parameter.shape)
            parameter.copy_(torch.tensor(eighths / 8.0))
    return module


NEURONS = [leaky, synaptic, lapicque, recurrent_leaky, recurrent_synaptic]


@pytest.mark.parametrize("make", NEURONS)
@pytest.mark.parametrize("reset", RESET_NAMES)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_read__spikes_are_those_of_the_module(make, reset, seed):
    module = make(reset_mechanism=reset)
    currents = dyadic_currents(seed)
    spikes, voltages = run(module, currents)
    ours, potentials = predicted(read(module), currents)
    assert spikes.any()
    np.testing.assert_array_equal(ours, spikes)
    # snnTorch shows a potential before it is put to zero
    shown = spikes if reset == "zero" else np.zeros_like(spikes)
    np.testing.assert_array_equal(potentials[~shown], voltages[~shown])


@pytest.mark.parametrize("make", [leaky, synaptic, recurrent_leaky])
@pytest.mark.parametrize("reset", ["zero", "none"])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_read__a_reset_without_delay(make, reset, seed):
    module = make(reset_mechanism=reset, reset_delay=False)
    currents = dyadic_currents(seed)
    spikes, voltages = run(module, currents)
    ours, potentials = predicted(read(module), currents)
    assert spikes.any()
    np.testing.assert_array_equal(ours, spikes)
    np.testing.assert_array_equal(potentials, voltages)


@pytest.mark.parametrize(("make", "strongest"), [(leaky, 0.75), (synaptic, 0.5)])
def test_read__subtraction_without_delay_differs_above_twice_the_threshold_alone(make, strongest):
    module = make(reset_mechanism="subtract", reset_delay=False)
    (note,) = read(module).notes
    assert "twice the threshold" in note
    weak = dyadic_currents(3, low=-0.25, high=strongest)
    spikes, voltages = run(module, weak)
    assert voltages.max() <= 1.0  # never above threshold after a reset
    assert spikes.any()
    ours, potentials = predicted(read(module), weak)
    np.testing.assert_array_equal(ours, spikes)
    np.testing.assert_array_equal(potentials, voltages)
    strong = dyadic_currents(3, high=6.0)
    assert not np.array_equal(predicted(read(module), strong)[0], run(module, strong)[0])


@pytest.mark.parametrize("make", NEURONS)
@pytest.mark.parametrize("reset", RESET_NAMES)
def test_read__parameters_that_are_not_dyadic(make, reset):
    module = make(reset_mechanism=reset, threshold=0.83)
    for name, value in (("beta", 0.91), ("alpha", 0.37), ("C", 1.3)):
        if hasattr(module, name):
            setattr(module, name, torch.tensor(value))
    currents = real_currents(11)
    ours, potentials = predicted(read(module), currents)
    spikes, voltages = run(module, currents)
    np.testing.assert_array_equal(ours, spikes)
    shown = spikes if reset == "zero" else np.zeros_like(spikes)
    np.testing.assert_allclose(potentials[~shown], voltages[~shown], atol=1e-5)


def test_read__one_decay_and_threshold_for_each_neuron():
    beta, threshold = torch.tensor([0.0, 0.5, 1.0, 0.5, 1.0]), torch.tensor([1, 2, 1, 0.5, 3.0])
    module = snn.Leaky(beta=beta, threshold=threshold, learn_beta=True, learn_threshold=True)
    currents = dyadic_currents(2)
    reading = read(module)
    assert reading.dynamics.voltage_kept.tolist() == beta.tolist()
    np.testing.assert_array_equal(predicted(reading, currents)[0], run(module, currents)[0])


def test_read__one_decay_for_each_channel():
    module = snn.Leaky(beta=torch.tensor([0.0, 0.5, 1.0]).reshape(3, 1, 1))
    currents = dyadic_currents(4, shape=(3, 2, 4))
    ours, potentials = predicted(read(module, (3, 2, 4)), currents)
    spikes, voltages = run(module, currents)
    np.testing.assert_array_equal(ours, spikes)
    np.testing.assert_array_equal(potentials, voltages)


def test_read__a_decay_beyond_one_is_clipped_as_snntorch_does():
    module = snn.Leaky(beta=1.5)
    currents = dyadic_currents(5)
    np.testing.assert_array_equal(predicted(read(module), currents)[1], run(module, currents)[1])


@pytest.mark.parametrize("cls", [snn.RLeaky, snn.RSynaptic])
@pytest.mark.parametrize("per_neuron", [False, True])
def test_read__one_to_one_recurrence(cls, per_neuron):
    weights = torch.tensor([0.5, -1, 0, 1.5, -0.25]) if per_neuron else 0.75
    settings = {"alpha": 0.5} if cls is snn.RSynaptic else {}
    module = cls(beta=0.5, V=weights, all_to_all=False, **settings)
    currents = dyadic_currents(6)
    spikes, _ = run(module, currents)
    np.testing.assert_array_equal(predicted(read(module), currents)[0], spikes)


def test_read__convolutional_recurrence():
    module = with_weights(snn.RLeaky(beta=0.5, conv2d_channels=2, kernel_size=3))
    currents = dyadic_currents(8, shape=(2, 4, 3))
    spikes, _ = run(module, currents)
    reading = read(module, (2, 4, 3))
    assert reading.recurrent is module.recurrent
    np.testing.assert_array_equal(predicted(reading, currents)[0], spikes)


def test_read__says_which_output_is_which():
    for hidden, output in itertools.product((False, True), repeat=2):
        for make, where in ((leaky, 1), (synaptic, 2), (recurrent_synaptic, 2)):
            module = make(init_hidden=hidden, output=output)
            reading = read(module)
            result = module(torch.ones(2, N))
            assert reading.time_axis is TimeAxis.STEP
            assert isinstance(result, tuple) is (reading.voltage_output is not None)
            if reading.voltage_output is not None:
                assert reading.voltage_output == where
                assert result[where] is module.mem


def test_reset__forgets_a_sample():
    for make in NEURONS:
        module = make()
        first = run(module, dyadic_currents(1))
        second = run(module, dyadic_currents(1))
        np.testing.assert_array_equal(first[1], second[1])


SPIKE_FUNCTIONS = [
    surrogate.atan(),
    surrogate.fast_sigmoid(),
    surrogate.sigmoid(),
    surrogate.triangular(),
    surrogate.straight_through_estimator(),
    surrogate.spike_rate_escape(),
    surrogate.SFS(),
]


@pytest.mark.parametrize("index", range(len(SPIKE_FUNCTIONS)))
def test_read__every_surrogate_of_snntorch_is_a_step(index):
    module = snn.Leaky(beta=0.5, spike_grad=SPIKE_FUNCTIONS[index])
    currents = dyadic_currents(9)
    np.testing.assert_array_equal(predicted(read(module), currents)[0], run(module, currents)[0])


def test_read__a_spike_function_that_fires_at_threshold():
    module = snn.Leaky(beta=0.5, spike_grad=lambda shifted: (shifted >= 0).float())
    currents = dyadic_currents(10)
    assert read(module).dynamics.fires_at_threshold
    np.testing.assert_array_equal(predicted(read(module), currents)[0], run(module, currents)[0])


def changed_reset():
    module = leaky(reset_mechanism="subtract")
    module.reset_mechanism = "zero"
    return module


def loaded_reset():
    module = leaky(reset_mechanism="subtract")
    module.load_state_dict(leaky(reset_mechanism="zero").state_dict())
    return module


REFUSED = {
    "quantized state": (lambda: leaky(state_quant=torch.round), "state_quant"),
    "smooth spikes": (lambda: leaky(spike_grad=torch.sigmoid), "spike_grad: not a step"),
    "random spikes": (
        lambda: leaky(spike_grad=lambda v: torch.bernoulli(torch.sigmoid(v))),
        "spike_grad: not a step",
    ),
    "negative threshold": (lambda: leaky(threshold=-1.0), "threshold: -1.0"),
    "wrong shape": (lambda: snn.Leaky(beta=torch.ones(3)), "beta: shape \\(3,\\)"),
    "short Lapicque": (lambda: snn.Lapicque(R=0.5, C=1.0), "voltage_kept: -1.0"),
    "RSynaptic without delay": (
        lambda: recurrent_synaptic(reset_delay=False),
        "RSynaptic with reset_delay=False",
    ),
    "Alpha": (lambda: snn.Alpha(alpha=0.9, beta=0.8), "Alpha; its potential"),
    "reset changed": (changed_reset, "computes reset_mechanism='subtract' but says 'zero'"),
    "reset loaded": (loaded_reset, "computes reset_mechanism='subtract'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_read__what_a_chip_cannot_do_is_refused_with_its_path(name):
    make, message = REFUSED[name]
    with pytest.raises(ConversionError, match=f"net.lif.*{message}"):
        read(make())


@pytest.mark.filterwarnings("ignore:Inhibition is an unstable feature:UserWarning")
def test_read__inhibition_is_refused():
    with pytest.raises(ConversionError, match=r"net\.lif: inhibition=True"):
        read(leaky(inhibition=True))


def test_readers__are_named_as_the_classes_of_snntorch_are():
    classes = {
        f"{cls.__module__}.{cls.__qualname__}"
        for cls in vars(snn).values()
        if isinstance(cls, type)
    }
    assert set(READERS) <= classes
