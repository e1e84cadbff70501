"""Eligibility against derivatives that are taken another way, and against closed forms."""

import dataclasses
import math
import warnings

import numpy as np
import pytest
import torch

from hw_models import RangeError, ShapeError, TypeMismatchError
from ssdp_neuro.rules.eprop import (
    AdaptiveLif,
    IzhikevichNeuron,
    ResetEligibility,
    RunawayWarning,
    SoftResetLif,
    StdpLif,
    constant_signal,
    eligibility,
    eligibility_steps,
    gradient,
    run_neurons,
)

STEP = 1e-30  # of the complex step: no difference is taken, so it can be as small as one likes
NEURONS = {
    "lif": SoftResetLif(refractory=3, threshold=0.8),
    "alif": AdaptiveLif(beta=0.3, refractory=2),
    "stdp": StdpLif(refractory=4, psi_refractory=-0.2),
    "stdp-no-refractory": StdpLif(refractory=0),
    "izhikevich": IzhikevichNeuron(clamp=math.inf),
}


def example(neuron, n_steps=400, n_post=3, n_pre=5):
    rng = np.random.default_rng(1)
    if isinstance(neuron, IzhikevichNeuron):
        # few spikes: after many its eligibility is beyond any number
        weights = rng.normal(6.0, 2.0, (n_post, n_pre))
        inputs = rng.random((n_steps, n_pre)) < 0.2
    else:
        weights = rng.normal(0.3, 0.3, (n_post, n_pre))
        inputs = rng.random((n_steps, n_pre)) < 0.25
    return weights, inputs.astype(float)


def potentials(neuron, weights, inputs, spikes, slopes):
    """One neuron's potential above its threshold, from weights that may be complex.

    Spikes are held; only the adaptation of a threshold follows them, linearly by their slope.
    """
    alpha = getattr(neuron, "alpha", None)
    v = a = z = 0.0
    if alpha is None:
        v, u = -70.0, -14.0
    above = []
    for t, x in enumerate(inputs):
        before = spikes[t - 1] if t else 0.0
        drive = weights @ x
        barrier = 0.0
        if alpha is None:
            if before:
                v, u = neuron.c, u + neuron.d
            v, u = (
                v + neuron.dt * (0.04 * v**2 + 5 * v + 140 - u + drive),
                u + neuron.dt * neuron.a * (neuron.b * v - u),
            )
        elif isinstance(neuron, StdpLif):
            back = t - 1 - neuron.refractory
            if before or (back >= 0 and spikes[back]):
                v = 0.0
            v = alpha * v + drive
        else:
            v = alpha * v + drive - neuron.threshold * before
            if isinstance(neuron, AdaptiveLif):
                a = neuron.rho * a + z
                barrier = neuron.beta * a
        z = spikes[t] + slopes[t] * 1j * (v - barrier).imag if np.iscomplexobj(weights) else None
        above.append(v - barrier)
    return np.array(above)


@pytest.mark.parametrize("name", NEURONS)
def test_eligibility__is_the_derivative_of_the_potential(name):
    neuron = NEURONS[name]
    weights, inputs = example(neuron, 300 if name == "izhikevich" else 400)
    run = run_neurons(neuron, weights, inputs)
    assert run.spikes.sum() > 5
    found = eligibility(neuron, run)
    for post, pre in np.ndindex(weights.shape):
        row = weights[post].astype(complex)
        row[pre] += 1j * STEP
        slopes = run.psi[:, post]
        moved = potentials(neuron, row, inputs, run.spikes[:, post], slopes)
        expected = slopes * moved.imag / STEP
        assert np.allclose(found[:, post, pre], expected, rtol=1e-9, atol=1e-12)
        if name != "alif":
            # rounding grows in Izhikevich's neuron as its eligibility does
            near = 1e-7 if name == "izhikevich" else 1e-12
            assert np.allclose(moved.real, run.potentials[:, post], rtol=near, atol=near)


