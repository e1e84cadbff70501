import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealSparse,
)
from conversions.real_network.timing import timing
from hw_models import ConversionError

ONE = RealDense(weights=[[1.0]])


def chain(*edges, latencies=None):
    """One neuron per name; edges ``(source, target, latency)`` or with delays as a fourth."""
    names = list(dict.fromkeys(name for edge in edges for name in edge[:2]))
    populations = [
        RealInput(name=name, shape=(1,))
        if name == "in"
        else RealNeurons(
            name=name,
            shape=(1,),
            dynamics=NeuronDynamics(
                voltage_kept=1.0, threshold=1.0, latency=(latencies or {}).get(name, 0)
            ),
        )
        for name in names
    ]
    projections = [
        RealProjection(
            source=edge[0],
            target=edge[1],
            latency=edge[2],
            map=ONE,
            delays=edge[3] if len(edge) > 3 else None,
        )
        for edge in edges
    ]
    return RealNetwork(populations=populations, projections=projections)


def test_timing__every_layer_without_latency_is_one_step_later():
    found = timing(chain(("in", "a", 0), ("a", "b", 0), ("b", "b", 1)))
    assert found.shifts == {"in": 0, "a": 1, "b": 2}
    assert found.delays == {"in->a": 0, "a->b": 0, "b->b": 0}
    assert found.longest == 2


def test_timing__a_latency_of_the_source_takes_up_the_chips():
    network = chain(("in", "a", 0), ("a", "b", 1), latencies={"a": 1})
    assert timing(network).shifts == {"in": 0, "a": 0, "b": 0}


def test_timing__a_shortcut_waits_for_the_long_way():
    found = timing(chain(("in", "a", 0), ("a", "b", 0), ("in", "b", 0)))
    assert found.delays["in->b"] == 1


def test_timing__delays_that_all_synapses_have_help_as_a_latency():
    found = timing(chain(("in", "a", 0), ("a", "b", 0, [[2]]), ("b", "a", 0, [[1]])))
    assert found.shifts == {"in": 0, "a": 1, "b": 0}
    assert found.delays == {"in->a": 0, "a->b": -2, "b->a": 0}


def test_timing__shifts_may_be_asked_for():
    assert timing(chain(("in", "a", 1), ("a", "b", 0)), {"a": 3}).shifts == {
        "in": 0,
        "a": 3,
        "b": 4,
    }


@pytest.mark.parametrize(
    ("edges", "loop"),
    [
        ([("in", "a", 0), ("a", "a", 0)], r"loop a -> a: takes 0 steps .* take 1,"),
        (
            [("in", "a", 0), ("a", "b", 0), ("b", "c", 0), ("c", "b", 1)],
            r"loop (b -> c -> b|c -> b -> c): takes 1 step .* take 2,",
        ),
    ],
)
def test_timing__refuses_a_loop_that_is_too_fast_by_name(edges, loop):
    with pytest.raises(ConversionError, match=loop):
        timing(chain(*edges))


def test_timing__refuses_a_delay_beyond_the_chips():
    with pytest.raises(ConversionError, match="in->a: a delay of 64 steps is needed"):
        timing(chain(("in", "a", 0, [[63]]), ("in", "b", 0), ("b", "a", 0)))


@st.composite
def random_networks(draw):
    """Loops and shortcuts among five neurons."""
    edges = draw(
        st.lists(
            st.tuples(st.sampled_from("iabcd"), st.sampled_from("abcd"), st.integers(0, 3)),
            min_size=1,
            max_size=9,
            unique_by=lambda edge: edge[:2],
        )
    )
    named = [("in" if a == "i" else a, b, latency) for a, b, latency in edges]
    latencies = {name: draw(st.integers(0, 1)) for name in "abcd"}
    return chain(*named, latencies=latencies)


@given(network=random_networks())
@settings(deadline=None, max_examples=150)
def test_timing__shifts_are_feasible_and_the_smallest_there_are(network):
    try:
        found = timing(network)
    except ConversionError:
        found = None
    latency = {p.name: p.dynamics.latency for p in network.neurons}
    names = list(latency)

    def delays(shifts):
        return {
            p.name: shifts[p.target] - shifts.get(p.source, 0) + p.latency + latency[p.target] - 1
            for p in network.projections
        }

    feasible = [
        shifts
        for shifts in (
            dict(zip(names, values, strict=True)) for values in np.ndindex(*[5] * len(names))
        )
        if min(delays(shifts).values()) >= 0
    ]
    assert (found is None) == (not feasible)
    if found is not None:
        assert {n: s for n, s in found.shifts.items() if n != "in"} == {
            name: min(shifts[name] for shifts in feasible) for name in names
        }
        assert found.delays == delays(found.shifts)


def test_timing__synapses_need_not_exist():
    empty = RealSparse(
        pre=[],
        post=[],
        weights=[],
    )
    network = RealNetwork(
        populations=[RealInput(name="in", shape=(1, 1, 1)), *chain(("a", "a", 1)).populations],
        projections=[
            RealProjection(source="in", target="a", map=empty, delays=[]),
        ],
    )
    assert timing(network).shifts == {"in": 0, "a": 1}
