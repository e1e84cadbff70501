import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from conversions.linear_maps import map_kinds
from conversions.linear_maps.algebra import (
    apply,
    composed,
    placed,
    real,
    rows,
    scaled,
    sparse,
    summed,
    totals,
)
from conversions.linear_maps.map_kinds import Conv, Dense, Identity, Sparse, conv
from conversions.pytorch.trace.aten_linear import per_channel
from conversions.real_network import RealConv, RealDense, RealSparse
from hw_models import ConversionError

SHAPE = (4, 6, 5)
SIZE = 120


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


@st.composite
def convolutions(draw, channels, shape):
    """A convolution that fits an image, or None."""
    groups = draw(st.sampled_from([g for g in (1, 2, channels) if channels % g == 0]))
    kernel = RealConv(
        weights=numbers(
            draw(st.integers(0, 99)),
            groups * draw(st.sampled_from([1, 2])),
            channels // groups,
            draw(st.integers(1, 3)),
            draw(st.integers(1, 3)),
        ),
        stride=draw(st.integers(1, 3)),
        padding=draw(st.integers(0, 2)),
        dilation=draw(st.integers(1, 2)),
        groups=groups,
    )
    try:
        return conv(kernel, shape)
    except ValueError:
        return None


def in_torch(linear, images):
    kernel = linear.kernel
    return functional.conv2d(
        torch.from_numpy(images).reshape(-1, *linear.in_shape),
        torch.tensor(kernel.weights),
        None,
        kernel.stride,
        kernel.padding,
        kernel.dilation,
        kernel.groups,
    )


@st.composite
def pairs(draw):
    first = draw(convolutions(4, SHAPE).filter(bool))
    second = draw(convolutions(first.out_shape[0], first.out_shape).filter(bool))
    return first, second


@given(pair=pairs())
@settings(deadline=None, max_examples=60)
def test_composed__two_convolutions_are_what_they_are_one_after_the_other(pair):
    first, second = pair
    images = numbers(0, 3, SIZE)
    expected = in_torch(second, in_torch(first, images).numpy()).flatten(1).numpy()
    both = composed(second, first)
    assert np.allclose(apply(both, images), expected, atol=1e-10)
    assert np.allclose(apply(sparse(both), images), expected, atol=1e-10)
    if second.kernel.padding == (0, 0):
        assert isinstance(both, Conv)


def test_composed__pooling_before_a_padded_convolution_stays_a_convolution():
    pool = conv(RealConv(weights=np.full((4, 1, 2, 2), 0.25), stride=2, groups=4), (4, 6, 4))
    padded = conv(RealConv(weights=numbers(1, 3, 4, 3, 3), padding=1), pool.out_shape)
    assert isinstance(composed(padded, pool), Conv)
    odd = conv(RealConv(weights=np.full((4, 1, 2, 2), 0.25), stride=2, groups=4), SHAPE)
    beside = conv(RealConv(weights=numbers(1, 3, 4, 3, 3), padding=1), odd.out_shape)
    assert isinstance(composed(beside, odd), Sparse)  # the fifth column would come in


def any_map(kind, n_post, n_pre):
    if kind == "identity":
        return Identity(n_pre)
    weights = numbers(n_post, n_post, n_pre) * (numbers(9, n_post, n_pre) > 0.5)
    return sparse(Dense(weights)) if kind == "sparse" else Dense(weights)


@pytest.mark.parametrize("inner", ["identity", "sparse", "dense", "conv"])
@pytest.mark.parametrize("outer", ["identity", "sparse", "dense", "conv"])
def test_composed__every_pair_of_kinds(outer, inner):
    image = conv(RealConv(weights=numbers(3, 4, 2, 3, 3), padding=1, groups=2), SHAPE)
    first = image if inner == "conv" else any_map(inner, SIZE, SIZE)
    second = image if outer == "conv" else any_map(outer, SIZE, SIZE)
    given = numbers(5, 4, SIZE)
    assert np.allclose(apply(composed(second, first), given), apply(second, apply(first, given)))


@pytest.mark.parametrize("kind", ["identity", "sparse", "dense", "conv"])
def test_linear_maps__rows_places_factors_and_totals(kind):
    image = conv(RealConv(weights=numbers(3, 4, 2, 3, 3), padding=1, groups=2), SHAPE)
    linear = image if kind == "conv" else any_map(kind, SIZE, SIZE)
    given = numbers(5, 4, SIZE)
    made = apply(linear, given)
    index = np.array([3, 3, 0, 119])
    assert np.allclose(apply(rows(linear, index), given), made[:, index])
    wide = np.zeros((4, 300))
    places = np.arange(SIZE) * 2
    wide[:, places] = made
    assert np.allclose(apply(placed(linear, places, 300), given), wide)
    for factors in (2.0, numbers(1, SIZE), np.repeat(numbers(2, 4), 30)):
        assert np.allclose(apply(scaled(linear, factors), given), made * factors)
    assert np.allclose(apply(totals(linear, 4), given), made.reshape(4, 30, 4).sum(2))
    both = summed(linear, linear)
    assert both is not None
    assert np.allclose(apply(both, given), 2 * made)


def test_scaled__a_convolution_by_channel_stays_one():
    image = conv(RealConv(weights=numbers(3, 4, 4, 3, 3), padding=1), SHAPE)
    assert isinstance(scaled(image, np.repeat(numbers(2, 4), 30)), Conv)
    assert isinstance(scaled(image, numbers(2, SIZE)), Sparse)


def test_per_channel__is_the_pooling_it_was_made_of():
    pooling = torch.nn.AdaptiveAvgPool2d((4, 3))
    linear = per_channel(pooling, SHAPE, (4, 4, 3))
    images = numbers(0, 3, SIZE)
    expected = pooling(torch.from_numpy(images).reshape(3, *SHAPE)).flatten(1).numpy()
    assert np.allclose(apply(linear, images), expected)


def test_real__takes_the_smallest_record():
    image = conv(RealConv(weights=numbers(3, 4, 4, 3, 3), padding=1), SHAPE)
    assert real(image, SHAPE, SHAPE) is image.kernel
    assert isinstance(real(image, (SIZE,), SHAPE), (RealSparse, RealDense))
    assert isinstance(real(Identity(SIZE), SHAPE, SHAPE), RealConv)
    assert isinstance(real(Identity(SIZE), (SIZE,), (SIZE,)), RealSparse)
    full = sparse(Dense(numbers(1, 6, 7)))
    assert (real(full, (7,), (6,)).weights == numbers(1, 6, 7)).all()


def test_linear_maps__a_list_can_be_too_long(monkeypatch):
    monkeypatch.setattr(map_kinds, "ENTRY_LIMIT", 100)
    image = conv(RealConv(weights=numbers(3, 4, 4, 3, 3), padding=1), SHAPE)
    with pytest.raises(ConversionError, match=r"4320 synapses that is not a convolution; .* 100"):
        sparse(image)