@pytest.mark.parametrize("name", ["lif", "stdp"])
def test_eligibility__is_what_differences_say(name):
    neuron = NEURONS[name]
    weights, inputs = example(neuron, 200)
    run = run_neurons(neuron, weights, inputs)
    found = eligibility(neuron, run)
    for pre in range(weights.shape[1]):
        ends = []
        for sign in (1, -1):
            moved = weights.copy()
            moved[:, pre] += sign * 0.5  # spikes are held, so the potential is linear
            ends.append(run_neurons(neuron, moved, inputs, forced=run.spikes).potentials)
        expected = run.psi * (ends[0] - ends[1])
        assert np.abs(found[..., pre] - expected).max() < 1e-9


def test_eligibility__of_a_leaky_neuron_is_never_negative():
    rng = np.random.default_rng(2)
    for trial in range(50):
        neuron = SoftResetLif(alpha=rng.random(), refractory=trial % 7, gamma=0.1 + rng.random())
        weights = rng.normal(0.2, 1.0, (2, 4))
        run = run_neurons(neuron, weights, rng.random((60, 4)) < 0.3, bias=rng.normal(0.1, 0.2))
        assert eligibility(neuron, run).min() >= 0.0


def curve(neuron, delays, n_steps=81, **more):
    """Sum of the eligibility over a trial, one forced spike, by t_post - t_pre."""
    post = n_steps // 2
    found = []
    for delay in delays:
        spikes, forced = np.zeros((n_steps, 1)), np.zeros((n_steps, 1))
        spikes[post - delay] = forced[post] = 1
        run = run_neurons(neuron, [[0.0]], spikes, forced=forced, **more)
        found.append((eligibility(neuron, run).sum(), run.psi[post, 0]))
    return np.array(found).T


@pytest.mark.parametrize("refractory", [1, 2, 5, 10])
@pytest.mark.parametrize("mode", [ResetEligibility.EXACT, ResetEligibility.TIME_STAMP])
def test_stdp_lif__has_a_negative_lobe_as_wide_as_its_refractory_period(refractory, mode):
    neuron = StdpLif(refractory=refractory, psi_refractory=-0.3, reset_eligibility=mode)
    delays = np.arange(-20, 0)
    found, _ = curve(neuron, delays, bias=0.0)
    k = -delays
    closed = -0.3 * (1 - 0.9 ** (refractory - k + 1)) / (1 - 0.9)
    # beyond the period a spike after the spike is credited as any other, by psi at rest: 0
    assert np.abs(found - np.where(k <= refractory, closed, 0.0)).max() < 1e-12


def test_stdp_lif__lobes_have_the_published_numbers():
    neuron = StdpLif(refractory=5, psi_refractory=-0.3)
    found, _ = curve(neuron, [-1, -2, -3, -4, -5])
    assert np.allclose(found, [-1.22853, -1.0317, -0.813, -0.57, -0.3], atol=1e-5)
    # with a drive that keeps the potential near threshold, in the step of the spike itself too
    before, psi = curve(neuron, [0], bias=0.06)
    assert np.allclose(before, psi)
    assert psi > 0.1


@pytest.mark.parametrize(
    "neuron",
    [SoftResetLif(refractory=5), AdaptiveLif(refractory=5), StdpLif(refractory=5)],
    ids=lambda neuron: type(neuron).__name__,
)
def test_others__have_no_negative_lobe(neuron):
    found, _ = curve(neuron, np.arange(-20, 21), bias=0.06)
    assert found.min() >= 0.0


