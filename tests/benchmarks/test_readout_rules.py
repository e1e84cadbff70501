import numpy as np
import pytest

from benchmarks.readout_rules import (
    ReadoutTask,
    dopamine_gated,
    eprop,
    error_gated,
    sadp,
    stdp,
    ungated,
)

SSDP = {"threshold": 60, "amplitude": 0.06}
RULES = {
    "error-gated SSDP": (error_gated, SSDP),
    "SSDP": (ungated, SSDP),
    "DA-SSDP": (dopamine_gated, SSDP),
    "SADP": (sadp, {"threshold": 60, "shift": 14}),
    "pair STDP": (stdp, {"threshold": 60, "shift": 22}),
    "e-prop": (eprop, {"threshold": 60, "shift": 13, "psi_shift": 10, "wanted": 60}),
    "e-prop, ALIF": (
        eprop,
        {"threshold": 60, "shift": 13, "psi_shift": 10, "wanted": 60, "rise": 16},
    ),
}


def task(*stages, first_weights=(0, 24)):
    rng = np.random.default_rng(4)
    spikes = rng.random((6, 20, 30)) < 0.15
    labels = np.arange(6) % 3
    return ReadoutTask(
        spikes, labels, spikes, labels,
        stages=stages, voltage_decay=1024, first_weights=first_weights, rng=rng,
    )  # fmt: skip


def weights(rule, constants, made):
    return rule(made, 1, **constants).projections[0].weights


@pytest.mark.parametrize("name", RULES)
def test_stages__of_one_shift_are_one_stage_and_slower_ones_change_less(name):
    whole, cut, slower, slowest = (
        weights(*RULES[name], task(*stages))
        for stages in (((0, 2),), ((0, 1), (0, 1)), ((0, 1), (3, 1)), ((8, 2),))
    )
    assert (whole == cut).all()
    assert (whole != slower).any()
    start = np.random.default_rng(1).integers(0, 24, whole.shape)
    assert np.abs(whole - start).sum() > 4 * np.abs(slowest - start).sum()


def test_shuffled__the_same_inputs_fire_as_many_trains():
    made = task((0, 1))
    made.spikes[:, :, :10] = False
    shuffled = made.shuffled()
    assert (shuffled != made.spikes).any()
    for one, other in zip(shuffled, made.spikes, strict=True):
        assert (one.any(0) == other.any(0)).all()
        assert sorted(map(bytes, one.T)) == sorted(map(bytes, other.T))


@pytest.mark.parametrize("name", ["SADP", "pair STDP"])
def test_forced__a_silent_neuron_learns(name):
    silent = task((0, 2), first_weights=(-9, -8))
    rule, constants = RULES[name]
    assert (weights(rule, constants, silent) == -9).all()
    assert (weights(rule, {**constants, "forced": True}, silent) > -9).any()
