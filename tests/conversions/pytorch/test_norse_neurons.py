import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.pytorch.neurons.neuron_reading import TimeAxis
from conversions.pytorch.neurons.norse import READERS
from hw_models import ConversionError
from tests.conversions.pytorch.neuron_runs import (
    dyadic_currents,
    flat,
    predicted,
    real_currents,
)

with warnings.catch_warnings():  # Norse compiles some functions in a way PyTorch gives up
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
    import norse.torch as norse
    from norse.torch.functional.reset import reset_subtract, reset_value
    from norse.torch.module.leaky_integrator import LILinearCell
    from norse.torch.module.lif_refrac import LIFRefracRecurrent

N, N_IN = 5, 4
HALVES = {"tau_syn_inv": torch.tensor(1.0), "tau_mem_inv": torch.tensor(1.0)}  # of dt = 0.5


def name_of(module):
    return f"{type(module).__module__}.{type(module).__qualname__}"


def read(module, shape=(N,)):
    return READERS[name_of(module)](module, "net.2", shape)


def run(module, currents):
    """What the module returns (B, T, N), and the potentials after each step."""
    steps = torch.tensor(currents, dtype=torch.float32).transpose(0, 1)
    made, potentials, state = [], [], None
    for step in steps:
        if isinstance(module, (norse.LIF, norse.LIFRecurrent, norse.IAF, norse.LI,
                               LIFRefracRecurrent)):  # fmt: skip
            out, state = module(step.unsqueeze(0), state)
            out = out.squeeze(0)
        else:
            out, state = module(step, state)
        v = (state.lif if hasattr(state, "lif") else state).v
        made.append(out.detach())
        potentials.append(v.detach().expand(out.shape))
    return flat(torch.stack(made, 1)), flat(torch.stack(potentials, 1))


def lif_parameters(**settings):
    return norse.LIFParameters(**{**HALVES, **settings})


def refractory_parameters(rho_reset=2.0, **settings):
    return norse.LIFRefracParameters(lif_parameters(**settings), torch.tensor(rho_reset))


def box_parameters(**settings):
    return norse.LIFBoxParameters(**{"tau_mem_inv": torch.tensor(1.0), **settings})


def iaf_parameters(**settings):
    settings.pop("v_leak", None)
    return norse.IAFParameters(**settings)


def with_eighths(module):
    generator = np.random.default_rng(3)
    with torch.no_grad():
        for weights in module.parameters():
            weights.copy_(torch.tensor(generator.integers(-8, 17, weights.shape) / 8.0))
    return module


def sized(cls):
    return lambda p, **settings: with_eighths(cls(N_IN, N, p=p, **settings))


SPIKING = {
    "LIF": (norse.LIF, lif_parameters),
    "LIFCell": (norse.LIFCell, lif_parameters),
    "LIFRecurrent": (sized(norse.LIFRecurrent), lif_parameters),
    "LIFRecurrentCell": (sized(norse.LIFRecurrentCell), lif_parameters),
    "LIFRefracCell": (norse.LIFRefracCell, refractory_parameters),
    "LIFRefracRecurrent": (sized(LIFRefracRecurrent), refractory_parameters),
    "LIFRefracRecurrentCell": (sized(norse.LIFRefracRecurrentCell), refractory_parameters),
    "LIFBoxCell": (norse.LIFBoxCell, box_parameters),
    "IAF": (norse.IAF, iaf_parameters),
    "IAFCell": (norse.IAFCell, iaf_parameters),
}


def make(name, **settings):
    cls, parameters = SPIKING[name]
    settings = {key: torch.as_tensor(value) for key, value in settings.items()}
    return cls(p=parameters(**settings), dt=0.5)


def currents_for(name, seed, **settings):
    return dyadic_currents(seed, shape=(N_IN if "Recurrent" in name else N,), **settings)


POTENTIALS = [(0.0, 0.0), (-0.5, -0.5), (0.5, -0.25)]  # the last starts where it leaks to


