import numpy as np
import pytest
import torch
from torch import nn

from conversions import BitPlanes, Executor, TimeAxis, compare, from_torch
from hw_models import InputError, RangeError, ShapeError, TypeMismatchError
from ssdp_neuro import simulate
from tests.conversions.nir.test_real_input import HOW, PATH
from tests.conversions.pytorch.image_models import STEPS, SnnTorchImage
from tests.conversions.pytorch.written_models import leaky
from tests.digits_parts import digits_parts

PLANES = BitPlanes(low=-1.0, high=None)


@pytest.fixture(scope="module")
def images():
    """Digits with the usual normalization, and their labels, twice: to choose by and to test."""
    split = digits_parts()
    return tuple(
        ((part.images.reshape(-1, 1, 8, 8) - 0.5).astype(np.float32) / 0.5, part.labels)
        for part in (split.train, split.held_out)
    )


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return SnnTorchImage().eval()


@pytest.mark.kernel
@pytest.mark.lava
def test_compare__a_model_of_images_does_in_each_executor_what_it_does_alone(model, images):
    (train, known), (held_out, labels) = images
    calibration, data = (train[:64], known[:64]), (held_out[:70], labels[:70])
    found = compare(
        model, data, calibration=calibration, real_input=PLANES, n_steps=STEPS, lava_samples=2
    )
    network, report = from_torch(
        model, calibration=calibration, real_input=PLANES, input_shape=(1, 8, 8), n_steps=STEPS
    )
    late = max(report.shifts.values())
    spikes = report.real_input.encode(data[0], STEPS, later=late)
    run = simulate(network, spikes, n_steps=STEPS + late, probes=report.decision.probes)
    with torch.no_grad():
        rounded = torch.tensor(report.real_input.rounded(data[0]), dtype=torch.float32)
        own = model(rounded)[0].sum(0).argmax(1)
    (parts,) = (one.parts for one in found.runs)
    assert (parts[Executor.ENGINE].decisions == report.decision.decide(run)).all()
    assert (parts[Executor.PYTORCH].decisions == own.numpy()).all()
    assert set(found.spike_agreement(Executor.LAVA).values()) == {1.0}
    assert min(found.spike_agreement(Executor.PYTORCH).values()) > 0.9
    assert found.circumstances["input"] == "real values from -1 to 1 in 8 binary digits"
    assert found.synaptic_operations * 70 == sum(run.counts.synaptic_operations.values())


def test_compare__values_may_change_over_time_and_come_from_a_loader():
    torch.manual_seed(0)
    step = nn.Sequential(nn.Linear(12, 8), leaky())
    films = np.random.default_rng(0).random((20, 9, 12)).astype(np.float32)
    pairs = [(torch.tensor(film), place % 3) for place, film in enumerate(films)]
    loader = torch.utils.data.DataLoader(pairs, batch_size=8)
    found = compare(step, loader, real_input=BitPlanes(bits=6), time_axis=TimeAxis.STEP)
    again = compare(
        step, (films, np.arange(20) % 3), real_input=BitPlanes(bits=6), time_axis=TimeAxis.STEP
    )
    assert found.n_steps == 9
    assert found.circumstances == again.circumstances
    assert (found.runs[0].parts[Executor.ENGINE].spikes).sum() > 0


def test_compare__a_converted_network_is_given_the_levels_that_it_was_converted_with(model, images):
    (train, known), (held_out, labels) = images
    made = from_torch(
        model,
        calibration=(train[:64], known[:64]),
        real_input=PLANES,
        input_shape=(1, 8, 8),
        n_steps=STEPS,
    )
    data = (held_out[:8], labels[:8])
    found = compare(made, data, real_input=PLANES, n_steps=STEPS)
    late = max(made[1].shifts.values())
    spikes = made[1].real_input.encode(data[0], STEPS, later=late)
    run = simulate(made[0], spikes, n_steps=STEPS + late, probes=made[1].decision.probes)
    assert (found.runs[0].parts[Executor.ENGINE].decisions == made[1].decision.decide(run)).all()
    with pytest.raises(InputError, match="was converted with BitPlanes"):
        compare(made, data, real_input=BitPlanes(bits=4, low=-1.0), n_steps=STEPS)
    with pytest.raises(InputError, match="real values are given with real_input"):
        compare(made, (np.zeros((8, STEPS, 1, 8, 8), bool), labels[:8]))


@pytest.mark.parametrize(
    ("values", "labels", "options", "error", "message"),
    [
        (np.zeros((3, 1, 8, 8)), [0, 1, 2], {"real_input": 8}, TypeMismatchError, "a BitPlanes"),
        (np.zeros((3, 1, 8, 8)), [0, 1], {}, ShapeError, r"\(3, 1, 8, 8\) and labels \(2,\)"),
        (np.full((3, 1, 8, 8), np.nan), [0, 1, 2], {}, InputError, "sample 0: .* not finite"),
        (np.zeros((3, 1, 8, 8)), [0, -1, 2], {}, InputError, "sample 1: label -1"),
        (np.zeros((3, 1, 8, 8)), [0, 1, 2], {"n_steps": 0}, RangeError, "n_steps: 0"),
        (np.full((3, 1, 8, 8), 2.0), [0, 1, 2], {"real_input": BitPlanes()}, InputError,
         "2 at index"),
        (np.zeros((3, 1, 8, 8)), [0, 1, 2], {"real_input": None}, InputError,
         "n_steps: only with real_input"),
    ],
)  # fmt: skip
def test_compare__refuses_values_that_do_not_fit(model, values, labels, options, error, message):
    options = {"real_input": BitPlanes(low=-1.0), "n_steps": STEPS} | options
    with pytest.raises(error, match=message):
        compare(model, (values, np.array(labels)), **options)


@pytest.mark.kernel
def test_compare__reads_a_nir_file_for_real_values(images):
    (train, known), (held_out, labels) = (
        ((values.reshape(-1, 64) + 1) / 2, labels) for values, labels in images
    )
    found = compare(
        PATH,
        (held_out[:40], labels[:40]),
        calibration=(train[:128], known[:128]),
        real_input=BitPlanes(),
        n_steps=8,
        file_options=HOW,
    )
    assert found.runs[0].accuracy(Executor.ENGINE) > 0.7
