import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    ConvProjection,
    DaSsdpParams,
    DenseProjection,
    InputError,
    LearningRule,
    PoolProjection,
    RangeError,
    ShapeError,
    SignMode,
    SparseProjection,
    TypeMismatchError,
)

ENDS = {"source": "a", "target": "b"}
RULE = DaSsdpParams(
    latency_bits=3, silent_latency=7, kernel=np.arange(8), potentiation=1, depression=1, shift=8
)
HEBB = LearningRule(dw="x0 * y0", dt="2^-1 * y0", sign_mode=SignMode.EXCITATORY)
DENSE = {**ENDS, "weights": [[1, 2], [3, 4]]}
SPARSE = {**ENDS, "pre": [1, 0, 0], "post": [0, 1, 0], "weights": [1, 2, 3]}
CONV = {**ENDS, "weights": np.ones((2, 1, 3, 3), dtype=int)}
POOL = {**ENDS, "kernel_size": 2}
ALL = [(DenseProjection, DENSE), (SparseProjection, SPARSE), (ConvProjection, CONV)]
EVERY = [*ALL, (PoolProjection, POOL)]


@pytest.mark.parametrize(("kind", "fields"), EVERY)
def test_projections__are_named_after_their_ends(kind, fields):
    assert kind(**fields).name == "a->b"
    assert kind(**fields, name="mine").name == "mine"


@pytest.mark.parametrize(("kind", "fields"), EVERY)
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"source": 1}, TypeMismatchError, "source: 1 is int"),
        ({"target": ""}, RangeError, "target: ''"),
        ({"name": "a/b"}, RangeError, "name: 'a/b'"),
        ({"weight_exponent": -9}, RangeError, r"a->b\.weight_exponent: -9; allowed -8..7"),
        ({"weight_exponent": 8}, RangeError, "weight_exponent: 8"),
        ({"weight_exponent": 0.0}, TypeMismatchError, "weight_exponent: 0.0 is float"),
    ],
)
def test_projections__refuse_bad_common_fields(kind, fields, change, error, message):
    with pytest.raises(error, match=message):
        kind(**fields | change)


@pytest.mark.parametrize(("kind", "fields"), ALL)
def test_projections__hold_weights_to_the_limits(kind, fields):
    shape = np.shape(fields["weights"])
    for weight in (-256, 255):
        weights = np.full(shape, weight)
        assert np.all(kind(**fields | {"weights": weights}).weights == weight)
    weights = np.zeros(shape, dtype=int)
    for weight in (-257, 256):
        weights.flat[1] = weight
        with pytest.raises(RangeError, match=rf"a->b\.weights: value {weight} at index \(.*1.*\)"):
            kind(**fields | {"weights": weights})
    for weights in (np.zeros(shape), np.full(shape, np.nan), None):
        with pytest.raises(TypeMismatchError, match=r"a->b\.weights: dtype"):
            kind(**fields | {"weights": weights})


@pytest.mark.parametrize(
    ("kind", "fields", "error", "message"),
    [
        (DenseProjection, DENSE | {"weights": [1, 2]}, ShapeError, "2 non-empty axes"),
        (DenseProjection, DENSE | {"weights": np.zeros((0, 2), int)}, ShapeError, "non-empty"),
        (DenseProjection, DENSE | {"weights": [[1], [2, 3]]}, ShapeError, "different lengths"),
        (DenseProjection, DENSE | {"delays": [[0, 64], [0, 0]]}, RangeError, r"delays: value 64"),
        (DenseProjection, DENSE | {"delays": [[0, -1], [0, 0]]}, RangeError, r"delays: value -1"),
        (DenseProjection, DENSE | {"delays": [[0.0, 1], [0, 0]]}, TypeMismatchError, "float64"),
        (DenseProjection, DENSE | {"delays": [0, 0]}, ShapeError, r"delays: shape \(2,\); weights"),
        (DenseProjection, DENSE | {"plasticity": "da"}, TypeMismatchError, "plasticity: 'da'"),
        (SparseProjection, SPARSE | {"plasticity": "da"}, TypeMismatchError, "plasticity: 'da'"),
        (
            DenseProjection,
            DENSE | {"plasticity": RULE, "weight_exponent": -1},
            RangeError,
            r"weight_exponent -1; allowed 0\.\.7",
        ),
        (DenseProjection, DENSE | {"tag_1": [[0, 0]]}, InputError, "tag_1: given, but plastic"),
        (SparseProjection, SPARSE | {"tag_2": [0, 0, 0]}, InputError, "tag_2: given, but plas"),
        (
            DenseProjection,
            DENSE | {"plasticity": HEBB, "weights": [[0, 255], [7, -1]]},
            RangeError,
            r"weights: value -1 at index \(1, 1\); allowed 0\.\.255",
        ),
        (
            DenseProjection,
            DENSE | {"plasticity": HEBB, "tag_1": [[0, 256], [0, 0]]},
            RangeError,
            r"tag_1: value 256 at index \(0, 1\); allowed -257\.\.255",
        ),
        (
            DenseProjection,
            DENSE | {"plasticity": HEBB, "tag_2": [[0, -1], [0, 0]]},
            RangeError,
            r"tag_2: value -1",
        ),
        (
            DenseProjection,
            DENSE | {"plasticity": HEBB, "tag_2": [[0], [0]]},
            ShapeError,
            r"tag_2: shape \(2, 1\); weights have \(2, 2\)",
        ),
        (
            SparseProjection,
            SPARSE | {"plasticity": HEBB, "tag_1": [1]},
            ShapeError,
            "equal one-axis shapes",
        ),
        (SparseProjection, SPARSE | {"pre": [0, 0]}, ShapeError, "equal one-axis shapes"),
        (SparseProjection, SPARSE | {"delays": [0, 0]}, ShapeError, "equal one-axis shapes"),
        (SparseProjection, SPARSE | {"pre": [-1, 0, 0]}, RangeError, r"pre: value -1 at index"),
        (SparseProjection, SPARSE | {"pre": None}, TypeMismatchError, r"pre: dtype object"),
        (SparseProjection, SPARSE | {"post": [0.0, 1, 0]}, TypeMismatchError, "post: dtype"),
        (
            SparseProjection,
            SPARSE | {"post": [0, 0, 0]},
            RangeError,
            r"synapse \(pre, post\) = \(0, 0\) is listed twice",
        ),
        (ConvProjection, CONV | {"weights": [[1]]}, ShapeError, "4 non-empty axes"),
        (ConvProjection, CONV | {"stride": 0}, RangeError, r"stride: 0; allowed 1..127"),
        (ConvProjection, CONV | {"stride": (1, 2, 3)}, ShapeError, "one integer or two"),
        (ConvProjection, CONV | {"padding": -1}, RangeError, r"padding: -1; allowed 0..127"),
        (ConvProjection, CONV | {"dilation": 1.5}, TypeMismatchError, "dilation: 1.5"),
        (ConvProjection, CONV | {"groups": 0}, RangeError, "groups: 0"),
        (ConvProjection, CONV | {"groups": 3}, ShapeError, "3 does not divide 2 output channels"),
        (
            ConvProjection,
            CONV | {"weights": np.full((1, 400, 16, 11), 255), "weight_exponent": 0},
            RangeError,
            r"output channel 0 can sum to 17952000; allowed below 2\*\*23",
        ),
        (PoolProjection, POOL | {"kernel_size": 0}, RangeError, "kernel_size: 0"),
        (PoolProjection, POOL | {"stride": 0}, RangeError, "stride: 0"),
        (PoolProjection, POOL | {"padding": -1}, RangeError, "padding: -1"),
        (PoolProjection, POOL | {"weight": 256}, RangeError, "weight: 256; allowed -256..255"),
        (PoolProjection, POOL | {"weight": 0.25}, TypeMismatchError, "weight: 0.25 is float"),
    ],
)
def test_projections__refuse_bad_fields(kind, fields, error, message):
    with pytest.raises(error, match=message):
        kind(**fields)


