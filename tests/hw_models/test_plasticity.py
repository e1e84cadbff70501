import numpy as np
import pytest

from hw_models import DaSsdpParams, RangeError, Rounding, ShapeError, ThirdFactor, TypeMismatchError

PLAIN = {
    "latency_bits": 3,
    "silent_latency": 7,
    "kernel": [255, 200, 90, 20, 3, 0, 0, 0],
    "potentiation": 10,
    "depression": 3,
    "shift": 15,
}
LIMITS = {
    "latency_shift": (0, 15),
    "silent_latency": (0, 7),
    "potentiation": (0, 255),
    "depression": (0, 255),
    "shift": (0, 31),
    "weight_low": (-256, 127),
    "weight_high": (-128, 255),
    "teacher_latency": (0, 6),
}


@pytest.mark.parametrize(("field", "limits"), LIMITS.items())
def test_da_ssdp_params__hold_their_limits_and_nothing_beyond(field, limits):
    for value in limits:
        assert getattr(DaSsdpParams(**PLAIN | {field: value}), field) == value
    for value in (limits[0] - 1, limits[1] + 1):
        with pytest.raises(RangeError, match=rf"DaSsdpParams\.weight_low|{field}: {value}"):
            DaSsdpParams(**PLAIN | {field: value})
    with pytest.raises(TypeMismatchError, match=f"{field}: 1.0 is float"):
        DaSsdpParams(**PLAIN | {field: 1.0})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"latency_bits": 2}, RangeError, "latency_bits: 2; allowed 3..8"),
        ({"latency_bits": 9}, RangeError, "latency_bits: 9"),
        ({"kernel": [1, 2, 3]}, ShapeError, r"kernel: shape \(3,\); \(8,\) is needed"),
        ({"kernel": [256] + [0] * 7}, RangeError, r"kernel: value 256 at index \(0,\)"),
        ({"kernel": [-1] + [0] * 7}, RangeError, "kernel: value -1"),
        ({"kernel": [1.0] * 8}, TypeMismatchError, "kernel: dtype float64"),
        ({"rounding": Rounding.FLOOR}, TypeMismatchError, "rounding: <Rounding.FLOOR"),
        ({"rounding": "stochastic"}, TypeMismatchError, "rounding: 'stochastic'"),
        ({"kernel_bits": 0}, RangeError, r"kernel_bits: 0; allowed 1\.\.8"),
        ({"amplitude_bits": 9}, RangeError, r"amplitude_bits: 9; allowed 1\.\.8"),
        ({"kernel_bits": 7}, RangeError, r"kernel: value 255 at index \(0,\); allowed 0\.\.127"),
        ({"amplitude_bits": 3}, RangeError, r"potentiation: 10; allowed 0\.\.7"),
        ({"warm_up": 1}, RangeError, r"warm_up: 1; allowed 0\.\.0"),
        ({"third_factor": ThirdFactor.DOPAMINE}, RangeError, r"warm_up: 0; allowed 2\.\."),
        ({"third_factor": "reward"}, TypeMismatchError, "third_factor: 'reward'; a ThirdFactor"),
    ],
)
def test_da_ssdp_params__refuse_bad_fields(change, error, message):
    with pytest.raises(error, match=message):
        DaSsdpParams(**PLAIN | change)


def test_da_ssdp_params__silent_code_is_the_last_one():
    wide = DaSsdpParams(**PLAIN | {"latency_bits": 8, "kernel": np.zeros(256, dtype=np.uint8)})
    assert DaSsdpParams(**PLAIN).silent_code == 7
    assert wide.silent_code == 255
    assert wide.third_factor is ThirdFactor.CONSTANT