@pytest.mark.parametrize("name", SPIKING)
@pytest.mark.parametrize(("v_leak", "v_reset"), POTENTIALS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_read__spikes_are_those_of_the_module(name, v_leak, v_reset, seed):
    module = make(name, v_leak=v_leak, v_reset=v_reset)
    currents = currents_for(name, seed, high=4.0)
    made, potentials = run(module, currents)
    reading = read(module)
    ours, voltages = predicted(reading, currents)
    assert made.any()
    assert not reading.notes
    np.testing.assert_array_equal(ours, made != 0)
    np.testing.assert_array_equal(voltages + v_reset, potentials)


@pytest.mark.parametrize("v_leak", [0.0, 0.5])
def test_read__a_box_that_subtracts(v_leak):
    module = norse.LIFBoxCell(
        box_parameters(reset_method=reset_subtract, v_leak=torch.tensor(v_leak)), dt=0.5
    )
    currents = dyadic_currents(6, high=4.0)
    made, potentials = run(module, currents)
    ours, voltages = predicted(read(module), currents)
    np.testing.assert_array_equal(ours, made != 0)
    np.testing.assert_array_equal(voltages, potentials)


READOUTS = {
    "LI": lambda p: norse.LI(p, dt=0.5),
    "LICell": lambda p: norse.LICell(p, dt=0.5),
    "LILinearCell": lambda p: with_eighths(LILinearCell(N_IN, N, p, dt=0.5)),
    "LIBoxCell": lambda p: norse.LIBoxCell(norse.LIBoxParameters(p.tau_mem_inv, p.v_leak), dt=0.5),
}


@pytest.mark.parametrize("name", READOUTS)
@pytest.mark.parametrize("v_leak", [0.0, -0.75])
def test_read__readouts_integrate_and_never_fire(name, v_leak):
    module = READOUTS[name](norse.LIParameters(**HALVES, v_leak=torch.tensor(v_leak)))
    currents = dyadic_currents(7, shape=(N_IN if "Linear" in name else N,))
    reading = read(module)
    ours, voltages = predicted(reading, currents)
    made, _ = run(module, currents)
    assert not ours.any()
    assert (reading.spikes_output, reading.voltage_output) == (None, 0)
    np.testing.assert_array_equal(voltages + v_leak, made)
    assert (reading.voltage_zero == v_leak).all()


@pytest.mark.parametrize("name", SPIKING)
def test_read__default_parameters(name):
    cls, parameters = SPIKING[name]
    defaults = {
        lif_parameters: norse.LIFParameters(),
        refractory_parameters: norse.LIFRefracParameters(),
        box_parameters: norse.LIFBoxParameters(),
        iaf_parameters: norse.IAFParameters(),
    }
    module = cls(p=defaults[parameters])
    currents = real_currents(8, shape=(N_IN if "Recurrent" in name else N,), low=0.0, high=4.0)
    made, potentials = run(module, currents)
    ours, voltages = predicted(read(module), currents)
    assert made.any()
    np.testing.assert_array_equal(ours, made != 0)
    np.testing.assert_allclose(voltages, potentials, atol=1e-5)


def test_read__parameters_for_each_neuron():
    module = norse.LIF(
        norse.LIFParameters(
            tau_syn_inv=torch.tensor(1.5),
            tau_mem_inv=torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0]),
            v_th=torch.tensor([0.5, 1.0, 2.0, 0.25, 1.0]),
        ),
        dt=0.5,
    )
    currents = real_currents(9)
    ours, voltages = predicted(read(module), currents)
    made, potentials = run(module, currents)
    assert made.any()
    np.testing.assert_array_equal(ours, made != 0)
    np.testing.assert_allclose(voltages, potentials, atol=1e-5)


@pytest.mark.parametrize("rho_reset", [0.0, 1.0, 2.5, 4.0])
def test_read__refractory_steps(rho_reset):
    module = norse.LIFRefracCell(refractory_parameters(rho_reset), dt=0.5)
    currents = dyadic_currents(10, low=1.0, high=6.0)
    made, potentials = run(module, currents)
    ours, voltages = predicted(read(module), currents)
    np.testing.assert_array_equal(ours, made != 0)
    np.testing.assert_array_equal(voltages, potentials)


@pytest.mark.parametrize("method", ["super", "heaviside", "triangle", "tanh", "circ", "heavi_erfc"])
def test_read__every_method_fires_above_threshold_only(method):
    module = norse.IAFCell(norse.IAFParameters(method=method))
    currents = dyadic_currents(11)
    assert not read(module).dynamics.fires_at_threshold
    np.testing.assert_array_equal(predicted(read(module), currents)[0], run(module, currents)[0])


def test_read__recurrent_weights_have_no_autapses_unless_asked_for():
    for autapses in (False, True):
        module = norse.LIFRecurrentCell(N_IN, N, autapses=autapses)
        diagonal = read(module).recurrent.weight.diagonal()
        assert diagonal.any() == autapses


def test_read__the_axis_of_time():
    assert read(norse.LIFCell()).time_axis is TimeAxis.STEP
    assert read(norse.LIF()).time_axis is TimeAxis.FIRST


REFUSED = {
    "unstable membrane": (lambda: norse.LIF(dt=0.1), "voltage_kept: -9"),
    "unstable current": (
        lambda: norse.LIF(norse.LIFParameters(tau_syn_inv=torch.tensor(2000.0))),
        "current_kept: -1",
    ),
    "threshold below the reset": (
        lambda: norse.LIF(norse.LIFParameters(v_reset=torch.tensor(2.0))),
        "threshold: -1.0",
    ),
    "method without a forward pass": (
        lambda: norse.LIF(norse.LIFParameters(method="adjoint")),
        "p.method: Attempted to apply threshold function adjoint",
    ),
    "own reset": (
        lambda: norse.LIFBoxCell(box_parameters(reset_method=lambda z, v, reset, th: v / 2)),
        "p.reset_method: supported are reset_value and reset_subtract",
    ),
    "long refractory": (
        lambda: norse.LIFRefracCell(refractory_parameters(100.0)),
        "refractory: 100",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_read__what_a_chip_cannot_do_is_refused_with_its_path(name):
    make_refused, message = REFUSED[name]
    with pytest.raises(ConversionError, match=f"net.2.*{message}"):
        read(make_refused())


def test_read__the_reset_of_a_box_is_called_not_trusted():
    module = norse.LIFBoxCell(
        box_parameters(reset_method=lambda *given: reset_value(*given)), dt=0.5
    )
    currents = dyadic_currents(12)
    np.testing.assert_array_equal(predicted(read(module), currents)[0], run(module, currents)[0])


def test_readers__are_named_as_the_classes_of_norse_are():
    classes = {name_of_class(cls) for cls in (*vars(norse).values(), LILinearCell,
               LIFRefracRecurrent) if isinstance(cls, type)}  # fmt: skip
    assert set(READERS) <= classes


def name_of_class(cls):
    return f"{cls.__module__}.{cls.__qualname__}"
