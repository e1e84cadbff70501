import numpy as np

from conversions.demo.digits_task import SpikingDigits
from conversions.demo.new_classes import lesson, with_new_classes, with_rule
from conversions.demo.settings import DemoSettings
from conversions.from_torch_model import from_torch
from hw_models import LOIHI2, check
from ssdp_neuro import simulate
from ssdp_neuro.training import feed_forward


def trained_network():
    model = feed_forward((64, 30, 8), gain=2.0, current_decay=1023, voltage_decay=256)
    return from_torch(model)[0]


def test_with_new_classes__changes_no_spike_and_adds_silent_neurons():
    network = trained_network()
    larger = with_new_classes(network, 2, DemoSettings().rule(255))
    spikes = np.random.default_rng(0).random((10, 20, 64)) < 0.3
    before = simulate(network, spikes, n_steps=20).raster("output")
    after = simulate(larger, spikes, n_steps=20).raster("output")
    assert before.any()
    assert (after[:, :, :8] == before).all()
    assert not after[:, :, 8:].any()
    assert check(larger, LOIHI2) == ()


def test_with_rule__exchanges_the_rule_only():
    larger = with_new_classes(trained_network(), 2, DemoSettings().rule(255))
    weaker = with_rule(larger, DemoSettings().rule(64))
    assert weaker.projection("to_output").plasticity.potentiation == 64
    assert (weaker.projection("to_output").weights == larger.projection("to_output").weights).all()


def test_lesson__takes_the_first_of_each_class_in_order():
    labels = np.tile(np.arange(10), 5)[::-1].copy()
    spikes = np.arange(50)[:, None, None] == np.arange(50)[None, :, None]
    digits = SpikingDigits(spikes=spikes, labels=labels)
    whole = lesson(digits, 3, DemoSettings(), rehearse=True)
    assert np.bincount(whole.labels).tolist() == [3] * 10
    assert (whole.spikes == spikes[:30]).all()
    new = lesson(digits, 3, DemoSettings(), rehearse=False)
    assert sorted(new.labels.tolist()) == [8, 8, 8, 9, 9, 9]
