"""Composed maps against the maps one after another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.linear_maps.algebra import apply, composed, scaled, sparse
from conversions.linear_maps.convolutions import convolved_back, pooling
from conversions.linear_maps.map_kinds import Conv, Dense, Identity, Sparse, conv, n_pre
from conversions.real_network import RealConv
from hw_models import ShapeError

# Small integers: sums in float64 are exact whatever their order.
INTEGERS = st.integers(0, 2**32 - 1)


def small(rng, *shape):
    return rng.integers(-4, 5, size=shape).astype(float)


@st.composite
def convolutions(draw, channels, sizes):
    rng = np.random.default_rng(draw(INTEGERS))
    groups = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    kernel = [draw(st.integers(1, min(3, size))) for size in sizes]
    return RealConv(
        weights=small(rng, groups * draw(st.integers(1, 2)), channels // groups, *kernel),
        stride=tuple(draw(st.integers(1, 3)) for _ in sizes),
        padding=tuple(draw(st.integers(0, 2)) for _ in sizes),
        dilation=tuple(
            1 if n == 1 or size < 5 else draw(st.integers(1, 2))
            for n, size in zip(kernel, sizes, strict=True)
        ),
        groups=groups,
    )


@st.composite
def maps(draw, shape):
    """A map from that shape, and the shape it makes."""
    n_in = int(np.prod(shape))
    kinds = ["dense", "sparse", *(["conv", "pool"] if len(shape) == 3 else [])]
    kind = draw(st.sampled_from(kinds))
    rng = np.random.default_rng(draw(INTEGERS))
    if kind == "conv":
        linear = conv(draw(convolutions(shape[0], shape[1:])), shape)
        return linear, linear.out_shape
    if kind == "pool":
        size = tuple(draw(st.integers(1, min(2, n))) for n in shape[1:])
        linear = conv(pooling(shape[0], size, average=False), shape)
        return linear, linear.out_shape
    n_post = draw(st.integers(1, 4))
    weights = small(rng, n_post, n_in)
    if kind == "dense":
        return Dense(weights), (n_post,)
    post, pre = np.nonzero(rng.random(weights.shape) < 0.7)
    return Sparse(post, pre, weights[post, pre], weights.shape), (n_post,)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_compose__equals_one_map_after_the_other(data):
    shape = data.draw(st.sampled_from([(3,), (1, 4, 4), (2, 6, 5), (4, 3, 7)]))
    first, middle = data.draw(maps(shape))
    second, made = data.draw(maps(middle))
    rng = np.random.default_rng(data.draw(INTEGERS))
    values = small(rng, 2, int(np.prod(shape)))
    expected = apply(second, apply(first, values))
    both = composed(second, first)
    assert (both.n_post, n_pre(both)) == (int(np.prod(made)), values.shape[1])
    if isinstance(both, Conv):
        assert both.out_shape == made
    assert apply(both, values).tolist() == expected.tolist()
    assert apply(sparse(both), values).tolist() == expected.tolist()


def test_compose__pooling_before_a_padded_convolution_stays_a_convolution():
    rng = np.random.default_rng(0)
    padded = conv(RealConv(weights=small(rng, 4, 2, 3, 3), padding=1), (2, 4, 4))
    both = composed(padded, conv(pooling(2, 2, average=True), (2, 8, 8)))
    assert isinstance(both, Conv)
    kernel = both.kernel
    assert (kernel.stride, kernel.padding, kernel.groups) == ((2, 2), (2, 2), 1)
    assert (both.in_shape, both.out_shape) == ((2, 8, 8), (4, 4, 4))


def test_compose__a_map_without_synapses_stays_without():
    no_one = np.zeros(0, dtype=np.int64)
    nothing = Sparse(no_one, no_one, np.zeros(0), (2, 2))
    some = Sparse(np.array([1, 0]), np.array([0, 1]), np.array([2.0, 3.0]), (2, 2))
    for second, first in ((some, nothing), (nothing, some), (nothing, nothing)):
        assert sparse(composed(second, first)).weights.size == 0


def test_synapses__of_a_convolution_are_those_of_pytorch():
    import torch

    rng = np.random.default_rng(1)
    kernel = RealConv(
        weights=small(rng, 6, 2, 3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2
    )
    values = small(rng, 4, 6, 5)
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(values)[None],
        torch.from_numpy(kernel.weights.copy()),
        stride=(2, 1),
        padding=(1, 2),
        dilation=(1, 2),
        groups=2,
    )[0].numpy()
    linear = conv(kernel, values.shape)
    assert linear.out_shape == expected.shape
    for form in (linear, sparse(linear)):
        assert apply(form, values.reshape(1, -1))[0].tolist() == expected.ravel().tolist()
    rows = small(rng, 3, expected.size)
    back = convolved_back(rows, kernel, values.shape)
    assert (back @ values.ravel()).tolist() == (rows @ expected.ravel()).tolist()


def test_scaled__multiplies_what_comes_out():
    rng = np.random.default_rng(2)
    shape = (2, 3, 3)
    image = conv(RealConv(weights=small(rng, 2, 2, 2, 2)), shape)
    listed = Sparse(np.array([3, 7]), np.array([0, 5]), np.array([1.0, 2.0]), (8, 18))
    for linear in (image, Dense(small(rng, 8, 18)), listed):
        for factors in (np.arange(8.0), np.repeat([2.0, 3.0], 4), np.array(5.0)):
            values = small(rng, 1, 18)
            made = scaled(linear, factors)
            assert type(made) is type(linear) or isinstance(linear, Conv)
            assert apply(made, values).tolist() == (factors * apply(linear, values)).tolist()
    assert isinstance(scaled(image, np.repeat([2.0, 3.0], 4)), Conv)


def test_identity__passes_everything_on():
    assert apply(Identity(3), np.array([[1.0, 2.0, 3.0]])).tolist() == [[1.0, 2.0, 3.0]]


def test_conv__refuses_an_image_that_does_not_fit():
    with pytest.raises(ShapeError, match=r"source shape \(3, 4, 4\)"):
        conv(RealConv(weights=np.ones((1, 2, 1, 1))), (3, 4, 4))
