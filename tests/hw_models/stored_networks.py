"""A network that files hold, with every kind of field."""

import numpy as np

from hw_models import (
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LearningRule,
    LifPopulation,
    PoolProjection,
    RandomStream,
    ResetMode,
    Rounding,
    SignMode,
    SparseProjection,
    ThirdFactor,
    TraceConfiguration,
)

RULE = DaSsdpParams(
    latency_bits=3,
    silent_latency=5,
    kernel=[9, 7, 5, 3, 2, 1, 0, 0],
    potentiation=10,
    depression=3,
    shift=12,
    rounding=Rounding.STOCHASTIC,
    third_factor=ThirdFactor.TEACHER,
)
STDP = LearningRule(
    dw="2^-2 * y0 * x1 - 3 * 2^-4 * x0 * (y1 - 5)",
    dt="sgn(w + 2) * u3 * t",
    x1=TraceConfiguration(impulse=16.25, tau=10),
    y1=TraceConfiguration(impulse=3, tau=0.7),
    epoch=7,
    sign_mode=SignMode.INHIBITORY,
    random_stream=RandomStream.LAVA,
    seed=5,
)


def of_each_record():
    """A small network with one of each record."""
    rng = np.random.default_rng(0)
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="pixels", shape=(1, 8, 8)),
            LifPopulation(
                name="pooled", shape=(1, 4, 4), current_decay=1, voltage_decay=2, threshold=3,
                reset=ResetMode.SUBTRACT, refractory=2, reset_interval=5, reset_offset=1,
            ),
            LifPopulation(
                name="out", shape=(20,), current_decay=np.arange(20), voltage_decay=0,
                threshold=-7, bias_mantissa=9, bias_exponent=-2,
            ),
        ],
        projections=[
            PoolProjection(source="pixels", target="pooled", kernel_size=2, weight=-5),
            DenseProjection(
                source="pixels", target="out", weights=rng.integers(-128, 128, (20, 64)),
                plasticity=RULE, weight_exponent=3,
            ),
            SparseProjection(source="out", target="out", pre=[3], post=[4], weights=[-9],
                             delays=[63], name="loop", plasticity=STDP, tag_1=[-3], tag_2=[200]),
        ],
    )  # fmt: skip
