import dataclasses

import numpy as np
import pytest

from hw_models import (
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    NameClashError,
    RangeError,
    SparseProjection,
    TypeMismatchError,
    UnknownNameError,
)
from ssdp_neuro import simulate
from ssdp_neuro.rules.plastic_readout import readout_name, with_plastic_readout

RULE = DaSsdpParams(
    latency_bits=4,
    silent_latency=15,
    kernel=np.zeros(16, int),
    potentiation=1,
    depression=0,
    shift=0,
)


def network(weights, threshold=400, exponent=1):
    shape = np.shape(weights)
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(shape[1],)),
            LifPopulation(
                name="out",
                shape=shape[:1],
                current_decay=1023,
                voltage_decay=256,
                threshold=threshold,
            ),
        ],
        projections=[
            DenseProjection(
                source="in",
                target="out",
                weights=weights,
                weight_exponent=exponent,
                name="to_output",
            )
        ],
    )


def test_with_plastic_readout__old_neurons_spike_as_before():
    rng = np.random.default_rng(0)
    before = network(rng.integers(-128, 128, size=(3, 9)) * 2)
    after = with_plastic_readout(before, RULE, n_new=2)
    spikes = rng.random((20, 12, 9)) < 0.3
    one, other = (simulate(n, spikes, n_steps=12).raster("out") for n in (before, after))
    assert one.any()
    assert (one == other[..., :3]).all()
    assert not other[..., 3:].any()
    readout = after.projection("to_output")
    assert (readout.weight_exponent, readout.plasticity) == (2, RULE)
    assert np.abs(readout.weights).max() <= 128


def test_with_plastic_readout__leaves_weights_that_fit():
    after = with_plastic_readout(network([[127, -128, 3]]), RULE)
    assert after.projection("to_output").weights.tolist() == [[127, -128, 3]]
    assert after.projection("to_output").weight_exponent == 1


def test_with_plastic_readout__refuses_what_it_would_have_to_round():
    with pytest.raises(RangeError, match=r"-3\.\.201; .* odd ones"):
        with_plastic_readout(network([[201, -3]]), RULE)
    with pytest.raises(RangeError, match="weight_exponent: 8"):
        with_plastic_readout(network([[200, 2]], exponent=7), RULE)
    with pytest.raises(RangeError, match=r"out\.threshold: one per neuron"):
        with_plastic_readout(network([[2], [2]], threshold=[3, 4]), RULE, n_new=1)
    loop = DenseProjection(source="out", target="out", weights=[[2]])
    looped = dataclasses.replace(network([[2]]), projections=[*network([[2]]).projections, loop])
    with pytest.raises(NameClashError, match="cannot be added"):
        with_plastic_readout(looped, RULE, n_new=1)


def test_readout_name__is_the_only_way_to_a_last_population():
    assert readout_name(network([[2]])) == "to_output"
    first = network([[2]])
    two = dataclasses.replace(
        first,
        projections=[*first.projections, DenseProjection(source="in", target="out", weights=[[2]])],
    )
    with pytest.raises(NameClashError, match=r"\['to_output', 'in->out'\]"):
        readout_name(two)
    assert readout_name(two, "in->out") == "in->out"
    sparse = SparseProjection(source="in", target="out", pre=[0], post=[0], weights=[2])
    with pytest.raises(TypeMismatchError, match="SparseProjection"):
        readout_name(dataclasses.replace(first, projections=[sparse]))
    with pytest.raises(UnknownNameError, match="other"):
        readout_name(first, "other")
