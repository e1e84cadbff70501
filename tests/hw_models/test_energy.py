import math

import pytest

from hw_models import RangeError
from hw_models.energy import LOIHI1_ENERGY, EnergyTable, energy_unit, estimate_energy


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


def test_energy_estimate__shows_itself_as_a_table():
    cost = estimate_energy(synaptic_operations=1000, spikes=10, neuron_steps=100)
    assert cost.rows() == [
        ("cause", "dynamic energy, nJ"),
        ("synaptic operations", "23.6"),
        ("spikes", "0.017"),
        ("neuron updates", "5.2 to 8.1"),
        ("all", "28.8 to 31.7"),
    ]
    assert "<tr><td>neuron updates</td><td>5.2 to 8.1</td></tr>" in cost._repr_html_()


@pytest.mark.parametrize(
    ("highest", "unit"),
    [(2.0, "J"), (1.0, "J"), (0.02, "mJ"), (3e-6, "µJ"), (999e-9, "nJ"), (1e-13, "pJ"), (0, "pJ")],
)
def test_energy_unit__keeps_digits_before_the_point(highest, unit):
    assert energy_unit(highest)[0] == unit
