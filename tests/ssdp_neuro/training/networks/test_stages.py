import pytest
from torch import nn

from hw_models import ConversionError
from ssdp_neuro.training import CubaLif
from ssdp_neuro.training.networks.stages import stages

NEURON = {"current_decay": 1023, "voltage_decay": 256}


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ([nn.Linear(2, 2), nn.Linear(2, 2), CubaLif(**NEURON)], "1: no CubaLif between"),
        ([nn.Linear(2, 2), CubaLif(**NEURON), CubaLif(**NEURON)], "2: CubaLif without"),
        ([nn.Linear(2, 2), CubaLif(**NEURON), nn.Linear(2, 2)], "2: no CubaLif after"),
        ([nn.Linear(2, 2), nn.ReLU(), CubaLif(**NEURON)], "1: ReLU; supported are Linear"),
        ([nn.Flatten()], "no CubaLif"),
    ],
)
def test_stages__refuses_what_does_not_alternate(modules, message):
    with pytest.raises(ConversionError, match=message):
        stages(nn.Sequential(*modules))
