import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    InputPopulation,
    LifPopulation,
    RangeError,
    ResetMode,
    ShapeError,
    TypeMismatchError,
)

PLAIN = {
    "name": "hidden",
    "shape": (3,),
    "current_decay": 409,
    "voltage_decay": 128,
    "threshold": 50,
}
LIMITS = {
    "current_decay": (0, 4095),
    "voltage_decay": (0, 4096),
    "threshold": (-(2**25), 2**25 - 1),
    "bias_mantissa": (-(2**15), 2**15 - 1),
    "bias_exponent": (-15, 15),
    "refractory": (0, 63),
    "reset_interval": (0, 2**31 - 1),
    "reset_offset": (0, 2**31 - 1),
}
PER_NEURON = tuple(LIMITS)[:5]


@pytest.mark.parametrize(("field", "limits"), LIMITS.items())
def test_lif_population__holds_its_limits_and_nothing_beyond(field, limits):
    for value in limits:
        held = getattr(LifPopulation(**PLAIN | {field: value}), field)
        assert np.ravel(held).tolist() == [value]
    for value in (limits[0] - 1, limits[1] + 1):
        with pytest.raises(RangeError, match=rf"hidden\.{field}: .*{value}.*{limits[0]}"):
            LifPopulation(**PLAIN | {field: value})


@pytest.mark.parametrize("field", LIMITS)
@pytest.mark.parametrize("value", [1.0, True, "1", None, float("nan")])
def test_lif_population__takes_integers_only(field, value):
    with pytest.raises(TypeMismatchError, match=rf"hidden\.{field}"):
        LifPopulation(**PLAIN | {field: value})


@pytest.mark.parametrize("field", PER_NEURON)
def test_lif_population__takes_one_value_per_neuron(field):
    held = getattr(LifPopulation(**PLAIN | {field: [1, 2, 3]}), field)
    assert held.dtype == np.int32
    assert held.tolist() == [1, 2, 3]
    with pytest.raises(ShapeError, match=rf"hidden\.{field}: shape \(2,\)"):
        LifPopulation(**PLAIN | {field: [1, 2]})
    with pytest.raises(ShapeError, match=rf"hidden\.{field}: rows of different lengths"):
        LifPopulation(**PLAIN | {field: [[1, 2], [3]]})
    with pytest.raises(RangeError, match=rf"hidden\.{field}: value 99999999 at index \(2,\)"):
        LifPopulation(**PLAIN | {field: [1, 2, 99999999]})
    with pytest.raises(TypeMismatchError, match="float64"):
        LifPopulation(**PLAIN | {field: [1.0, 2.0, np.nan]})


def test_lif_population__takes_parameters_in_its_shape():
    grid = LifPopulation(**PLAIN | {"shape": (2, 3), "threshold": np.arange(6).reshape(2, 3)})
    assert grid.threshold.tolist() == [0, 1, 2, 3, 4, 5]
    assert grid.n_neurons == 6


def test_lif_population__copies_arrays_and_keeps_them_from_being_written():
    given_array = np.array([1, 2, 3])
    held = LifPopulation(**PLAIN | {"threshold": given_array}).threshold
    given_array[0] = 9
    assert held.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        held[0] = 9


def test_lif_population__is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LifPopulation(**PLAIN).refractory = 1


def test_lif_population__takes_an_enum_for_the_reset():
    with pytest.raises(TypeMismatchError, match=r"hidden\.reset: 'zero'; a ResetMode"):
        LifPopulation(**PLAIN | {"reset": "zero"})
    assert LifPopulation(**PLAIN | {"reset": ResetMode.SUBTRACT}).reset is ResetMode.SUBTRACT


@settings(max_examples=60, deadline=None)
@given(mantissa=st.integers(-(2**15), 2**15 - 1), exponent=st.integers(-15, 15))
def test_bias__is_mantissa_times_power_of_two_rounded_down(mantissa, exponent):
    population = LifPopulation(**PLAIN, bias_mantissa=mantissa, bias_exponent=exponent)
    expected = mantissa << exponent if exponent >= 0 else mantissa // 2**-exponent
    assert population.bias.dtype == np.int32
    assert population.bias.tolist() == [expected]


@pytest.mark.parametrize("kind", [InputPopulation, lambda **f: LifPopulation(**PLAIN | f)])
@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"name": ""}, RangeError, "name: ''; a non-empty name"),
        ({"name": "a/b"}, RangeError, "name: 'a/b'"),
        ({"name": "."}, RangeError, "name: '.'"),
        ({"name": 3}, TypeMismatchError, "name: 3 is int; a string"),
        ({"shape": ()}, ShapeError, r"shape: \(\); one to four"),
        ({"shape": (1, 2, 3, 4, 5)}, ShapeError, "one to four"),
        ({"shape": (0,)}, RangeError, "shape: 0; allowed 1"),
        ({"shape": (2.0,)}, TypeMismatchError, "shape: 2.0 is float"),
        ({"shape": None}, TypeMismatchError, "shape: None"),
        ({"shape": (2**16, 2**16)}, RangeError, "4294967296 neurons; allowed 1..2147483647"),
    ],
)
def test_populations__refuse_bad_names_and_shapes(kind, fields, error, message):
    with pytest.raises(error, match=message):
        kind(**{"name": "p", "shape": (3,)} | fields)


def test_input_population__takes_a_bare_size():
    assert InputPopulation(name="pixels", shape=np.int64(4)).shape == (4,)
