import math

import numpy as np
import pytest
import torch

from hw_models import ExecutorError, RangeError, ShapeError, TypeMismatchError
from ssdp_neuro.training import DopamineGate, SaturationWarning


def related(n, correlation, seed=0):
    """Synchrony about 0.2 and losses about 2 with a correlation."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, n))
    loss = correlation * a + math.sqrt(1 - correlation**2) * b
    return 0.2 + 0.03 * a, 2.0 + 0.5 * loss


def recorded(gate, s, loss, batch=50):
    for start in range(0, len(s), batch):
        some = slice(start, start + batch)
        gate.record(torch.as_tensor(s[some]), torch.as_tensor(loss[some]))
    return gate


def test_fit__is_minus_pearson_of_all_samples():
    s, loss = related(3000, -0.5)
    gate = recorded(DopamineGate(), s, loss)
    fit = gate.fit()
    assert fit.k == pytest.approx(-np.corrcoef(s, loss)[0, 1], abs=1e-10)
    assert fit.mu == pytest.approx(s.mean(), abs=1e-13)
    assert fit.sd == pytest.approx(s.std(), rel=1e-10)
    assert fit.n_samples == 3000
    assert fit.k > 0.4
    x = torch.tensor([0.0, 0.18, 0.2, 0.22, 0.9])
    wanted = np.clip(1 + fit.k * (x.double().numpy() - s.mean()) / s.std(), 0, 2)
    assert np.allclose(gate(x).numpy(), wanted, rtol=0, atol=1e-9)
    assert gate(x).dtype == torch.float64


def test_forward__is_one_before_the_fit():
    gate = recorded(DopamineGate(), *related(100, -0.9))
    assert gate(torch.tensor([0.0, 0.5, 1.0])).tolist() == [1.0, 1.0, 1.0]


def test_fit__settles_at_one_without_a_significant_relation():
    s, loss = related(1000, 0.0, seed=3)
    believing, careful = DopamineGate(significance=None), DopamineGate(significance=1e-3)
    seen = recorded(believing, s, loss).fit()
    assert seen.k == -seen.pearson != 0.0
    assert recorded(careful, s, loss).fit()._replace(k=seen.k) == seen
    assert careful(torch.tensor([0.0, 1.0])).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("pearson", "believed"), [(0.10, False), (0.12, True)])
def test_fit__significance_is_that_of_fishers_z(pearson, believed):
    # atanh(r) * sqrt(1000 - 3) against 3.29 for 1e-3: the limit is r = 0.104
    base = np.tile([1.0, -1.0, 1.0, -1.0], 250)
    other = np.tile([1.0, 1.0, -1.0, -1.0], 250)
    gate = recorded(DopamineGate(), base, pearson * base + math.sqrt(1 - pearson**2) * other)
    fit = gate.fit()
    assert fit.pearson == pytest.approx(pearson)
    assert (fit.k != 0.0) is believed


def test_end_block__takes_out_a_trend_of_training():
    rng = np.random.default_rng(0)
    pooled, blocks = DopamineGate(), DopamineGate()
    for epoch in range(30):
        s = 0.2 + 0.01 * epoch + 0.02 * rng.standard_normal(200)
        loss = 2.0 - 0.05 * epoch + 0.1 * rng.standard_normal(200)
        recorded(pooled, s, loss)
        recorded(blocks, s, loss).end_block()
    assert pooled.fit().k > 0.8
    fit = blocks.fit()
    assert abs(fit.pearson) < 0.05
    assert fit.k == 0.0
    assert fit.mu == pytest.approx(s.mean())  # of the last block, not of all training
    assert fit.sd == pytest.approx(0.02, rel=0.05)


def test_fit__of_blocks_keeps_a_relation_within_them():
    gate = DopamineGate()
    for epoch in range(5):
        s, loss = related(400, -0.5, seed=epoch)
        recorded(gate, s + 0.1 * epoch, loss + epoch).end_block()
    assert gate.fit().k == pytest.approx(0.5, abs=0.05)


def test_fit__warns_of_saturated_synchrony_and_stays_at_one():
    gate = recorded(DopamineGate(), 1.0 - 1e-6 * np.arange(100.0), np.arange(100.0))
    with pytest.warns(SaturationWarning, match="stays at one"):
        assert gate.fit().k == 0.0
    unguarded = DopamineGate(minimum_spread=0.0)
    assert recorded(unguarded, 1.0 - 1e-6 * np.arange(100.0), np.arange(100.0)).fit().k != 0.0


def test_fit__spread_is_judged_by_the_mean():
    # a wide layer at 1 % activity has synchrony of this size
    s = 1e-4 * np.random.default_rng(0).random(1000)
    assert recorded(DopamineGate(), s, -s).fit().k == pytest.approx(1.0)
    with pytest.warns(SaturationWarning):
        assert recorded(DopamineGate(), 1.0 + s, -s).fit().k == 0.0
    with pytest.warns(SaturationWarning):
        assert recorded(DopamineGate(), 0 * s, s).fit().k == 0.0


def test_fit__two_samples_always_lie_on_a_line_and_show_nothing():
    gate = DopamineGate()
    gate.record(torch.tensor([0.1, 0.2]), torch.tensor([2.0, 1.0]))
    fit = gate.fit()
    assert (fit.pearson, fit.k) == (pytest.approx(-1.0), 0.0)


@pytest.mark.parametrize("constant", ["synchrony", "loss"])
def test_fit__of_a_constant_is_a_gate_of_one(constant):
    varied, same = torch.linspace(0, 1, 64), torch.full((64,), 0.3)
    gate = DopamineGate(significance=None, minimum_spread=0.0)
    gate.record(*((same, varied) if constant == "synchrony" else (varied, same)))
    assert gate.fit().k == 0.0
    assert gate(varied).tolist() == [1.0] * 64


def test_fit__rounding_of_the_sums_is_no_variance():
    for value in np.random.default_rng(0).random(60):
        gate = DopamineGate(significance=None, minimum_spread=0.0)
        gate.record(torch.full((77,), value), torch.linspace(0, 1, 77))
        fit = gate.fit()
        assert (fit.sd, fit.k) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("n_blocks", "n_empty", "pearson", "believed"),
    [
        # 12 samples: the limit is tanh(3.29 / 3) = 0.800 in one block, 0.846 in three
        (1, 0, 0.79, False),
        (1, 0, 0.82, True),
        (3, 0, 0.82, False),
        (3, 0, 0.86, True),
        (1, 9, 0.82, True),  # blocks without samples take no degree of freedom
    ],
)
def test_fit__every_block_takes_a_degree_of_freedom(n_blocks, n_empty, pearson, believed):
    base, other = np.array([1.0, -1.0, 1.0, -1.0] * 3), np.array([1.0, 1.0, -1.0, -1.0] * 3)
    s, loss = base, pearson * base + math.sqrt(1 - pearson**2) * other
    gate = DopamineGate(minimum_spread=0.0)
    for some in np.split(np.arange(12), n_blocks):
        recorded(gate, s[some], loss[some])
        gate.end_block()
    for _ in range(n_empty):
        gate.end_block()
    fit = gate.fit()
    assert fit.pearson == pytest.approx(pearson)
    assert (fit.k != 0.0) is believed


def test_record__leaves_out_losses_that_are_not_finite():
    s, loss = related(200, -0.8)
    clean = recorded(DopamineGate(), s, loss).fit()
    gate = recorded(DopamineGate(), s, loss)
    gate.record(torch.tensor([0.9, 0.1]), torch.tensor([math.inf, math.nan]))
    with pytest.warns(UserWarning, match="2 losses"):
        assert gate.fit() == clean


@pytest.mark.parametrize("fitted", [False, True])
def test_state_dict__restores_exactly(fitted, tmp_path):
    gate = recorded(DopamineGate(), *related(300, -0.6))
    gate.end_block()
    recorded(gate, *related(120, -0.6, seed=1))
    if fitted:
        gate.fit()
    torch.save(gate.state_dict(), tmp_path / "gate.pt")
    other = DopamineGate()
    other.load_state_dict(torch.load(tmp_path / "gate.pt", weights_only=True))
    assert other.frozen is fitted
    for name, value in gate.named_buffers():
        assert torch.equal(dict(other.named_buffers())[name], value), name
    if not fitted:
        assert other.fit() == gate.fit()
    x = torch.rand(50)
    assert torch.equal(gate(x), other(x))


def test_gate__has_no_parameter():
    assert list(DopamineGate().parameters()) == []


def test_gate__refuses_what_does_not_fit():
    gate = DopamineGate()
    with pytest.raises(ShapeError, match="one loss per sample"):
        gate.record(torch.rand(4), torch.rand(()))
    with pytest.raises(ExecutorError, match="no sample"):
        DopamineGate().fit()
    with pytest.raises(TypeMismatchError, match="float64"):
        DopamineGate().half().record(torch.rand(4), torch.rand(4))
    recorded(gate, *related(50, -0.9)).fit()
    with pytest.raises(ExecutorError, match="frozen"):
        gate.record(torch.rand(4), torch.rand(4))
    with pytest.raises(ExecutorError, match="frozen"):
        gate.fit()
    for wrong in ({"significance": 0.0}, {"significance": 1.0}, {"minimum_spread": -1.0}):
        with pytest.raises(RangeError, match=next(iter(wrong))):
            DopamineGate(**wrong)
