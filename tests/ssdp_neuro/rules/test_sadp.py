"""SADP against its definition, written out with fractions and one synapse at a time."""

from fractions import Fraction

import numpy as np
import pytest

from hw_models import InputError, RangeError, Rounding, ShapeError, TypeMismatchError
from hw_models.random_bits import random_bits
from ssdp_neuro.rules.sadp import Sadp, SadpParams, binned, cohens_kappa


def slow_bins(train, width):
    return [any(train[i : i + width]) for i in range(0, len(train), width)]


def slow_kappa(first, second):
    """By the table of two judges, as the textbook has it."""
    n = len(first)
    observed = Fraction(sum(x == y for x, y in zip(first, second, strict=True)), n)
    p, q = Fraction(sum(first), n), Fraction(sum(second), n)
    chance = p * q + (1 - p) * (1 - q)
    return Fraction(0) if chance == 1 else (observed - chance) / (1 - chance)


def half_away(value):
    return (1 if value > 0 else -1) * int(abs(value) + Fraction(1, 2)) if value else 0


def samples(count):
    """Spikes of sources, targets and references, a width of bins, and the generator."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        n_steps, n_pre, n_post = rng.integers(1, (14, 4, 4))
        pre, post, wanted = (
            rng.random((n_steps, n)) < rng.choice([0.0, 0.2, 0.5, 1.0], p=[0.1, 0.4, 0.4, 0.1])
            for n in (n_pre, n_post, n_post)
        )
        yield pre, post, wanted, int(rng.integers(1, 5)), rng


def test_kappa__is_that_of_the_table():
    for pre, post, _, width, _ in samples(100):
        found = cohens_kappa(binned(pre, width), binned(post, width))
        for i, j in np.ndindex(found.shape):
            slow = slow_kappa(*(slow_bins(train, width) for train in (pre[:, j], post[:, i])))
            assert found[i, j] == pytest.approx(float(slow), abs=1e-15)


@pytest.mark.parametrize("supervised", [False, True])
def test_change__is_the_mean_of_slow_ones(supervised):
    for pre, post, wanted, width, _ in samples(50):
        check_change(pre, post, wanted, width, supervised)


def check_change(pre, post, wanted, width, supervised):
    rule = Sadp(potentiation=0.3, depression=0.1, bin_width=width, contrast=0.5)
    batch = [np.stack([part, part[::-1]]) for part in (pre, post, wanted)]
    found = rule.change(batch[0], batch[1], batch[2] if supervised else None)

    def slow(source, target):
        kappa = float(slow_kappa(slow_bins(source, width), slow_bins(target, width)))
        return (0.3 if kappa > 0 else 0.1) * kappa

    for i, j in np.ndindex(found.shape):
        total = 0.0
        for x, y, w in zip(*batch, strict=True):
            own = slow(x[:, j], y[:, i])
            total += slow(x[:, j], w[:, i]) - 0.5 * own if supervised else own
        assert found[i, j] == pytest.approx(total / 2, abs=1e-14)


def test_update__is_exact_in_integers():
    for pre, post, wanted, width, rng in samples(300):
        params = SadpParams(
            potentiation=int(rng.integers(0, 256)),
            depression=int(rng.integers(0, 256)),
            shift=int(rng.integers(0, 16)),
            bin_width=width,
            contrast=bool(rng.random() < 0.5),
            rounding=rng.choice([Rounding.STOCHASTIC, Rounding.NEAREST_AWAY]),
            weight_low=-90,
            weight_high=100,
        )
        check_update(params, pre, post, wanted if rng.random() < 0.5 else None, rng)


def check_update(params, pre, post, wanted, rng):
    weights = rng.integers(-90, 101, (post.shape[1], pre.shape[1]))
    found = params.update(weights, pre, post, wanted, seed=3, sample=8)
    width = params.bin_width

    def product(source, target):
        k = half_away(128 * slow_kappa(slow_bins(source, width), slow_bins(target, width)))
        return k * (params.potentiation if k > 0 else params.depression)

    for i, j in np.ndindex(weights.shape):
        total = product(pre[:, j], post[:, i])
        if wanted is not None:
            total = product(pre[:, j], wanted[:, i]) - (total if params.contrast else 0)
        if params.rounding is Rounding.STOCHASTIC:
            low = int(random_bits(3, 8, i, j)) % 2**params.shift
            delta = (total + low) // 2**params.shift
        else:
            delta = half_away(Fraction(total, 2**params.shift))
        assert found[i, j] == min(max(int(weights[i, j]) + delta, -90), 100)


def test_integers__follow_the_real_rule():
    """Mean over samples: within the error of a rounded kappa and of the rounded amplitudes."""
    rng = np.random.default_rng(0)
    rule = Sadp(potentiation=0.03, depression=0.02, bin_width=4)
    params = rule.to_fixed(weight_unit=1 / 64, shift=14)
    pre, post, wanted = (rng.random((400, 40, n)) < 0.1 for n in (5, 3, 3))
    total = np.zeros((3, 5))
    for sample in range(400):
        zero = np.zeros((3, 5), dtype=int)
        total += params.update(zero, pre[sample], post[sample], wanted[sample], sample=sample)
    assert np.abs(total / 400 / 64 - rule.change(pre, post, wanted)).max() < 3e-3
    assert np.abs(total).max() > 10


def test_supervised__stops_when_the_target_fires_as_it_should():
    rng = np.random.default_rng(1)
    pre, post = rng.random((30, 6)) < 0.2, rng.random((30, 2)) < 0.2
    assert not Sadp(potentiation=1, depression=1).change(pre, post, post).any()
    assert Sadp(potentiation=1, depression=1, contrast=0.0).change(pre, post, post).any()


def test_kappa__is_zero_where_nothing_can_be_said():
    silent, always = np.zeros((5, 1), bool), np.ones((5, 1), bool)
    kappas = [cohens_kappa(x, y).item() for x in (silent, always) for y in (silent, always)]
    assert kappas == [0.0] * 4


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Sadp(potentiation=-1, depression=0), RangeError),
        (lambda: Sadp(potentiation="x", depression=0), TypeMismatchError),
        (lambda: Sadp(potentiation=1, depression=0, contrast=2), RangeError),
        (lambda: SadpParams(potentiation=256, depression=0, shift=0), RangeError),
        (lambda: SadpParams(potentiation=1, depression=0, shift=0, contrast=1), TypeMismatchError),
        (
            lambda: SadpParams(potentiation=1, depression=0, shift=0, rounding=Rounding.FLOOR),
            TypeMismatchError,
        ),
        (
            lambda: Sadp(potentiation=9, depression=0).to_fixed(weight_unit=1e-3, shift=7),
            RangeError,
        ),
        (
            lambda: Sadp(potentiation=9, depression=0, contrast=0.5).to_fixed(
                weight_unit=1, shift=7
            ),
            RangeError,
        ),
        (lambda: binned(np.zeros((0, 3), bool), 1), ShapeError),
        (lambda: binned([[2]], 1), InputError),
        (lambda: cohens_kappa(np.zeros((3, 1), bool), np.zeros((4, 1), bool)), ShapeError),
        (
            lambda: SadpParams(potentiation=1, depression=0, shift=0).update(
                [[1, 2]], [[1]], [[1]]
            ),
            ShapeError,
        ),
    ],
)
def test_bad_values__are_refused(make, error):
    with pytest.raises(error):
        make()
