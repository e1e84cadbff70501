"""Composed maps against the maps one after another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.linear_maps import apply, compose, identity, pooling, scaled_outputs, synapses
from conversions.real_network import RealConv, RealDense, RealSparse
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
    n_pre = int(np.prod(shape))
    kinds = ["dense", "sparse", *(["conv", "pool"] if len(shape) == 3 else [])]
    kind = draw(st.sampled_from(kinds))
    rng = np.random.default_rng(draw(INTEGERS))
    if kind == "conv":
        linear = draw(convolutions(shape[0], shape[1:]))
        return linear, linear.output_shape(shape)
    if kind == "pool":
        size = tuple(draw(st.integers(1, min(2, n))) for n in shape[1:])
        linear = pooling(shape[0], size, average=False)
        return linear, linear.output_shape(shape)
    n_post = draw(st.integers(1, 4))
    weights = small(rng, n_post, n_pre)
    if kind == "dense":
        return RealDense(weights=weights), (n_post,)
    post, pre = np.nonzero(rng.random(weights.shape) < 0.7)
    return RealSparse(pre=pre, post=post, weights=weights[post, pre]), (n_post,)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_compose__equals_one_map_after_the_other(data):
    shape = data.draw(st.sampled_from([(3,), (1, 4, 4), (2, 6, 5), (4, 3, 7)]))
    first, middle = data.draw(maps(shape))
    second, made = data.draw(maps(middle))
    rng = np.random.default_rng(data.draw(INTEGERS))
    values = small(rng, *shape)
    n_post = int(np.prod(made))
    expected = apply(
        second, apply(first, values, shape, int(np.prod(middle))).reshape(middle), middle, n_post
    )
    both = compose(second, first, shape, middle)
    if isinstance(both, RealConv):
        assert both.output_shape(shape) == made
    if isinstance(both, RealDense):  # a sparse map may not name its last outputs
        assert both.weights.shape[0] <= n_post
    found = apply(RealSparse(**synapses(both, shape)._asdict()), values, shape, n_post)
    assert found.tolist() == expected.tolist()


def test_compose__pooling_before_a_padded_convolution_stays_a_convolution():
    rng = np.random.default_rng(0)
    conv = RealConv(weights=small(rng, 4, 2, 3, 3), padding=1)
    both = compose(conv, pooling(2, 2, average=True), (2, 8, 8), (2, 4, 4))
    assert isinstance(both, RealConv)
    assert (both.stride, both.padding, both.groups) == ((2, 2), (2, 2), 1)
    assert both.output_shape((2, 8, 8)) == (4, 4, 4)


def test_compose__a_map_without_synapses_stays_without():
    nothing = RealSparse(pre=[], post=[], weights=[])
    some = RealSparse(pre=[0, 1], post=[1, 0], weights=[2.0, 3.0])
    for second, first in ((some, nothing), (nothing, some), (nothing, nothing)):
        assert synapses(compose(second, first, (2,), (2,)), (2,)).weights.size == 0


def test_synapses__of_a_convolution_are_those_of_pytorch():
    import torch

    rng = np.random.default_rng(1)
    conv = RealConv(
        weights=small(rng, 6, 2, 3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2
    )
    values = small(rng, 4, 6, 5)
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(values)[None],
        torch.from_numpy(conv.weights.copy()),
        stride=(2, 1),
        padding=(1, 2),
        dilation=(1, 2),
        groups=2,
    )[0].numpy()
    made = conv.output_shape(values.shape)
    assert made == expected.shape
    found = apply(conv, values, values.shape, int(np.prod(made)))
    assert found.tolist() == expected.ravel().tolist()


def test_scaled_outputs__multiplies_what_comes_out():
    rng = np.random.default_rng(2)
    shape = (2, 3, 3)
    for linear in (
        RealConv(weights=small(rng, 2, 2, 2, 2)),
        RealDense(weights=small(rng, 8, 18)),
        RealSparse(pre=[0, 5], post=[3, 7], weights=[1.0, 2.0]),
    ):
        for factors in (np.arange(8.0), np.repeat([2.0, 3.0], 4), np.array(5.0)):
            values = small(rng, *shape)
            scaled = scaled_outputs(linear, factors, shape)
            assert type(scaled) is type(linear) or isinstance(linear, RealConv)
            expected = factors * apply(linear, values, shape, 8)
            assert apply(scaled, values, shape, 8).tolist() == expected.tolist()
    by_channel = scaled_outputs(
        RealConv(weights=small(rng, 2, 2, 2, 2)), np.repeat([2.0, 3.0], 4), shape
    )
    assert isinstance(by_channel, RealConv)


def test_identity__passes_everything_on():
    assert apply(identity(3), [1.0, 2.0, 3.0], (3,), 3).tolist() == [1.0, 2.0, 3.0]


def test_compose__refuses_maps_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"weights \(1, 2\) after shape \(3,\)"):
        compose(RealDense(weights=[[1.0, 1.0]]), identity(3), (3,), (3,))