def test_stdp_lif__is_cleared_twice_and_never_turned_over():
    """A spike exactly one step after the period may not be, one later may."""
    neuron = StdpLif(refractory=2, psi_refractory=-0.1)
    inputs = np.ones((12, 1))
    forced = np.zeros((12, 1))
    forced[[3, 6]] = 1  # 3 = refractory + 1 steps apart: both resets come in step 7 and 6
    run = run_neurons(neuron, [[0.1]], inputs, forced=forced)
    assert run.potentials.min() > 0
    assert run.potentials[[4, 6, 7, 9], 0].tolist() == [0.1, 0.1, 0.1, 0.1]
    forced[5] = 1
    with pytest.raises(RangeError, match="within 2 steps"):
        run_neurons(neuron, [[0.1]], inputs, forced=forced)
    free = run_neurons(neuron, [[5.0]], inputs)
    assert np.flatnonzero(free.spikes[:, 0]).tolist() == [0, 3, 6, 9]


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_time_stamps__are_exact_while_sources_fire_once_between_resets(rate):
    found = {}
    for mode in ResetEligibility:
        neuron = StdpLif(psi_refractory=-0.1, reset_eligibility=mode)
        inputs = np.random.default_rng(4).random((600, 40)) < rate
        weights = np.random.default_rng(5).normal(0.5, 0.5, (3, 40))
        found[mode] = eligibility(neuron, run_neurons(neuron, weights, inputs))
    exact = found[ResetEligibility.EXACT]

    def cosine(other):
        return (exact * other).sum() / np.sqrt((exact**2).sum() * (other**2).sum())

    stamped = cosine(found[ResetEligibility.TIME_STAMP])
    assert cosine(found[ResetEligibility.NONE]) < stamped
    assert stamped > (0.985 if rate == 0.01 else 0.9)
    once = np.eye(40)  # each source fires once
    neuron = StdpLif(psi_refractory=-0.1)
    run = run_neurons(neuron, weights, once)
    stamp = dataclasses.replace(neuron, reset_eligibility=ResetEligibility.TIME_STAMP)
    assert np.allclose(eligibility(neuron, run), eligibility(stamp, run), rtol=1e-12, atol=0)


def test_order_of_two_neurons__shows_in_the_sign_with_stdp_only():
    """Two bursts, one leads by 5 steps; half-way the order is turned over."""
    forced = np.zeros((400, 2))
    for burst in range(10):
        lead = burst // 5
        forced[40 * burst + 10, lead] = forced[40 * burst + 15, 1 - lead] = 1
    heard = np.roll(forced, 1, axis=0)
    signs = {}
    for neuron in (
        SoftResetLif(alpha=0.95, refractory=10),
        AdaptiveLif(alpha=0.95, refractory=10),
        StdpLif(alpha=0.95, refractory=10, psi_refractory=-0.3),
        StdpLif(alpha=0.95, refractory=3, psi_refractory=-0.3),
    ):
        run = run_neurons(neuron, np.zeros((2, 2)), heard, forced=forced, bias=0.03)
        e = eligibility(neuron, run)
        halves = [e[:200].sum(0), e[200:].sum(0)]
        signs[neuron] = [np.sign(half[post, 1 - post]) for half in halves for post in (1, 0)]
    lif, alif, stdp, short = signs.values()
    assert stdp == [1, -1, -1, 1]
    assert lif == alif == short == [1, 1, 1, 1]


def test_izhikevich__eligibility_grows_and_is_bounded_where_asked():
    inputs = np.ones((4000, 1))
    peaks = {}
    for clamp in (math.inf, 50.0):
        neuron = IzhikevichNeuron(d=2.0, clamp=clamp)
        run = run_neurons(neuron, [[6.0]], inputs)
        assert run.spikes.sum() > 17
        with np.errstate(over="ignore", invalid="ignore"):
            e = np.abs(eligibility(neuron, run)[: np.flatnonzero(run.spikes[:, 0])[16]])
        peaks[clamp] = e.max()
    assert peaks[50.0] <= 50.0 * 0.3
    assert peaks[math.inf] > 1e6
    with pytest.raises(RangeError, match="clamp"):
        eligibility_steps(IzhikevichNeuron(), run)


def test_izhikevich__fires_as_an_integrator_of_small_steps_does():
    """Regular spiking by a constant current: the rate of small Euler steps, within a tenth."""

    def count(dt):
        neuron = IzhikevichNeuron(dt=dt)
        return run_neurons(neuron, [[10.0]], np.ones((round(500 / dt), 1))).spikes.sum()

    fine = count(0.05)
    assert fine > 5
    assert abs(count(0.5) - fine) <= 0.1 * fine + 1
    rest = run_neurons(IzhikevichNeuron(), [[0.0]], np.ones((100, 1)))
    assert np.allclose(rest.potentials, -70.0)


