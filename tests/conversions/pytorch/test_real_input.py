import functools
import json

import numpy as np
import pytest
import snntorch as snn
import torch
from spikingjelly.activation_based import functional
from torch import nn

from conversions import BitPlanes, Calibration, Executor, TimeAxis, from_torch, verify
from conversions.pytorch.network.model_reading import read_model
from conversions.quantization import ReadoutDecision
from conversions.real_network.real_input import with_bit_planes
from conversions.real_network.simulator import simulate_real
from hw_models import ConversionError, InputError, TypeMismatchError
from ssdp_neuro import simulate
from ssdp_neuro.decision import decide
from tests.conversions.pytorch.image_models import (
    STEPS,
    NorseImage,
    SnnTorchImage,
    SpikingJellyImage,
    SpikingJellyOnce,
)
from tests.conversions.pytorch.written_models import MODELS, Loop, leaky
from tests.digits_parts import digits_parts

POINT = 0.01
PLANES = BitPlanes(bits=5, low=-1.0, high=1.5)


def drawn(shape):
    return PLANES.rounded(np.random.default_rng(0).uniform(-1.0, 1.5, shape))


def check_reading(found, values, steps=None):
    """What was read spikes as the model did on the values."""
    network = with_bit_planes(found.network, PLANES)
    run = simulate_real(network, PLANES.encode(values, steps))
    assert any(sent.any() for sent in found.sent.values())
    for population, sent in found.sent.items():
        assert (run.spikes[population] == (sent != 0)).all(), population


@pytest.mark.parametrize(
    "name",
    ["loop, time first", "recurrence", "one step", "merged steps", "steps and maxima"],
)
def test_read_model__values_that_change_over_time_are_read_as_spikes_are(name):
    torch.manual_seed(0)
    build, shape = MODELS[name]
    values = drawn((5, 12, *shape))
    check_reading(read_model(build(), spikes=values, planes=PLANES, static=False), values)


@pytest.mark.parametrize(
    ("build", "steps"),
    [(SnnTorchImage, STEPS), (SpikingJellyImage, STEPS), (SpikingJellyOnce, STEPS),
     (NorseImage, 2 * STEPS)],
)  # fmt: skip
def test_read_model__an_image_is_felt_in_every_step(build, steps):
    torch.manual_seed(0)
    image = drawn((5, 1, 8, 8))
    values = np.repeat(image[:, None], steps, axis=1)
    found = read_model(build(), spikes=values, planes=PLANES, static=True)
    assert all(p.latency == 0 for p in found.network.projections if p.source == "input")
    check_reading(found, image, steps)


def test_read_model__a_step_of_a_model_is_given_the_image_by_its_caller():
    torch.manual_seed(0)
    model, image = nn.Sequential(nn.Linear(12, 8), leaky()), drawn((5, 12))
    values = np.repeat(image[:, None], 9, axis=1)
    for run in (None, lambda model, x: [model(x[:, 0]) for _ in range(x.shape[1])]):
        found = read_model(model, spikes=values, planes=PLANES, static=True, run=run)
        check_reading(found, image, 9)


@functools.cache
def images():
    """Digits as images with the usual normalization, to learn from and held out."""
    split = digits_parts()
    return [
        (torch.tensor((p.images.reshape(-1, 1, 8, 8) - 0.5) / 0.5, dtype=torch.float32), p.labels)
        for p in (split.train, split.held_out)
    ]


def scores(model, given):
    functional.reset_net(model)
    out = model(given)
    return out[1].mean(0) if isinstance(out, tuple) else out


def trained(build):
    torch.manual_seed(0)
    model, (given, labels) = build(), images()[0]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(4):
        for chosen in torch.randperm(len(labels)).split(64):
            optimizer.zero_grad()
            made = scores(model, given[chosen]) * 4
            nn.functional.cross_entropy(made, torch.tensor(labels)[chosen]).backward()
            optimizer.step()
    functional.reset_net(model)
    return model.eval()


