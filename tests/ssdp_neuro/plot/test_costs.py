import dataclasses

import pytest

from hw_models import EnergyEstimate, InputError, estimate_energy
from ssdp_neuro import plot
from ssdp_neuro.plot.costs import population_energies

ONE = EnergyEstimate(synaptic=3e-9, spikes=1e-9, updates_low=2e-9, updates_high=4e-9)
OTHER = EnergyEstimate(synaptic=30e-9, spikes=0.0, updates_low=0.0, updates_high=0.0)


def test_energy__stacks_its_causes():
    axes = plot.energy({"one": ONE, "other": OTHER})
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == pytest.approx([3, 30, 1, 0, 2, 0, 2, 0])
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert ends[-2:] == pytest.approx([8, 30])
    assert axes.get_xlim()[0] == 0
    assert axes.get_xlabel() == "dynamic energy, nJ"
    assert [text.get_text() for text in axes.texts] == ["6.00 to 8.00 nJ", "30.0 nJ"]


def test_energy__of_one_has_no_name():
    axes = plot.energy(ONE)
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([3, 1, 2, 2])
    assert plot.energy(EnergyEstimate(synaptic=0, spikes=0, updates_low=0, updates_high=0))
    with pytest.raises(InputError, match="at least one"):
        plot.energy({})


def test_population_energies__add_up_to_the_run(network, run):
    costs = population_energies(network, run)
    n_neurons = sum(population.n_neurons for population in network.neurons)
    whole = estimate_energy(
        synaptic_operations=sum(run.counts.synaptic_operations.values()) / 3,
        spikes=sum(run.counts.spikes.values()) / 3,
        neuron_steps=n_neurons * run.n_steps,
    )
    assert sum(cost.low for cost in costs.values()) == pytest.approx(whole.low)
    assert sum(cost.high for cost in costs.values()) == pytest.approx(whole.high)
    assert costs["eye"].updates_high == 0
    into_out = sum(
        run.counts.synaptic_operations[name] for name in ("pooled->out", "out->out", "past")
    )
    assert costs["out"].synaptic == pytest.approx(into_out / 3 * 23.6e-12)


def test_population_energies__want_the_run_of_this_network(network, run):
    other = type(network)(populations=network.inputs, projections=[])
    with pytest.raises(InputError, match="result: a run of populations"):
        population_energies(other, run)
    with pytest.raises(InputError, match="0 samples"):
        population_energies(network, dataclasses.replace(run, n_samples=0))
