"""Networks that learn by rules: the engine beside the oracle in every spike and variable."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import PostTraces
from ssdp_neuro import SampleStart, Session
from ssdp_neuro.engine.rule_learning import rules_of
from ssdp_neuro.oracle.rule_network import RuleNetwork
from tests.learning_rule_strategies import rule_networks


def input_of(network, rng, n_steps):
    """Spikes by input, and numbers that targets send by projection."""
    spikes = {
        population.name: rng.random((n_steps, population.n_neurons)) < rng.choice([0.1, 0.5])
        for population in network.inputs
    }
    sent = {
        name: rng.integers(-140, 140, (n_steps, 3, network.population(p.target).n_neurons))
        for name, p in rules_of(network).items()
        if p.plasticity.post_traces is PostTraces.SENT and rng.random() < 0.8
    }
    return spikes, sent


def assert_same_variables(session, oracle):
    for name, arrival in oracle.learned.items():
        ours = session.variables(name)
        for variable, values in arrival.variables().items():
            np.testing.assert_array_equal(ours[variable], values, f"{variable} of {name}")
        now = session.network.projection(name)
        np.testing.assert_array_equal(now.weights, ours["weights"])


def part_of(values, start, end):
    return {name: array[start:end] for name, array in values.items()}


@given(network=rule_networks(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_session__learns_as_the_oracle_however_it_is_cut(network, seed):
    """Every spike, potential, weight, tag and trace; two sessions, one cut and restored."""
    rng = np.random.default_rng(seed)
    n_steps = int(rng.integers(1, 40))
    spikes, sent = input_of(network, rng, n_steps)
    probes = [(p.name, "v") for p in network.neurons]
    oracle = RuleNetwork(network)
    rasters, recorded = oracle.run(spikes, n_steps, probes, sent)
    whole = Session(network, learning=True)
    result = whole.run(spikes, n_steps, probes=probes, sent=sent)
    for name, raster in rasters.items():
        np.testing.assert_array_equal(result.raster(name), raster, name)
    for pair, values in recorded.items():
        np.testing.assert_array_equal(result.probes[pair], values, str(pair))
    assert_same_variables(whole, oracle)
    cuts = sorted({0, n_steps, *rng.integers(0, n_steps + 1, 4).tolist()})
    cut = Session(network, learning=True)
    for start, end in itertools.pairwise(cuts):
        if end - start == 1 and not sent:
            cut.step({name: raster[start] for name, raster in spikes.items()})
        else:
            cut.run(part_of(spikes, start, end), end - start, sent=part_of(sent, start, end))
        if rng.random() < 0.5:
            state = cut.state()
            cut = Session(network, learning=True)
            cut.restore(state)
    assert_same_variables(cut, oracle)


@given(
    network=rule_networks(max_lif=2),
    seed=st.integers(0, 2**32 - 1),
    start=st.sampled_from(SampleStart),
)
@settings(deadline=None, max_examples=20)
def test_session__starts_over_and_rests_as_the_oracle(network, seed, start):
    """Samples with learning on and off; what is left between them is a choice."""
    rng = np.random.default_rng(seed)
    session, oracle = Session(network), RuleNetwork(network)
    for _ in range(3):
        n_steps = int(rng.integers(1, 15))
        spikes, sent = input_of(network, rng, n_steps)
        learns = bool(rng.random() < 0.8)
        session.learning = learns
        session.start_over(start)
        if start is SampleStart.ALL_AS_GIVEN:
            oracle = RuleNetwork(network)
        elif start is SampleStart.TRACES_CLEARED:
            oracle.clear_traces()
        result = session.run(spikes, n_steps, sent=sent if learns else None)
        rasters, _ = oracle.run(spikes, n_steps, sent=sent, learns=learns)
        for name, raster in rasters.items():
            np.testing.assert_array_equal(result.raster(name), raster, name)
    session.learning = True
    assert_same_variables(session, oracle)
