import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sinabs import layers
from sinabs.activation import MaxSpike, MembraneReset, MembraneSubtract, MultiSpike, SingleSpike
from torch import nn

from conversions.pytorch.network.model_reading import read_model
from conversions.pytorch.neurons.neuron_reading import TimeAxis
from conversions.pytorch.neurons.sinabs import READERS, RESETS
from conversions.real_network.multi_spike_neurons import counted_spikes
from hw_models import ConversionError
from tests.conversions.pytorch.neuron_runs import (
    N_STEPS,
    dyadic_currents,
    flat,
    predicted,
    real_currents,
)

N = 5


def name_of(module):
    return f"{type(module).__module__}.{type(module).__qualname__}"


def read(module, shape=(N,)):
    return READERS[name_of(module)](module, "net.3", shape)


def run(module, currents):
    """What the module returns and its potentials after each step, both (B, T, N)."""
    RESETS[name_of(module)](module)
    module.record_states = True
    steps = torch.tensor(currents, dtype=torch.float32)
    squeezed = hasattr(module, "squeeze_forward")
    made = module(steps.flatten(0, 1) if squeezed else steps)
    made = made.reshape(steps.shape)
    return flat(made), flat(module.recordings["v_mem"])


def with_halves(module):
    """Decay factors that are exactly one half."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name in ("alpha_mem", "alpha_syn"):
                parameter.fill_(0.5)
    return module


def lif(cls=layers.LIF, **options):
    options = {"spike_fn": SingleSpike, "tau_mem": 5.0, "train_alphas": True, **options}
    return with_halves(cls(**options))


def connected(bias=False):
    linear = nn.Linear(N, N, bias=bias)
    generator = np.random.default_rng(1)
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.copy_(torch.tensor(generator.integers(-8, 9, parameter.shape) / 8.0))
    return linear


def iaf(cls=layers.IAF, **options):
    return cls(**{"spike_fn": SingleSpike, **options})


NEURONS = {
    "LIF": lif,
    "LIF unnormed": lambda **options: lif(norm_input=False, **options),
    "LIF with current": lambda **options: lif(tau_syn=3.0, **options),
    "LIF with current, unnormed": lambda **options: lif(tau_syn=3.0, norm_input=False, **options),
    "LIFSqueeze": lambda **options: lif(layers.LIFSqueeze, num_timesteps=N_STEPS, **options),
    "LIFRecurrent": lambda **options: lif(
        layers.LIFRecurrent, rec_connect=connected(), tau_syn=2.0, **options
    ),
    "IAF": iaf,
    "IAFSqueeze": lambda **options: iaf(layers.IAFSqueeze, batch_size=6, **options),
    "IAFRecurrent": lambda **options: iaf(layers.IAFRecurrent, rec_connect=connected(), **options),
}
RESET_FUNCTIONS = [MembraneSubtract(), MembraneReset(), MembraneSubtract(subtract_value=1.0)]


@pytest.mark.parametrize("name", NEURONS)
@pytest.mark.parametrize("reset_fn", RESET_FUNCTIONS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_read__spikes_are_those_of_the_module(name, reset_fn, seed):
    module = NEURONS[name](reset_fn=reset_fn)
    currents = dyadic_currents(seed, high=4.0)
    made, potentials = run(module, currents)
    reading = read(module)
    ours, voltages = predicted(reading, currents)
    assert made.any()
    assert not reading.notes
    np.testing.assert_array_equal(ours, made != 0)
    if "Recurrent" not in name:  # whose recordings show the step after
        np.testing.assert_array_equal(voltages, potentials)
    np.testing.assert_array_equal(voltages[:, -1], flat(module.v_mem.unsqueeze(1))[:, 0])


@pytest.mark.parametrize("train_alphas", [True, False])
@pytest.mark.parametrize("norm_input", [True, False])
@pytest.mark.parametrize("tau_syn", [None, 4.2])
def test_read__time_constants(train_alphas, norm_input, tau_syn):
    module = layers.LIF(
        tau_mem=7.3, tau_syn=tau_syn, spike_fn=SingleSpike, train_alphas=train_alphas,
        norm_input=norm_input, spike_threshold=torch.tensor(0.4),
    )  # fmt: skip
    currents = real_currents(2, high=3.0)
    made, potentials = run(module, currents)
    ours, voltages = predicted(read(module), currents)
    assert made.any()
    np.testing.assert_array_equal(ours, made != 0)
    np.testing.assert_allclose(voltages, potentials, atol=1e-5)


def test_read__an_integrator_with_a_decaying_current():
    module = layers.IAF(tau_syn=4.2, spike_fn=SingleSpike)
    currents = real_currents(3)
    made, potentials = run(module, currents)
    ours, voltages = predicted(read(module), currents)
    np.testing.assert_array_equal(ours, made != 0)
    np.testing.assert_allclose(voltages, potentials, atol=1e-5)


def test_read__time_constants_and_thresholds_for_each_neuron():
    module = layers.LIF(
        tau_mem=torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0]),
        tau_syn=torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0]),
        spike_threshold=torch.tensor([0.5, 0.25, 0.75, 0.125, 1.0]),
        spike_fn=SingleSpike,
    )
    currents = real_currents(4, high=4.0)
    made, potentials = run(module, currents)
    ours, voltages = predicted(read(module), currents)
    np.testing.assert_array_equal(ours, made != 0)
    np.testing.assert_allclose(voltages, potentials, atol=1e-5)


@pytest.mark.parametrize(
    ("spike_fn", "most"), [(MultiSpike, 1000), (MaxSpike(3), 3), (MaxSpike(), 1000)]
)
@pytest.mark.parametrize("name", ["IAF", "LIF unnormed", "LIF with current, unnormed"])
def test_read__several_spikes_in_a_step(spike_fn, most, name):
    module = NEURONS[name](spike_fn=spike_fn)
    reading = read(module)
    assert (reading.most_spikes, reading.notes) == (most, ())
    currents = dyadic_currents(5, low=-2.0, high=8.0)
    made, _ = run(module, currents)
    assert made.max() > 2
    flattened = currents.reshape(*currents.shape[:2], -1)
    np.testing.assert_array_equal(counted_spikes(reading.dynamics, flattened, most), made)


def test_read__max_spike_of_one_is_single_spike():
    module = layers.IAF(spike_fn=MaxSpike(1))
    currents = dyadic_currents(6, high=4.0)
    assert read(module).most_spikes == 1
    np.testing.assert_array_equal(predicted(read(module), currents)[0], run(module, currents)[0])


def test_read__several_spikes_before_a_reset_to_a_value_are_lost():
    (note,) = read(iaf(spike_fn=MultiSpike, reset_fn=MembraneReset())).notes
    assert "lost" in note


@pytest.mark.parametrize("value", [0.5, -0.25])
def test_read__a_reset_value_arrives_in_every_step(value):
    module = lif(reset_fn=MembraneReset(reset_value=value))
    currents = dyadic_currents(7, high=4.0)
    made, potentials = run(module, currents)
    ours, voltages = predicted(read(module), currents)
    assert made.any()
    np.testing.assert_array_equal(ours, made != 0)
    np.testing.assert_allclose(voltages + value, potentials, atol=1e-5)


@pytest.mark.parametrize(("value", "floor"), [(None, -1.0), (0.5, -1.5)])
def test_read__a_lower_bound_of_the_membrane_is_its_floor(value, floor):
    reset = MembraneSubtract() if value is None else MembraneReset(reset_value=value)
    assert read(iaf(min_v_mem=-1.0, reset_fn=reset)).floor == floor


@pytest.mark.parametrize(("sign", "noted"), [(1, False), (-1, True)])
def test_read_model__a_lower_bound_is_noted_where_it_can_be_reached(sign, noted):
    torch.manual_seed(0)
    linear = torch.nn.Linear(6, N, bias=False)
    with torch.no_grad():
        linear.weight.abs_()[0] *= sign
    model = torch.nn.Sequential(linear, iaf(min_v_mem=-0.25))
    spikes = np.random.default_rng(0).random((4, 9, 6)) < 0.5
    notes = [note for note in read_model(model, spikes=spikes).notes if "min_v_mem" in note]
    assert bool(notes) is noted
    assert not noted or f"{1 / N:.0%} of the neurons" in notes[0]


@pytest.mark.parametrize("options", [{}, {"norm_input": True}, {"train_alphas": True}])
def test_read__leaks_that_never_fire(options):
    for module in (
        layers.ExpLeak(tau_mem=3.0, **options),
        layers.ExpLeakSqueeze(tau_mem=3.0, batch_size=6, **options),
    ):
        currents = real_currents(9)
        made, _ = run(module, currents)
        reading = read(module)
        ours, voltages = predicted(reading, currents)
        assert not ours.any()
        assert (reading.spikes_output, reading.voltage_output) == (None, 0)
        np.testing.assert_allclose(voltages, made, atol=1e-5)


def test_read__the_bias_of_a_recurrence_is_late_in_sinabs():
    """By a potential that begins lower; with a current that lasts it is noted."""
    module = lif(layers.LIFRecurrent, rec_connect=connected(bias=True))
    currents = dyadic_currents(9, high=4.0)
    made, _ = run(module, currents)
    assert not read(module).notes
    np.testing.assert_array_equal(predicted(read(module), currents)[0], made != 0)
    lasting = lif(layers.LIFRecurrent, rec_connect=connected(bias=True), tau_syn=2.0)
    assert read(lasting).notes == (
        "the bias of rec_connect arrives from the first step on, in Sinabs from the second",
    )


def test_read__the_axis_of_time():
    assert read(lif()).time_axis is TimeAxis.SECOND
    assert read(iaf(layers.IAFSqueeze, batch_size=1)).time_axis is TimeAxis.FLATTENED


@pytest.mark.parametrize("name", NEURONS)
def test_reset__forgets_a_sample_and_its_batch(name):
    module = NEURONS[name]()
    first = run(module, dyadic_currents(11))
    if "batch_size" not in name and "Squeeze" not in name:
        run(module, dyadic_currents(12, batch=3))
    second = run(module, dyadic_currents(11))
    np.testing.assert_array_equal(first[1], second[1])


def test_reset__leaves_the_buffers_of_a_recurrence():
    module = iaf(layers.IAFRecurrent, rec_connect=nn.Sequential(connected(), nn.BatchNorm1d(N)))
    module.rec_connect[1].running_mean.fill_(0.5)
    RESETS[name_of(module)](module)
    assert (module.rec_connect[1].running_mean == 0.5).all()


class Halved(MembraneSubtract):
    pass


REFUSED = {
    "another amount": (
        lambda: iaf(reset_fn=MembraneSubtract(subtract_value=0.5)),
        "reset_fn: subtract_value=0.5; supported is the threshold",
    ),
    "own reset": (lambda: iaf(reset_fn=Halved()), "reset_fn: .*Halved; supported"),
    "own spikes": (lambda: iaf(spike_fn=torch.sigmoid), "spike_fn: .*supported"),
    "threshold": (
        lambda: iaf(spike_threshold=torch.tensor(-1.0)),
        "threshold: -1.0",
    ),
    "wrong shape": (
        lambda: layers.LIF(tau_mem=torch.ones(3)),
        "tau_mem: shape \\(3,\\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_read__what_a_chip_cannot_do_is_refused_with_its_path(name):
    make, message = REFUSED[name]
    with pytest.raises(ConversionError, match=f"net.3.*{message}"):
        read(make())


def test_readers__are_named_as_the_classes_of_sinabs_are():
    classes = {f"{cls.__module__}.{cls.__qualname__}" for cls in vars(layers).values()
               if isinstance(cls, type)}  # fmt: skip
    assert set(READERS) <= classes
