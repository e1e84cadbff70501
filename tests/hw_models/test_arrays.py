import re

import numpy as np
import pytest

from hw_models import InputError, ShapeError, TypeMismatchError
from hw_models.arrays import flag_array, integer_array, plain_array, spike_array

SCRIBBLED = np.array([[0, 255, 2], [128, 0, 1]], dtype=np.uint8).view(bool)
TRUE = np.array([[0, 1, 1], [1, 0, 1]], dtype=bool)
OFF_ITS_PLACE = np.frombuffer(b"\0" + np.arange(24, dtype="<i8").tobytes(), np.uint8)[1:]


def raw(array):
    return array.view(np.uint8).tolist()


@pytest.mark.parametrize("border", [plain_array, flag_array, spike_array])
@pytest.mark.parametrize("view", [lambda a: a, lambda a: a.T, lambda a: a[::-1, ::-1], np.array])
def test_border__makes_bools_of_any_byte_zero_or_one(border, view):
    assert raw(border("flags", view(SCRIBBLED))) == raw(view(TRUE))


def test_plain_array__leaves_a_plain_array_as_it_is():
    for array in (TRUE, np.arange(3), np.zeros((0, 2)), np.array(["a"])):
        assert plain_array("x", array) is array


def test_plain_array__takes_the_bytes_of_another_machine():
    array = plain_array("x", np.arange(3, dtype=">i4"))
    assert array.dtype == np.int32
    assert array.tolist() == [0, 1, 2]


def test_plain_array__takes_a_masked_array_without_masked_values():
    assert plain_array("x", np.ma.masked_array([1, 2])).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([[1], [2, 3]], ShapeError, "x: rows of different lengths"),
        (np.ma.masked_array([1, 2], [False, True]), TypeMismatchError, "x: masked values"),
    ],
)
def test_plain_array__refuses_what_is_no_array(values, error, message):
    with pytest.raises(error, match=message):
        plain_array("x", values)


def test_plain_array__says_of_a_tensor_what_its_library_says():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeMismatchError, match=r"x: Tensor cannot be read as an array: .*grad"):
        plain_array("x", torch.zeros(2, requires_grad=True))


@pytest.mark.parametrize(
    "given",
    [
        np.arange(24, dtype=">i8").reshape(2, 3, 4),
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.asfortranarray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)),
        np.arange(47, -1, -1)[::-2].reshape(2, 3, 4)[:, ::-1][:, ::-1] // 2,
        OFF_ITS_PLACE.view("<i8").reshape(2, 3, 4),
        np.arange(24).reshape(2, 3, 4).tolist(),
    ],
    ids=["other bytes", "unsigned", "columns first", "backwards", "off its place", "lists"],
)  # fmt: skip
def test_integer_array__is_the_same_whatever_lies_in_memory(given):
    array = integer_array("x", given, 0, 23, np.int16)
    assert array.tolist() == np.arange(24).reshape(2, 3, 4).tolist()
    assert array.dtype == np.int16
    assert array.flags.c_contiguous
    assert array.flags.aligned
    assert not array.flags.writeable


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f8", "f2", "i1", "u8", ">i2"])
def test_spike_array__takes_exact_zeros_and_ones(dtype):
    fired = spike_array("eye", TRUE.astype(dtype)[:, ::-1])
    assert raw(fired) == raw(TRUE[:, ::-1])
    assert fired.flags.c_contiguous


@pytest.mark.parametrize("value", [0.5, 2.0, -1.0, np.nan, np.inf, np.nextafter(1, 2)])
def test_spike_array__names_the_first_other_value(value):
    array = np.zeros((2, 3))
    array[1, 2] = value
    with pytest.raises(InputError, match=rf"eye: value {re.escape(str(value))} at index \(1, 2\)"):
        spike_array("eye", array)


@pytest.mark.parametrize("dtype", ["c8", "O", "U1", "M8[s]", "m8[s]", "S1"])
def test_spike_array__refuses_what_is_no_number(dtype):
    with pytest.raises(InputError, match="bool or 0 and 1 are needed"):
        spike_array("eye", np.zeros((2, 3), dtype))


def test_flag_array__does_not_ask_integers():
    with pytest.raises(TypeMismatchError, match="mask: dtype int64; booleans are needed"):
        flag_array("mask", [0, 1])
