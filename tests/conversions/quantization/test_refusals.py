"""What to_fixed_point refuses."""

import dataclasses

import numpy as np
import pytest

from conversions.quantization import Calibration, to_fixed_point
from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealReset,
)
from hw_models import LOIHI1, LOIHI2, ConversionError, InputError, TypeMismatchError
from tests.conversions.quantization.two_layers import SPIKES, conv_network, layers


def with_projection(network, **fields):
    return dataclasses.replace(
        network, projections=[*network.projections, RealProjection(**fields)]
    )


EYE4 = RealDense(weights=np.eye(4))


@pytest.mark.parametrize(
    ("network", "chip", "message"),
    [
        (
            with_projection(layers(), source="out", target="out", map=EYE4),
            LOIHI2,
            "loop out -> out: takes 0 steps",
        ),
        (
            layers(threshold=[1.0] * 29 + [np.inf]),
            LOIHI2,
            "hidden.threshold: infinite for some neurons only",
        ),
        (layers(threshold=1e-6), LOIHI2, "hidden: its threshold is .* of the steps"),
        (layers(refractory=63, reset=RealReset.NONE, current_kept=0.5), LOIHI2, "delay of 64"),
        (
            with_projection(
                layers(),
                source="in",
                target="out",
                map=RealDense(weights=np.ones((4, 20))),
                latency=64,
            ),
            LOIHI2,
            "in->out: a delay of 65 steps",
        ),
        (
            RealNetwork(
                populations=[
                    RealInput(name="in", shape=(5000,)),
                    RealNeurons(
                        name="out",
                        shape=(1,),
                        dynamics=NeuronDynamics(voltage_kept=1.0, threshold=1.0),
                    ),
                ],
                projections=[
                    RealProjection(
                        source="in", target="out", map=RealDense(weights=np.ones((1, 5000)))
                    )
                ],
            ),
            LOIHI1,
            "does not fit Loihi 1: out.sources",
        ),
    ],
)
def test_to_fixed_point__refuses_what_the_chip_cannot_do(network, chip, message):
    with pytest.raises(ConversionError, match=message):
        to_fixed_point(network, chip=chip)


def test_to_fixed_point__refuses_gains_that_differ_inside_a_channel():
    network = conv_network(0)
    maps = network.population("maps")
    gains = dataclasses.replace(maps.dynamics, gain=np.arange(24.0))
    uneven = dataclasses.replace(
        network,
        populations=[network.inputs[0], dataclasses.replace(maps, dynamics=gains)],
    )
    with pytest.raises(ConversionError, match="gain: differs inside a channel"):
        to_fixed_point(uneven)


def test_to_fixed_point__refuses_what_is_no_network():
    with pytest.raises(TypeMismatchError, match="a RealNetwork is needed"):
        to_fixed_point("network")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"spikes": np.zeros((3, 4))}, "shape"),
        ({"spikes": np.full((3, 4, 20), 2)}, "other than 0 and 1"),
        ({"spikes": np.zeros((3, 4, 19))}, "shape"),
        ({"spikes": {"pixels": np.zeros((3, 4, 20))}}, r"of \['pixels'\]"),
        ({"spikes": np.zeros((3, 4, 20)), "labels": [1, 2]}, "labels"),
        ({"spikes": np.zeros((3, 4, 20)), "labels": [1.0, 2.0, 0.0]}, "labels"),
    ],
)
def test_calibration__refuses_what_does_not_fit(data, message):
    with pytest.raises(InputError, match=f"calibration: .*{message}"):
        to_fixed_point(layers(), calibration=Calibration(**data))


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ({}, "before: no spikes of 'hidden'"),
        ({"hidden": np.zeros((24, 25, 29)), "out": np.zeros((24, 25, 4))}, "'hidden' of shape"),
    ],
)
def test_to_fixed_point__refuses_recordings_that_do_not_fit(before, message):
    with pytest.raises(InputError, match=message):
        to_fixed_point(layers(), calibration=Calibration(spikes=SPIKES), before=before)