@pytest.mark.kernel
@pytest.mark.lava
@pytest.mark.parametrize(
    ("build", "steps"),
    [(SnnTorchImage, STEPS), (SpikingJellyImage, STEPS), (NorseImage, 2 * STEPS)],
)
def test_from_torch__a_model_of_images_keeps_its_accuracy_and_runs_the_same_on_lava(build, steps):
    model, (given, labels), (held_out, wanted) = trained(build), *images()
    with torch.no_grad():
        out = model(held_out)
    own = (out[0].sum(0) if isinstance(out, tuple) else out).argmax(1).numpy()
    accuracy = (own == wanted).mean()
    assert accuracy > 0.85

    network, report = from_torch(
        model,
        calibration=(given[:256], labels[:256]),
        real_input=BitPlanes(low=-1.0, high=None),
        input_shape=(1, 8, 8),
        n_steps=steps,
    )
    assert report.real_input == BitPlanes(low=-1.0, high=1.0)
    assert json.loads(json.dumps(report.to_dict()))["real_input"]["high"] == 1.0
    assert report.notes[0].startswith("input: real values from -1 to 1 in 8 bits")
    assert report.accuracy_after >= report.accuracy_before - POINT
    assert any("8 binary digits multiply its synapses by 8: " in note for note in report.notes)

    late = max(report.shifts.values())
    spikes = report.real_input.encode(held_out, steps, later=late)
    row = report.layers[-1]
    shown = slice(report.shifts[row.population], report.shifts[row.population] + steps)
    probes = [] if row.potential_unit is None else [(row.population, "v")]
    run = simulate(network, spikes, n_steps=steps + late, probes=probes)
    if probes:
        chosen = ReadoutDecision.MEAN.decide(run.probe(row.population, "v")[:, shown])
    else:
        chosen = decide(run.raster(row.population)[:, shown])
    assert (chosen == wanted).mean() >= accuracy - POINT

    few = {name: sent[:2] for name, sent in spikes.items()}
    executors = [Executor.ENGINE, Executor.LAVA]
    compared = verify(network, few, steps + late, executors=executors)
    assert compared.equal, str(compared)


class Late(nn.Module):
    """Given the values of the step before."""

    def __init__(self):
        super().__init__()
        self.fc, self.lif = nn.Linear(12, 8), snn.Leaky(beta=0.5)

    def forward(self, x):
        before, mem, made = torch.zeros_like(x[0]), self.lif.reset_mem(), []
        for step in x:
            spikes, mem = self.lif(self.fc(before), mem)
            before = step
            made.append(spikes)
        return torch.stack(made)


class Shortcut(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.lif, self.direct = nn.Linear(12, 8), leaky(), nn.Linear(12, 8)

    def forward(self, image):
        return torch.stack([self.lif(self.fc(image)) for _ in range(5)]).mean(0) + self.direct(
            image
        )


def with_first(module):
    return lambda: nn.Sequential(module, nn.Linear(12, 8), leaky())


IMAGES, FILMS = np.full((2, 12), 0.5), np.full((2, 5, 12), 0.5)


@pytest.mark.parametrize(
    ("build", "settings", "error", "message"),
    [
        (Loop, {"calibration": IMAGES}, InputError, "n_steps: needed with values of shape"),
        (Loop, {"calibration": FILMS}, InputError, "input_shape: needed"),
        (Loop, {"calibration": FILMS, "input_shape": (7,)}, InputError, r"\(B, T, 7\) is needed"),
        (
            Loop,
            {"calibration": FILMS * 3, "input_shape": (12,)},
            InputError,
            r"1.5 at index",
        ),
        (Loop, {"real_input": 8}, TypeMismatchError, "a BitPlanes is needed"),
        (Loop, {"real_input": BitPlanes(low=None)}, InputError, "not stated"),
        (Loop, {"calibration": Calibration(spikes=FILMS > 0)}, InputError, "holds spikes"),
        (
            Loop,
            {"calibration": FILMS > 0, "real_input": None, "time_axis": TimeAxis.STATIC},
            InputError,
            "real_input",
        ),
        (
            with_first(nn.ReLU()),
            {"calibration": IMAGES, "n_steps": 5},
            ConversionError,
            r"0 \(ReLU\): relu",
        ),
        (
            with_first(
                nn.Sequential(nn.Unflatten(1, (1, 12)), nn.MaxPool1d(3, 1, 1), nn.Flatten())
            ),
            {"calibration": IMAGES, "n_steps": 5},
            ConversionError,
            "a maximum over what is not the spikes",
        ),
        (
            Late,
            {"calibration": FILMS, "input_shape": (12,), "real_input": BitPlanes(low=-1.0)},
            ConversionError,
            "fc: real values arrive with a delay",
        ),
        (
            Late,
            {"calibration": IMAGES, "n_steps": 5, "run": lambda m, x: m(x.transpose(0, 1))},
            ConversionError,
            "in step 0 it is not given what",
        ),
        (
            Shortcut,
            {"calibration": IMAGES, "n_steps": 5},
            ConversionError,
            "direct: .* values of its input with no neurons between",
        ),
    ],
)
def test_from_torch__refuses_real_values_that_it_cannot_make_exact(build, settings, error, message):
    with pytest.raises(error, match=message):
        from_torch(build(), **{"real_input": BitPlanes(), **settings})
