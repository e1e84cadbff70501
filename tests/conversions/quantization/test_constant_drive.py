"""What to_fixed_point does with biases."""

import numpy as np
import pytest

from conversions.quantization import BiasForm, ScaleForm, to_fixed_point
from hw_models import ConversionError
from tests.conversions.quantization.two_layers import SPIKES, agreement, layers


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        ({"bias": 0.13}, "cleared at the start of network step 1"),
        ({"current_bias": 0.13}, "cleared at the start of network step 1"),
        ({"current_bias": 0.13, "latency": 1}, "cleared at the start of network step 1"),
        ({"current_bias": 0.09, "current_kept": 0.5}, "a neuron that fires in every step"),
        ({"bias": 1.3}, "a low potential to begin with"),
        ({"bias": 1.3, "current_kept": 0.5}, "a low potential to begin with"),
        ({"bias": 1.3, "voltage_kept": 0.0}, "a neuron that fires in every step"),
        ({"bias": -0.37, "current_bias": 0.5, "latency": 1}, "a neuron that fires in every step"),
    ],
)
def test_to_fixed_point__a_bias_alone_fires_in_the_steps_of_the_source(settings, how):
    network = layers(**settings, fires_at_threshold=True)
    fixed, report = to_fixed_point(network, scales=ScaleForm.NEURON)
    assert any(how in note for note in report.notes)
    silent = np.zeros_like(SPIKES[:1])
    assert agreement(network, fixed, report, silent)["hidden"] == 1
    assert agreement(network, fixed, report)["hidden"] > 0.95
    assert 0 < max(layer.bias_error for layer in report.layers) < 0.001


def test_to_fixed_point__the_register_alone_is_for_those_who_ask():
    network = layers(bias=0.4)
    fixed, report = to_fixed_point(network, bias=BiasForm.REGISTER)
    assert fixed.population("hidden").reset_interval == 0
    assert any("also acts in the 1 network steps before" in note for note in report.notes)
    silent = np.zeros_like(SPIKES[:1])
    assert agreement(network, fixed, report, silent)["hidden"] == 0
    with pytest.raises(ConversionError, match="current_bias: of a current with memory"):
        to_fixed_point(layers(current_bias=0.4, current_kept=0.5), bias=BiasForm.REGISTER)