def test_conv_projection__sum_limit_includes_the_exponent():
    weights = np.full((1, 1, 16, 16), 255)  # 65280, and 2**7 times that is just below 2**23
    ConvProjection(**CONV | {"weights": weights, "weight_exponent": 7})
    weights = np.full((1, 1, 16, 17), 255)
    with pytest.raises(RangeError, match="can sum to 8878080"):
        ConvProjection(**CONV | {"weights": weights, "weight_exponent": 7})


def test_sparse_projection__is_sorted_by_source_then_target():
    tags = {"plasticity": HEBB, "tag_1": [-1, -2, -257], "tag_2": [1, 2, 3]}
    given_order = SparseProjection(**SPARSE, delays=[5, 6, 7], **tags)
    assert given_order.pre.tolist() == [0, 0, 1]
    assert given_order.post.tolist() == [0, 1, 0]
    assert given_order.weights.tolist() == [3, 2, 1]
    assert given_order.delays.tolist() == [7, 6, 5]
    assert given_order.tag_1.tolist() == [-257, -2, -1]
    assert given_order.tag_2.tolist() == [3, 2, 1]
    with pytest.raises(ValueError, match="read-only"):
        given_order.weights[0] = 1


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_output_shape__counts_the_places_of_the_kernel(size, kernel, stride, padding, dilation):
    conv = ConvProjection(
        **ENDS, weights=np.zeros((5, 2, *kernel), int), stride=stride, padding=padding,
        dilation=dilation,
    )  # fmt: skip
    places = []
    for axis in range(2):
        first = range(-padding[axis], size[axis] + padding[axis], stride[axis])
        last = size[axis] + padding[axis] - dilation[axis] * (kernel[axis] - 1)
        places.append(sum(start < last for start in first))
    if 0 in places:
        with pytest.raises(ShapeError, match="larger than the source"):
            conv.output_shape((2, *size))
    else:
        assert conv.output_shape((2, *size)) == (5, *places)


def test_output_shape__needs_the_channels_of_all_groups():
    conv = ConvProjection(**CONV, groups=2)
    assert conv.output_shape((2, 3, 3)) == (2, 1, 1)
    with pytest.raises(ShapeError, match=r"source shape \(1, 3, 3\); \(2, H, W\) is needed"):
        conv.output_shape((1, 3, 3))
    with pytest.raises(ShapeError, match=r"\(C, H, W\) is needed"):
        PoolProjection(**POOL).output_shape((4,))


def test_pool_projection__is_a_depthwise_convolution():
    pool = PoolProjection(**ENDS, kernel_size=(2, 3), padding=(0, 1), weight=-7, weight_exponent=2)
    conv = pool.as_convolution(4)
    assert pool.stride == conv.stride == (2, 3)
    assert conv.weights.shape == (4, 1, 2, 3)
    assert conv.groups == 4
    assert np.all(conv.weights == -7)
    assert pool.output_shape((4, 6, 7)) == conv.output_shape((4, 6, 7)) == (4, 3, 3)
