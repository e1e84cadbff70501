"""Networks that netx can hold."""

import numpy as np

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
)


def chain(seed=0, *, delays=False, recurrent=True, weights=None, **settings):
    """Two dense layers, the second with feedback."""
    rng = np.random.default_rng(seed)
    hidden = {"current_decay": 1200, "voltage_decay": 300, "threshold": 90, **settings}
    first = rng.integers(-80, 120, (4, 5)) if weights is None else np.asarray(weights)
    n_hidden, n_in = first.shape
    feedback = DenseProjection(
        source="out", target="out", weights=rng.integers(-60, 60, (3, 3)), weight_exponent=1
    )
    return FixedPointNetwork(
        populations=[
            LifPopulation(name="out", shape=(3,), current_decay=4095, voltage_decay=0,
                          threshold=rng.integers(40, 70, 3)),
            InputPopulation(name="pixels", shape=(n_in,)),
            LifPopulation(name="hidden", shape=(n_hidden,), **hidden),
        ],
        projections=[
            *([feedback] if recurrent else []),
            DenseProjection(source="pixels", target="hidden", weights=first, name="in",
                            delays=rng.integers(0, 4, first.shape) if delays else None),
            DenseProjection(source="hidden", target="out",
                            weights=rng.integers(-40, 60, (3, n_hidden)), weight_exponent=1),
        ],
    )  # fmt: skip


def images(seed=0):
    """A convolution with a bias for each channel, one with own values, a dense layer."""
    rng = np.random.default_rng(seed)
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="image", shape=(2, 6, 5)),
            LifPopulation(name="maps", shape=(4, 3, 5), current_decay=900, voltage_decay=100,
                          threshold=100, bias_mantissa=np.repeat([2, 0, -3, 5], 15),
                          bias_exponent=6),
            LifPopulation(name="small", shape=(3, 2, 3), current_decay=rng.integers(0, 4096, 18),
                          voltage_decay=rng.integers(0, 4096, 18),
                          threshold=rng.integers(60, 200, 18),
                          bias_mantissa=64 * rng.integers(-9, 9, 18)),
            LifPopulation(name="out", shape=(2, 2), current_decay=4095, voltage_decay=4096,
                          threshold=70),
        ],
        projections=[
            ConvProjection(source="image", target="maps",
                           weights=rng.integers(-30, 60, (4, 1, 3, 1)),
                           stride=(2, 1), padding=(1, 0), groups=2, weight_exponent=2),
            ConvProjection(source="maps", target="small",
                           weights=rng.integers(-90, 99, (3, 4, 2, 2)),
                           dilation=(1, 2)),
            DenseProjection(source="small", target="out", weights=rng.integers(-80, 120, (4, 18))),
        ],
    )  # fmt: skip
