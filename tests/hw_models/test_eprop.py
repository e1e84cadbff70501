import dataclasses

import numpy as np
import pytest

from conversions import from_nir, to_nir
from conversions.cli.info import _rule_text
from hw_models import (
    LOIHI2,
    DaSsdpParams,
    DenseProjection,
    EpropParams,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    RangeError,
    ResetEligibility,
    ResetMode,
    ShapeError,
    SparseProjection,
    TypeMismatchError,
    check,
    load,
    same_record,
    save,
)
from ssdp_neuro import Session, Teaching, learn

RULE = EpropParams(shift=12, wanted=9)
STAMPED = EpropParams(shift=12, wanted=9, reset_eligibility=ResetEligibility.TIME_STAMP)
BY_FEEDBACK = EpropParams(shift=12, feedback=[[1, -2], [3, 4], [5, 6]], feedback_shift=2)


def network(hidden=BY_FEEDBACK, readout=RULE, **lif):
    fields = {"current_decay": 4095, "voltage_decay": 100, "threshold": 10, **lif}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(4,)),
            LifPopulation(name="hidden", shape=(3,), **fields),
            LifPopulation(name="out", shape=(2,), **fields),
        ],
        projections=[
            DenseProjection(
                source="in", target="hidden", weights=np.ones((3, 4), int), plasticity=hidden
            ),
            DenseProjection(
                source="hidden", target="out", weights=np.ones((2, 3), int), plasticity=readout
            ),
        ],
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shift", 32),
        ("psi_levels", 0),
        ("psi_shift", 31),
        ("psi_refractory", -5),
        ("psi_refractory", 1),
        ("decay_shift", 0),
        ("trace_bits", 9),
        ("impulse", 256),
        ("weight_low", -129),
        ("wanted", 256),
        ("feedback_shift", 1),
    ],
)
def test_eprop_params__refuses_what_does_not_fit(field, value):
    with pytest.raises(RangeError, match=rf"EpropParams\.{field}: {value}"):
        EpropParams(**{"shift": 1, field: value})


def test_eprop_params__refuses_what_does_not_fit_together():
    with pytest.raises(RangeError, match="wanted: 3"):
        EpropParams(shift=1, wanted=3, feedback=[[1]])
    with pytest.raises(ShapeError, match="feedback"):
        EpropParams(shift=1, feedback=[1])
    with pytest.raises(RangeError, match="weight_low: 5"):
        EpropParams(shift=1, weight_low=5, weight_high=4)
    with pytest.raises(ShapeError, match=r"feedback: shape \(3, 2\); 2 rows"):
        network(readout=BY_FEEDBACK)
    with pytest.raises(TypeMismatchError, match="EXACT keeps a number for each synapse"):
        EpropParams(shift=1, reset_eligibility=ResetEligibility.EXACT)
    made = network()
    listed = SparseProjection(
        source="hidden", target="hidden", pre=[0], post=[1], weights=[1],
        plasticity=EpropParams(shift=1, feedback=[[1, 2]]),
    )  # fmt: skip
    with pytest.raises(ShapeError, match=r"feedback: shape \(1, 2\); 3 rows"):
        learn(
            FixedPointNetwork(
                populations=made.populations, projections=[*made.projections, listed]
            ),
            None,
            Teaching(labels=[0]),
            n_steps=3,
        )


def test_eprop_params__are_kept_by_files_and_checked(tmp_path):
    made = network(readout=STAMPED)
    save(made, tmp_path / "network.h5")
    assert same_record(load(tmp_path / "network.h5"), made)
    to_nir(made, tmp_path / "network.nir")
    assert same_record(from_nir(tmp_path / "network.nir")[0], made)
    assert check(made, LOIHI2) == ()
    assert _rule_text(RULE) == "e-prop, taught"
    assert _rule_text(BY_FEEDBACK) == "e-prop, by feedback"
    assert _rule_text(STAMPED) == "e-prop, taught, time stamps"
    assert RULE.state_bits(3, 2) == 3 * 9 + 2 * 28
    assert STAMPED.state_bits(3, 2) == 3 * 17 + 2 * 36
    assert STAMPED.state_bits(3, 2, longest_delay=4) == 3 * (5 * 16 + 1) + 2 * 36


def test_eprop_params__of_older_files_have_no_time_stamps(tmp_path):
    import h5py

    made = network()
    save(made, tmp_path / "network.h5")
    with h5py.File(tmp_path / "network.h5", "a") as file:
        for place in ("0", "1"):
            del file[f"projections/{place}/plasticity"].attrs["reset_eligibility"]
    assert same_record(load(tmp_path / "network.h5"), made)


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("made", "told", "message"),
    [
        (network(readout=None), {}, "one population is taught"),
        (network(reset_interval=5), {}, "reset_interval 5"),
        (
            network(readout=STAMPED, reset=ResetMode.SUBTRACT),
            {},
            "TIME_STAMP of 'out', whose reset by subtraction",
        ),
        (
            network(hidden=EpropParams(shift=1, feedback=np.ones((3, 3), int))),
            {},
            "2 taught neurons",
        ),
        (network(), {"labels": None}, "labels: needed"),
        (network(), {"labels": [2]}, "labels"),
        (network(), {"labels": [0, 1]}, "labels: shape"),
        (network(), {"rewards": [1]}, "rewards: EpropParams"),
        (network(), {"first_sample": 2**31}, "steps; allowed"),
    ],
)
def test_learn__refuses_what_does_not_fit_e_prop(made, told, message):
    with pytest.raises((InputError, RangeError, ShapeError, TypeMismatchError), match=message):
        learn(made, np.ones((1, 3, 4), bool), Teaching(**{"labels": [0], **told}), n_steps=3)


@pytest.mark.kernel
def test_learn__refuses_two_kinds_of_rules_and_a_session_says_who_learns_by_samples():
    other = DaSsdpParams(
        latency_bits=3,
        silent_latency=7,
        kernel=np.ones(8, int),
        potentiation=1,
        depression=0,
        shift=0,
    )
    with pytest.raises(InputError, match="DaSsdpParams beside EpropParams"):
        learn(network(hidden=other), None, Teaching(labels=[0]), n_steps=3)
    with pytest.raises(InputError, match="EpropParams"):
        Session(network()).begin_sample()


def test_rule_of_two_projections__must_agree_on_the_error():
    made = network()
    loop = DenseProjection(
        source="out",
        target="out",
        weights=np.ones((2, 2), int),
        plasticity=dataclasses.replace(RULE, wanted=8),
    )
    with pytest.raises(InputError, match="differ in one of"):
        learn(
            FixedPointNetwork(populations=made.populations, projections=[*made.projections, loop]),
            None,
            Teaching(labels=[0]),
            n_steps=3,
        )
