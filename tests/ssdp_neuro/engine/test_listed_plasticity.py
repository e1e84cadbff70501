"""Sparse and delayed projections that learn, beside the twin."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    RangeError,
    Rounding,
    SparseProjection,
    load,
    same_record,
    save,
)
from ssdp_neuro import Teaching, learn
from ssdp_neuro.engine.readiness import make_ready
from ssdp_neuro.oracle.learn import learn as oracle
from tests.plasticity_strategies import da_ssdp_params
from tests.ssdp_neuro.engine.plastic_networks import (
    CONSTANT,
    DOPAMINE,
    N_CLASSES,
    N_STEPS,
    REWARD,
    TEACHER,
    batch_of,
    params_of,
    two_layers,
)

pytestmark = pytest.mark.kernel


def listed(rng, projection, share=0.6, delays=True):
    """The projection with some of its synapses, and delays."""
    n_post, n_pre = projection.weights.shape
    post, pre = np.nonzero(rng.random((n_post, n_pre)) < share)
    return SparseProjection(
        source=projection.source,
        target=projection.target,
        pre=pre,
        post=post,
        weights=projection.weights[post, pre],
        delays=rng.integers(0, 6, pre.size) if delays else None,
        plasticity=projection.plasticity,
    )


def delayed(rng, projection):
    return dataclasses.replace(projection, delays=rng.integers(0, 6, projection.weights.shape))


def network_of(rng, rules, forms):
    network = two_layers(rng, *rules)
    projections = []
    for projection, form in zip(network.projections, forms, strict=True):
        if form.startswith("sparse"):
            projections.append(listed(rng, projection, delays="delayed" in form))
        else:
            projections.append(delayed(rng, projection) if form == "delayed" else projection)
    return FixedPointNetwork(populations=network.populations, projections=projections)


FORMS = st.sampled_from(["dense", "sparse", "sparse, delayed", "delayed"])


@given(
    seed=st.integers(0, 2**32 - 1),
    hidden_rule=da_ssdp_params(third_factor=REWARD, latency_bits=4),
    output_rule=da_ssdp_params(third_factor=TEACHER, latency_bits=3, latency_shift=1),
    loop_rule=da_ssdp_params(third_factor=DOPAMINE, latency_bits=5),
    forms=st.tuples(FORMS, FORMS, FORMS),
)
@settings(deadline=None, max_examples=60)
def test_learn__on_listed_synapses_equals_oracle(seed, hidden_rule, output_rule, loop_rule, forms):
    rng = np.random.default_rng(seed)
    network = network_of(rng, (hidden_rule, output_rule, loop_rule), forms)
    n_samples = 6
    batch, labels = batch_of(rng, n_samples), rng.integers(0, N_CLASSES, n_samples)
    told = {
        "labels": labels,
        "rewards": rng.integers(-256, 256, n_samples),
        "losses": rng.integers(-(2**31), 2**31, n_samples),
        "seed": seed,
    }
    expected, _ = oracle(network, batch, n_steps=N_STEPS, **told)
    learned = learn(network, batch, Teaching(**told), n_steps=N_STEPS)
    assert same_record(learned.network, expected)


@pytest.mark.parametrize("rounding", [Rounding.NEAREST_AWAY, Rounding.STOCHASTIC])
def test_learn__a_full_list_is_the_matrix(rounding):
    rng = np.random.default_rng(1)
    network = two_layers(rng, hidden_rule=params_of(CONSTANT, rounding=rounding))
    dense = network.projection("in->hidden")
    sparse = listed(rng, dense, share=2.0, delays=False)
    none = dataclasses.replace(dense, delays=np.zeros((9, 6), dtype=int))
    batch = batch_of(rng, 4)
    expected = learn(network, batch, n_steps=N_STEPS).network.projection("in->hidden").weights
    assert (expected != dense.weights).any()
    for other in (sparse, none):
        result = learn(network.replace(other), batch, n_steps=N_STEPS)
        weights = result.network.projection("in->hidden").weights
        if weights.ndim == 1:
            full = np.zeros((9, 6), dtype=int)
            full[sparse.post, sparse.pre] = weights
            weights = full
        assert weights.tolist() == expected.tolist()
        assert result.changes["in->hidden"].n_changed > 0


def test_save__keeps_the_rule_of_listed_synapses(tmp_path):
    rng = np.random.default_rng(2)
    network = network_of(rng, [params_of(CONSTANT)] * 3, ("sparse", "sparse, delayed", "delayed"))
    save(network, tmp_path / "n.h5")
    assert same_record(load(tmp_path / "n.h5"), network)
    make_ready(network)


def test_listed_projections__refuse_what_cannot_learn():
    rule = params_of(CONSTANT, weight_low=0)
    ends = {"source": "in", "target": "out", "plasticity": rule}
    for make, fields in (
        (SparseProjection, {"pre": [0], "post": [0], "weights": [3]}),
        (DenseProjection, {"weights": [[3]], "delays": [[2]]}),
    ):
        with pytest.raises(RangeError, match=r"weight_exponent -1; allowed 0\.\.7"):
            make(**ends, **fields, weight_exponent=-1)
        with pytest.raises(RangeError, match="weights: value -3"):
            make(**ends, **{**fields, "weights": -np.array(fields["weights"])})
