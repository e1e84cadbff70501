import math

import pytest

from hw_models import RangeError
from hw_models.energy import LOIHI1_ENERGY, EnergyTable, estimate_energy


def test_estimate_energy__is_the_sum_over_causes():
    cost = estimate_energy(synaptic_operations=3, spikes=5, neuron_steps=7)
    assert cost.low == pytest.approx((3 * 23.6 + 5 * 1.7 + 7 * 52) * 1e-12)
    assert cost.high == pytest.approx((3 * 23.6 + 5 * 1.7 + 7 * 81) * 1e-12)
    assert "Davies" in LOIHI1_ENERGY.source


@pytest.mark.parametrize("count", [-1, math.nan])
@pytest.mark.parametrize("name", ["synaptic_operations", "spikes", "neuron_steps"])
def test_estimate_energy__refuses_what_is_no_count(name, count):
    counts = {"synaptic_operations": 1, "spikes": 1, "neuron_steps": 1, name: count}
    with pytest.raises(RangeError, match=name):
        estimate_energy(**counts)


def test_energy_table__refuses_a_negative_energy():
    with pytest.raises(RangeError, match=r"EnergyTable\.spike"):
        EnergyTable(
            name="x",
            synaptic_operation=1,
            active_update=1,
            inactive_update=1,
            spike=-1,
            source="none",
        )