@pytest.mark.parametrize("name", NEURONS)
def test_tensors__give_the_same_numbers(name):
    neuron = NEURONS[name]
    weights, inputs = example(neuron, 60)
    batch = np.stack([inputs, inputs[::-1]])
    run = run_neurons(neuron, weights, batch, bias=0.01)
    signal = np.random.default_rng(6).normal(size=run.spikes.shape)
    other = run_neurons(neuron, torch.from_numpy(weights), torch.from_numpy(batch), bias=0.01)
    for field in ("inputs", "spikes", "potentials", "thresholds", "psi"):
        assert np.allclose(getattr(run, field), getattr(other, field), rtol=1e-12), field
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunawayWarning)
        found = gradient(neuron, run, signal, kappa=0.8)
        same = gradient(neuron, other, torch.from_numpy(signal), kappa=0.8)
    assert isinstance(same, torch.Tensor)
    assert np.allclose(found, same, rtol=1e-9)
    singly = sum(
        gradient(neuron, run_neurons(neuron, weights, one, bias=0.01), s, kappa=0.8)
        for one, s in zip(batch, np.abs(signal) * -1, strict=True)
    )
    together = gradient(neuron, run, -np.abs(signal), kappa=0.8)
    assert np.allclose(singly, together, rtol=1e-9)


def test_recurrent_neurons__hear_each_other_a_step_later():
    rng = np.random.default_rng(7)
    weights = rng.normal(0.3, 0.5, (4, 7))
    run = run_neurons(SoftResetLif(), weights, rng.random((50, 3)) < 0.3, recurrent=True)
    assert run.spikes.sum() > 10
    assert (run.inputs[1:, 3:] == run.spikes[:-1]).all()
    assert not run.inputs[0, 3:].any()


def test_gradient__warns_where_it_can_run_away():
    neuron = StdpLif(psi_refractory=-0.3)
    run = run_neurons(neuron, [[2.0]], np.ones((20, 1)))
    with pytest.warns(RunawayWarning, match="below -gamma / 2"):
        gradient(neuron, run, constant_signal(1.0, run.spikes))
    gradient(neuron, run, constant_signal(-1.0, run.spikes))
    gentle = StdpLif(psi_refractory=-0.1)
    run = run_neurons(gentle, [[2.0]], np.ones((20, 1)))
    gradient(gentle, run, constant_signal(1.0, run.spikes))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SoftResetLif(alpha=1.0), RangeError, "SoftResetLif.alpha: 1.0.*< 1"),
        (lambda: SoftResetLif(gamma=0), RangeError, "gamma"),
        (lambda: StdpLif(psi_refractory=0.1), RangeError, "psi_refractory: 0.1.*<= 0"),
        (lambda: StdpLif(reset_eligibility="exact"), TypeMismatchError, "EXACT"),
        (lambda: StdpLif(refractory=1.5), TypeMismatchError, "refractory"),
        (lambda: AdaptiveLif(rho=math.nan), RangeError, "rho"),
        (lambda: IzhikevichNeuron(clamp=-1.0), RangeError, "clamp"),
        (lambda: IzhikevichNeuron(a="x"), TypeMismatchError, "IzhikevichNeuron.a"),
        (lambda: run_neurons(None, [[1.0]], [[1.0]]), TypeMismatchError, "neuron"),
        (lambda: run_neurons(SoftResetLif(), [[1.0]], [1.0]), ShapeError, "inputs"),
        (lambda: run_neurons(SoftResetLif(), [[1.0, 2.0]], [[1.0]]), ShapeError, "weights"),
        (lambda: run_neurons(SoftResetLif(), [[math.inf]], [[1.0]]), RangeError, "not finite"),
        (lambda: run_neurons(SoftResetLif(), torch.ones(1, 1), [[1.0]]), TypeMismatchError, "one"),
        (
            lambda: run_neurons(SoftResetLif(), [[1.0]], [[1.0]], forced=[[2.0]]),
            RangeError,
            "beside 0 and 1",
        ),
    ],
)
def test_bad_values__are_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()
