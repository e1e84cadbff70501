import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import RangeError, Rounding, TypeMismatchError
from ssdp_neuro.engine.plastic_projection import product_table
from ssdp_neuro.oracle.plain_da_ssdp import latency_code
from ssdp_neuro.rules import DaSsdp


def real_rule(**fields):
    return DaSsdp(**{"a_plus": 0.02, "a_baseline": 0.01, "sigma": 3.0, "n_steps": 20, **fields})


def test_change__is_the_equation():
    rule = real_rule()
    latencies = np.array([0, 4, 19, 20])
    change = rule.change(latencies[:, None], latencies[None, :], gate=1.5)
    assert change[0, 0] == pytest.approx(0.03)
    assert change[0, 1] == pytest.approx(0.03 * np.exp(-16 / 18))
    assert change[3, 3] == pytest.approx(-0.015)
    assert change[2, 3] == pytest.approx(-0.015 * np.exp(-1 / 18))


@given(
    a_plus=st.floats(1e-4, 1.0),
    ratio=st.floats(0.01, 1.0),
    sigma=st.floats(0.5, 40.0),
    n_steps=st.integers(1, 60),
    bits=st.integers(3, 8),
)
@settings(deadline=None, max_examples=60)
def test_to_fixed__changes_are_within_the_stated_error(a_plus, ratio, sigma, n_steps, bits):
    rule = DaSsdp(a_plus=a_plus, a_baseline=a_plus * ratio, sigma=sigma, n_steps=n_steps)
    params, report = rule.to_fixed(latency_bits=bits, weight_unit=0.01)
    latency = np.arange(n_steps + 1)
    code = np.where(latency < n_steps, latency >> params.latency_shift, params.silent_code)
    product = product_table(params)[code[:, None], code[None, :]] * 128
    made = product / 2**params.shift * 0.01
    error = np.abs(made - rule.change(latency[:, None], latency[None, :])).max()
    assert error == pytest.approx(report.change_error * a_plus, rel=1e-9, abs=1e-12)
    assert report.kernel_error <= 0.5 / 255
    if params.latency_shift == 0:
        # half a unit of the kernel, half a unit of a mantissa that is at least 128
        assert report.change_error <= 0.5 / 255 + 0.5 / 128 + 1e-9


@pytest.mark.parametrize("kernel_bits", [1, 3, 8])
@pytest.mark.parametrize("amplitude_bits", [1, 4, 8])
def test_to_fixed__errors_follow_the_widths(kernel_bits, amplitude_bits):
    widths = {"kernel_bits": kernel_bits, "amplitude_bits": amplitude_bits}
    rule = real_rule(a_plus=0.0137, a_baseline=0.0137)
    params, report = rule.to_fixed(latency_bits=5, weight_unit=0.01, **widths)
    assert params.kernel[0] == 2**kernel_bits - 1
    assert 2 ** (amplitude_bits - 1) <= params.potentiation < 2**amplitude_bits
    assert report.kernel_error <= 0.5 / (2**kernel_bits - 1)
    assert report.a_plus_error <= 0.5 / 2 ** (amplitude_bits - 1)
    assert report.change_error <= report.kernel_error * 1.5 + report.a_plus_error + 1e-9


def test_to_fixed__vanishing_is_the_share_that_nearest_rounding_loses():
    rule = real_rule(a_plus=0.006)
    params, report = rule.to_fixed(latency_bits=5, weight_unit=0.01)
    table = np.abs(product_table(params)[:20, :20]) * 128
    assert report.vanishing == (table < 2 ** (params.shift - 1)).mean()
    assert 0 < report.vanishing < 1
    _, kept = rule.to_fixed(latency_bits=5, weight_unit=0.01, rounding=Rounding.STOCHASTIC)
    assert kept.vanishing == 0
    assert "round to nothing" in str(report)


@pytest.mark.parametrize(("n_steps", "shift"), [(31, 0), (32, 1), (62, 1), (63, 2)])
def test_to_fixed__takes_the_finest_latency_that_fits(n_steps, shift):
    params, _ = real_rule(n_steps=n_steps).to_fixed(latency_bits=5, weight_unit=0.01)
    assert params.latency_shift == shift
    assert (n_steps - 1) >> shift < params.silent_code


