"""Random learning rules: every variable, dependency, scale and trace that the chip has."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hw_models import (
    DenseProjection,
    Dependency,
    Factor,
    FixedPointNetwork,
    GradedSpikes,
    LearningRule,
    PostTraces,
    Product,
    RandomStream,
    SignMode,
    SparseProjection,
    TraceConfiguration,
    Variable,
)
from tests.strategies import FLAT, networks


@st.composite
def factors(draw: Any) -> Factor:
    """Sums within the factor's range, and signs; often without a constant."""
    variable = draw(st.sampled_from(Variable))
    bits = min(variable.width, 8)
    edges = st.sampled_from([0, -(1 << bits), (1 << bits) - 1])
    is_sign = variable.is_synaptic and draw(st.booleans())
    constant = draw(edges | st.integers(-(1 << bits), (1 << bits) - 1))
    if variable in (Variable.X0, Variable.Y0) and constant == 0:
        constant = draw(st.sampled_from([0, 1, -1]))
    return Factor(variable, constant, is_sign)


@st.composite
def products(draw: Any, decimation: int = 0, highest_exponent: int = 8) -> Product:
    """Scales that a string can say."""
    dependency = draw(st.sampled_from(Dependency))
    exponent = draw(st.integers(-7, highest_exponent))
    return Product(
        dependency=dependency,
        factors=draw(st.lists(factors(), max_size=4)),
        mantissa=draw(st.integers(-8 if exponent == 8 else -7, 7)),
        exponent=exponent,
        decimation=decimation if dependency is Dependency.EPOCH else 0,
    )


TRACE = st.builds(
    TraceConfiguration,
    impulse=st.sampled_from([0, 0.25, 16, 127])
    | st.integers(0, 127 * 256).map(lambda units: units / 256),
    tau=st.sampled_from([0, 0.3, 1, 1000]) | st.floats(0.5, 40),
)


@st.composite
def learning_rules(draw: Any, highest_exponent: int = 8, **fixed: Any) -> LearningRule:
    """Rules of one to three equations; with low exponents weights move for long."""
    decimation = draw(st.integers(0, 3))
    targets = draw(st.lists(st.sampled_from(["dw", "dd", "dt"]), min_size=1, unique=True))
    equations = {
        target: draw(st.lists(products(decimation, highest_exponent), min_size=1, max_size=3))
        for target in targets
    }
    post_traces = draw(st.sampled_from(PostTraces))
    names = ["x1", "x2"] + ["y1", "y2", "y3"] * (post_traces is PostTraces.OF_SPIKES)
    traces = {name: draw(TRACE) for name in names}
    graded_spikes = draw(st.just(GradedSpikes.USE_REGULAR_IMPULSE) | st.sampled_from(GradedSpikes))
    if graded_spikes is not GradedSpikes.USE_REGULAR_IMPULSE:
        traces["x1"] = TraceConfiguration(0, traces["x1"].tau)
    return LearningRule(
        **equations,
        **traces,
        epoch=draw(st.sampled_from([1, 1, 2, 5, 16])),
        post_traces=post_traces,
        graded_spikes=graded_spikes,
        seed=draw(st.integers(0, 2**31 - 5)),
        sign_mode=draw(st.sampled_from(SignMode)),
        **fixed,
    )


@st.composite
def rule_networks(draw: Any, **knobs: Any) -> FixedPointNetwork:
    """Networks in which most dense and sparse projections learn by a rule."""
    network = draw(networks(crowd=False, **{"kinds": FLAT, **knobs}))
    flat = [p for p in network.projections if isinstance(p, (DenseProjection, SparseProjection))]
    replaced = []
    for number, projection in enumerate(flat):
        if number and draw(st.integers(0, 3)) == 0:
            continue
        stream = draw(st.sampled_from(RandomStream))
        exponent = draw(st.sampled_from([-3, 2, 8]))
        rule = draw(learning_rules(highest_exponent=exponent, random_stream=stream))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        shape = projection.weights.shape
        tags = {"tag_1": rng.integers(-257, 256, shape), "tag_2": rng.integers(0, 256, shape)}
        weights = np.clip(projection.weights, rule.weight_low, rule.weight_high)
        given_tags = tags if draw(st.booleans()) else {}
        replaced.append(
            dataclasses.replace(projection, weights=weights, plasticity=rule, **given_tags)
        )
    return network.replace(*replaced)
