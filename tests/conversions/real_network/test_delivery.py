import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.real_network import RealConv, RealDense, RealProjection, RealSparse, delivery
from conversions.real_network.delivery import by_delay, delivered, distinct_channels


def direct(conv, image):
    """Cross-correlation by its definition, one output at a time."""
    made = np.zeros(conv.output_shape(image.shape))
    channels_out, per_group, rows, columns = conv.weights.shape
    each = channels_out // conv.groups
    for o, y, x in np.ndindex(*made.shape):
        for c, i, j in np.ndindex(per_group, rows, columns):
            row = y * conv.stride[0] + i * conv.dilation[0] - conv.padding[0]
            column = x * conv.stride[1] + j * conv.dilation[1] - conv.padding[1]
            if 0 <= row < image.shape[1] and 0 <= column < image.shape[2]:
                pixel = image[o // each * per_group + c, row, column]
                made[o, y, x] += conv.weights[o, c, i, j] * pixel
    return made


@given(
    groups=st.sampled_from([1, 2]),
    pairs=st.tuples(*[st.tuples(st.integers(1, 3), st.integers(1, 3)) for _ in range(3)]),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    repeats=st.sampled_from([([0, 1, 2, 3], [0, 1, 2, 3]), ([1, 0, 1, 1], [1, 0, 0, 1])]),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=40)
def test_delivered__a_convolution_is_its_definition(groups, pairs, padding, repeats, seed):
    kernel, stride, dilation = pairs
    rng = np.random.default_rng(seed)
    weights = rng.integers(-9, 9, (4, 4, *kernel))[repeats[0]][:, repeats[1]]
    conv = RealConv(
        weights=weights[:, : 4 // groups],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    images = rng.random((3, 4, 8, 7)) < 0.5
    made = delivered(conv, images.reshape(3, -1), (4, 8, 7), 0)
    assert (made == [direct(conv, image).ravel() for image in images]).all()


def test_delivered__a_convolution_in_parts_is_the_whole(monkeypatch):
    conv = RealConv(weights=np.arange(18).reshape(2, 1, 3, 3))
    images = np.random.default_rng(0).random((5, 36)) < 0.5
    whole = delivered(conv, images, (1, 6, 6), 0)
    monkeypatch.setattr(delivery, "LARGEST_WINDOWS", 300)
    assert (delivered(conv, images, (1, 6, 6), 0) == whole).all()


def test_distinct_channels__copies_of_neurons_are_one_channel():
    weights = np.random.default_rng(0).integers(1, 9, (2, 3, 2, 2)).astype(float)
    conv = RealConv(weights=weights.repeat(4, axis=0).repeat(5, axis=1))
    few = distinct_channels(conv)
    assert few.conv.weights.shape == weights.shape
    assert (few.conv.weights[few.made][:, few.given] == conv.weights).all()
    assert (conv.weights[:, few.columns][:, few.given] == conv.weights).all()


def test_delivered__sparse_and_dense_agree():
    rng = np.random.default_rng(1)
    pairs = rng.permutation(20)[:11]
    sparse = RealSparse(pre=pairs // 4, post=pairs % 4, weights=rng.integers(-5, 5, 11))
    dense = np.zeros((4, 5))
    dense[sparse.post, sparse.pre] = sparse.weights
    spikes = rng.random((6, 5)) < 0.5
    assert (
        delivered(sparse, spikes, (5,), 4) == delivered(RealDense(weights=dense), spikes, (5,), 4)
    ).all()


def test_by_delay__parts_add_up_to_the_map():
    weights, delays = [[1.0, 2.0], [3.0, 4.0]], [[0, 2], [2, 1]]
    projection = RealProjection(
        source="a", target="b", map=RealDense(weights=weights), delays=delays
    )
    parts = by_delay(projection)
    assert [(delay, part.weights.tolist()) for delay, part in parts] == [
        (0, [[1, 0], [0, 0]]),
        (1, [[0, 0], [0, 4]]),
        (2, [[0, 2], [3, 0]]),
    ]