@pytest.mark.parametrize("bits", [3, 4, 5, 8])
@pytest.mark.parametrize("step", [0, 1, 7, 19])
def test_to_fixed__the_teachers_step_is_in_steps_whatever_the_codes(bits, step):
    params, _ = real_rule().to_fixed(latency_bits=bits, weight_unit=0.01, teacher_latency=step)
    spikes = np.zeros(20, dtype=bool)
    spikes[step] = True
    assert params.teacher_latency == latency_code(spikes, bits, params.latency_shift)


@pytest.mark.parametrize(("n_steps", "place"), [(64, 16), (63, 16), (62, 16), (61, 15)])
def test_to_fixed__silence_stands_at_the_nearest_code(n_steps, place):
    params, _ = real_rule(n_steps=n_steps).to_fixed(
        latency_bits=5, latency_shift=2, weight_unit=0.01
    )
    assert params.silent_latency == place


def test_to_fixed__changes_of_half_a_mantissa_do_not_vanish():
    # a kernel of ones, and an amplitude of exactly one half: rounded away from zero
    rule = real_rule(a_plus=0.5, a_baseline=0.25, sigma=1e6)
    params, report = rule.to_fixed(latency_bits=5, weight_unit=1.0, kernel_bits=1)
    assert params.kernel.tolist() == [1] * 32
    assert report.largest_change == 0.5
    assert report.vanishing == 0.0


def test_to_fixed__kernel_error_is_the_largest_to_either_side():
    rule = real_rule(sigma=3.0)
    errors = set()
    for bits in range(1, 9):
        params, report = rule.to_fixed(latency_bits=5, weight_unit=0.01, kernel_bits=bits)
        distance = np.arange(32)
        error = params.kernel / (2**bits - 1) - np.exp(-(distance**2) / 18)
        assert report.kernel_error == pytest.approx(np.abs(error).max(), rel=1e-12)
        errors.add(np.sign(error[np.abs(error).argmax()]))
    assert errors == {1.0, -1.0}


@pytest.mark.parametrize(
    ("fields", "arguments", "error", "message"),
    [
        ({"a_plus": -0.1}, {}, RangeError, "a_plus: -0.1"),
        ({"a_plus": float("nan")}, {}, RangeError, "a_plus: nan"),
        ({"sigma": 0}, {}, RangeError, "sigma: 0"),
        ({"a_baseline": "1"}, {}, TypeMismatchError, "a number is needed"),
        ({}, {"latency_bits": 9}, RangeError, r"9; allowed 3\.\.8"),
        ({}, {"latency_bits": 3, "latency_shift": 1}, RangeError, r"1 for .*; allowed 2\.\.15"),
        ({}, {"weight_unit": 0.0}, RangeError, "weight_unit"),
        ({}, {"kernel_bits": 9}, RangeError, r"kernel_bits: 9; allowed 1\.\.8"),
        ({}, {"amplitude_bits": 0}, RangeError, r"amplitude_bits: 0; allowed 1\.\.8"),
        ({"a_plus": 1e-9, "a_baseline": 0}, {}, RangeError, r"need mantissas .* at shift 31"),
        ({"a_plus": 1.0, "a_baseline": 1e-4}, {}, RangeError, "need mantissas"),
        ({"a_plus": 1e9}, {}, RangeError, "at shift 0"),
        ({"n_steps": 2**24}, {}, RangeError, "allowed none"),
        ({}, {"teacher_latency": 20}, RangeError, r"teacher_latency: 20; allowed 0\.\.19"),
        ({}, {"teacher_latency": -1}, RangeError, r"teacher_latency: -1; allowed 0\.\.19"),
        ({}, {"teacher_latency": 2.0}, TypeMismatchError, "teacher_latency: 2.0 is float"),
    ],
)
def test_to_fixed__refuses_what_cannot_be_expressed(fields, arguments, error, message):
    with pytest.raises(error, match=message):
        real_rule(**fields).to_fixed(**{"latency_bits": 5, "weight_unit": 0.01, **arguments})
