"""Real values as binary digits, in the chip's integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import BitPlanes
from conversions.quantization import Calibration, to_fixed_point
from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
)
from conversions.real_network.real_input import with_bit_planes
from ssdp_neuro import simulate

pytestmark = pytest.mark.kernel


def network(weights, threshold=np.inf):
    dynamics = NeuronDynamics(voltage_kept=1.0, threshold=threshold)
    weights = RealDense(weights=weights)
    return RealNetwork(
        populations=[
            RealInput(name="input", shape=(weights.weights.shape[1],)),
            RealNeurons(name="cells", shape=(len(weights.weights),), dynamics=dynamics),
        ],
        projections=[RealProjection(source="input", target="cells", map=weights, name="fc")],
    )


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), bits=st.integers(2, 8), size=st.sampled_from([0.01, 1.0, 30.0])
)
def test_to_fixed_point__digits_have_one_matrix_and_add_up_to_its_product(seed, bits, size):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(5, 12)) * size
    planes = BitPlanes(bits=bits, low=-0.5)
    values = planes.rounded(rng.random((3, 1, 12)) * 1.5 - 0.5)
    integers, report = to_fixed_point(with_bit_planes(network(weights), planes))

    fc = {p.source: p for p in integers.projections if p.name.startswith("fc.bit")}
    highest = fc[f"input.bit{bits - 1}"]
    for b in range(bits):
        assert (fc[f"input.bit{b}"].weights == highest.weights).all()
        assert fc[f"input.bit{b}"].weight_exponent == highest.weight_exponent - (bits - 1 - b)
    (row,) = report.layers

    spikes = planes.encode(values, later=1)
    v = simulate(integers, spikes, n_steps=2, probes=[("cells", "v")]).probe("cells", "v")[:, 1]
    levels = planes.levels(values)[:, 0].astype(np.int64)
    product = levels @ highest.weights.T * 2.0 ** (highest.weight_exponent - bits + 1)
    unit = 64 * row.potential_unit
    bias = -0.5 * weights.sum(axis=1) / unit
    missed = product + bias - v / 64
    largest_number = planes.step * 2 ** (bits - 1) * np.abs(weights).max()
    tie = row.bias_error * largest_number / unit + 1e-6
    assert (missed > -tie).all()  # every digit but the highest is rounded down to whole units
    assert (missed < bits - 1 + tie).all()

    rounding = weights.shape[1] * row.largest_rounding_error * largest_number
    wanted = values[:, 0] @ weights.T
    assert (np.abs(v * row.potential_unit - wanted) < rounding + bits * unit).all()


def test_to_fixed_point__digits_are_calibrated_as_the_numbers_they_are():
    rng = np.random.default_rng(0)
    real, planes = network(rng.normal(size=(20, 30)), threshold=3.0), BitPlanes(low=-1.0)
    values = planes.rounded(np.repeat(rng.random((40, 1, 30)) * 2 - 1, 10, axis=1))
    integers, report = to_fixed_point(
        with_bit_planes(real, planes),
        calibration=Calibration(spikes=planes.encode(values)),
    )
    weights = [p.weights for p in integers.projections if p.name.startswith("fc.bit")]
    assert len(weights) == 8
    assert all((one == weights[0]).all() for one in weights)
    assert report.layers[0].rate_before > 0.02
    assert report.layers[0].spike_agreement > 0.98
    assert any("What arrives from a digit is rounded down" in note for note in report.notes)


def test_to_fixed_point__the_same_weights_twice_are_no_digits():
    twice = network(np.array([[0.5, -1.0]]))
    again = RealProjection(
        source="input", target="cells", map=twice.projections[0].map, name="fc again"
    )
    both = RealNetwork(populations=twice.populations, projections=[*twice.projections, again])
    integers, report = to_fixed_point(both)
    assert [row.projection for row in report.layers] == ["fc", "fc again"]
    first, second = integers.projections
    assert (first.weights == second.weights).all()
    assert first.weight_exponent == second.weight_exponent
