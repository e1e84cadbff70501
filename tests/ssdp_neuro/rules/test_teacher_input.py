import numpy as np
import pytest

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    RangeError,
    TypeMismatchError,
    same_record,
)
from ssdp_neuro import simulate
from ssdp_neuro.rules.teacher_input import teacher_spikes, with_teacher, without_teacher


def network(threshold, rng):
    lif = {"current_decay": 1023, "voltage_decay": 256, "threshold": threshold}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(8,)),
            LifPopulation(name="out", shape=(4,), **lif),
        ],
        projections=[
            DenseProjection(
                source="in", target="out", weights=rng.integers(-20, 60, size=(4, 8)),
                weight_exponent=max(0, threshold.bit_length() - 9),
            )
        ],
    )  # fmt: skip


@pytest.mark.parametrize("threshold", [1, 90, 1500, 5800, 10_800])
def test_with_teacher__only_the_taught_neuron_fires_and_from_its_step_on(threshold):
    rng = np.random.default_rng(threshold)
    plain = network(threshold, rng)
    spikes = rng.random((30, 20, 8)) < 0.3
    wanted = rng.integers(0, 4, size=30)
    taught = with_teacher(plain, "out")
    for step in (2, 9):
        given = {"in": spikes, "teacher": teacher_spikes(wanted, 4, 20, step=step)}
        fired = simulate(taught, given, n_steps=20).raster("out")
        assert fired[np.arange(30), step, wanted].mean() > 0.9
        fired[np.arange(30), :, wanted] = False
        assert not fired[:, 1:].any() or threshold == 1
    untaught = {"in": spikes, "teacher": teacher_spikes(np.full(30, -1), 4, 20)}
    by_itself = simulate(plain, spikes, n_steps=20).raster("out")
    assert by_itself.any()
    assert (simulate(taught, untaught, n_steps=20).raster("out") == by_itself).all()


def test_without_teacher__is_the_network_as_it_was():
    plain = network(90, np.random.default_rng(0))
    again = without_teacher(with_teacher(with_teacher(plain, "out"), "out"))
    assert [p.name for p in again.populations] == ["in", "out"]
    assert all(
        same_record(one, other)
        for one, other in zip(plain.projections, again.projections, strict=True)
    )


def test_with_teacher__refuses_what_it_cannot_force():
    rng = np.random.default_rng(0)
    with pytest.raises(TypeMismatchError, match="in: InputPopulation"):
        with_teacher(network(90, rng), "in")
    with pytest.raises(RangeError, match=r"out\.threshold: \[0\]"):
        with_teacher(network(0, rng), "out")
    with pytest.raises(RangeError, match="weight_exponent: 8"):
        with_teacher(network(10_900, rng), "out")
    with pytest.raises(RangeError, match="step: 20"):
        teacher_spikes([0], 4, 20, step=20)
