import numpy as np
import pytest

from conversions import BitPlanes, Calibration
from conversions.nir import SNNTORCH, SpikeReset, from_nir, nir_to_real
from conversions.real_network.real_input import with_bit_planes
from conversions.real_network.simulator import simulate_real
from hw_models import InputError
from tests.conversions.nir.test_written_by_frameworks import WRITTEN
from tests.digits_parts import digits_parts

PATH = WRITTEN / "snntorch_dense.nir"
HOW = {"discretization": SNNTORCH, "reset": SpikeReset.DELAYED_SUBTRACT}


@pytest.mark.kernel
def test_from_nir__takes_real_values_in_the_place_of_spikes():
    split = digits_parts()
    images, labels = split.train.images[:128].reshape(-1, 64), split.train.labels[:128]
    network, report = from_nir(
        PATH, calibration=(images, labels), real_input=BitPlanes(), n_steps=8, **HOW
    )
    real = nir_to_real(PATH, **HOW).network
    assert report.real_input == BitPlanes(name=real.inputs[0].name)
    assert report.accuracy_before > 0.8  # it was trained on spikes of the same rates
    assert report.accuracy_after >= report.accuracy_before - 0.01
    assert all(row.spike_agreement > 0.95 for row in report.layers)

    spikes = report.real_input.encode(images[:2], 8)
    assert [p.name for p in network.inputs] == list(spikes)
    silent = {name: np.zeros_like(sent) for name, sent in spikes.items()}
    found = simulate_real(with_bit_planes(real, report.real_input), silent).spikes
    assert (found["1"] == simulate_real(real, np.zeros((2, 8, 64))).spikes["1"]).all()


def test_from_nir__real_values_need_steps_and_are_no_spikes():
    with pytest.raises(InputError, match="n_steps: needed with values"):
        from_nir(PATH, calibration=np.zeros((2, 64)), real_input=BitPlanes(), **HOW)
    spikes = Calibration(spikes=np.zeros((2, 8, 64)))
    with pytest.raises(InputError, match="holds spikes"):
        from_nir(PATH, calibration=spikes, real_input=BitPlanes(), **HOW)
    with pytest.raises(InputError, match="n_steps: only with real_input"):
        from_nir(PATH, n_steps=8, **HOW)
    with pytest.raises(InputError, match="n_steps: 9; the calibration data have 8"):
        from_nir(
            PATH, calibration=np.zeros((2, 8, 64)), real_input=BitPlanes(), n_steps=9,
            input_shape=(64,), **HOW
        )  # fmt: skip
