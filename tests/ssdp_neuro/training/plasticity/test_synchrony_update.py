import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from hw_models import RangeError, ShapeError, TypeMismatchError
from ssdp_neuro.training import da_ssdp_update, ssdp_update, synchrony
from ssdp_neuro.training.plasticity import synchrony_update

RULE = {"a_plus": 1.5e-3, "a_baseline": 5e-4, "sigma": 1.7}


def formula(pre_flag, pre_latency, post_flag, post_latency, gate, a_plus, a_baseline, sigma):
    """The equation, broadcast, in float64."""
    dt = (post_latency[:, :, None] - pre_latency[:, None, :]).double()
    lam = (post_flag[:, :, None] * pre_flag[:, None, :]).double()
    kernel = torch.exp(-(dt**2) / (2 * sigma**2))
    change = a_plus * lam - a_baseline * (1 - lam)
    return (gate.double()[:, None, None] * kernel * change).mean(0)


def sides(n_samples, n_pre, n_post, n_steps, seed=0):
    """Random flags and latencies that know nothing of each other."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for n in (n_pre, n_post):
        made.append(torch.randint(0, 2, (n_samples, n), generator=generator))
        made.append(torch.randint(0, n_steps + 1, (n_samples, n), generator=generator))
    return made, 2 * torch.rand(n_samples, generator=generator, dtype=torch.float64)


def gap(given_sides, gate, n_steps, rule=RULE):
    """Largest error as a share of the larger amplitude, and the update."""
    update = da_ssdp_update(*given_sides, gate=gate, n_steps=n_steps, **rule)
    error = (update.double() - formula(*given_sides, gate, **rule)).abs().max()
    return float(error) / max(rule["a_plus"], rule["a_baseline"]), update


@settings(max_examples=40, deadline=None)
@given(
    n_samples=st.integers(1, 9),
    n_pre=st.integers(1, 7),
    n_post=st.integers(1, 7),
    n_steps=st.sampled_from([1, 4, 19, 20, 21, 60]),
    sigma=st.floats(0.2, 40.0),
    amplitudes=st.tuples(st.floats(0.0, 1.0), st.floats(1e-3, 1.0)),
    seed=st.integers(0, 2**31),
)
def test_da_ssdp_update__equals_the_formula(
    n_samples, n_pre, n_post, n_steps, sigma, amplitudes, seed
):
    given_sides, gate = sides(n_samples, n_pre, n_post, n_steps, seed)
    rule = {"a_plus": amplitudes[0], "a_baseline": amplitudes[1], "sigma": sigma}
    # rounding to nearest of the table, the gate and at most B * 2 (T + 1) sums
    assert gap(given_sides, gate, n_steps, rule)[0] < 1e-14
    error, update = gap(given_sides, gate.float(), n_steps, rule)
    assert error < 4e-6
    assert update.dtype == torch.float32


@pytest.mark.parametrize("n_steps", [4, 1000])
@pytest.mark.parametrize("n_samples", [1, 6])
@pytest.mark.parametrize("case", ["all silent", "all firing", "one side silent", "by chance"])
def test_da_ssdp_update__equals_the_formula_at_the_edges(n_steps, n_samples, case):
    given_sides, gate = sides(n_samples, 30, 20, n_steps)
    if case != "by chance":
        silent = {"all silent": (True, True), "all firing": (False, False)}.get(case, (True, False))
        for side, is_silent in enumerate(silent):
            latency = given_sides[2 * side + 1]
            latency.copy_(torch.full_like(latency, n_steps) if is_silent else latency % n_steps)
            given_sides[2 * side].copy_(latency < n_steps)
    assert gap(given_sides, gate, n_steps)[0] < 1e-14


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
def test_da_ssdp_update__sums_in_float32_whatever_is_given(dtype, autocast):
    given_sides, gate = sides(40, 12, 10, 4)
    gate = gate.bfloat16()
    wanted = formula(*given_sides, gate, **RULE)
    typed = [x.to(dtype) if i % 2 == 0 else x.to(torch.int16) for i, x in enumerate(given_sides)]
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        update = da_ssdp_update(*typed, gate=gate, n_steps=4, **RULE)
    assert update.dtype == torch.float32
    # sums of 40 * 10 terms below 2 a_plus; bfloat16 sums would be off by 1e-3 of it
    assert (update - wanted).abs().max() < 1e-6 * RULE["a_plus"] * 4


@pytest.mark.parametrize("wide", ["gate", "pre_flag", "post_flag", None])
def test_da_ssdp_update__is_as_wide_as_its_widest_factor(wide):
    (pre, pre_latency, post, post_latency), gate = sides(3, 6, 5, 4)
    factors = {"gate": gate.float(), "pre_flag": pre, "post_flag": post}
    if wide is not None:
        factors[wide] = factors[wide].double()
    latencies = {"pre_latency": pre_latency, "post_latency": post_latency}
    update = da_ssdp_update(**factors, **latencies, n_steps=4, **RULE)
    assert update.dtype == (torch.float32 if wide is None else torch.float64)


@pytest.mark.parametrize("n_steps", [4, 100])
def test_da_ssdp_update__compiles_into_one_graph(n_steps):
    given_sides, gate = sides(3, 6, 5, n_steps)
    compiled = torch.compile(da_ssdp_update, fullgraph=True, backend="aot_eager")
    made = compiled(*given_sides, gate=gate, n_steps=n_steps, **RULE)
    assert torch.equal(made, da_ssdp_update(*given_sides, gate=gate, n_steps=n_steps, **RULE))


def test_da_ssdp_update__no_gradient_flows():
    given_sides, gate = sides(2, 3, 4, 4)
    given_sides[0] = given_sides[0].double().requires_grad_()
    update = da_ssdp_update(*given_sides, gate=gate.requires_grad_(), n_steps=4, **RULE)
    assert not update.requires_grad


class LargestTensor(TorchDispatchMode):
    """Elements of the largest tensor that any operation returned."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, (tuple, list)) else [made]:
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.numel())
        return made


@pytest.mark.parametrize("n_steps", [4, 200])
def test_da_ssdp_update__makes_no_tensor_of_all_pairs_of_all_samples(n_steps):
    n_samples, n_pre, n_post = 64, 96, 80
    given_sides, gate = sides(n_samples, n_pre, n_post, n_steps)
    with LargestTensor() as largest:
        formula(*given_sides, gate, **RULE)
    assert largest.elements == n_samples * n_pre * n_post
    with LargestTensor() as largest:
        da_ssdp_update(*given_sides, gate=gate, n_steps=n_steps, **RULE)
    codes = 2 * (n_steps + 1)
    assert largest.elements <= max(n_samples * n_pre * codes if n_steps == 4 else 0, codes**2)


def test_da_ssdp_update__product_in_parts_is_the_same_sum(monkeypatch):
    given_sides, gate = sides(11, 6, 5, 4)
    whole = gap(given_sides, gate, 4)[1]
    monkeypatch.setattr(synchrony_update, "PRODUCT_ELEMENTS", 250)
    error, parts = gap(given_sides, gate, 4)
    assert error < 1e-14
    assert torch.allclose(parts, whole, rtol=0, atol=1e-16)


def test_ssdp_update__is_the_rule_with_gate_one():
    given_sides, _ = sides(5, 6, 4, 8)
    wanted = formula(*given_sides, torch.ones(5), **RULE)
    made = ssdp_update(*given_sides, n_steps=8, **RULE)
    assert (made - wanted).abs().max() < 1e-9


def test_synchrony__is_the_share_of_pairs_that_both_fired():
    (pre, _, post, _), _ = sides(7, 5, 6, 4)
    pairs = (post[:, :, None] * pre[:, None, :]).double().mean((1, 2))
    assert torch.allclose(synchrony(pre, post), pairs, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"gate": torch.ones(3)}, ShapeError),
        ({"gate": torch.ones(2, 1)}, ShapeError),
        ({"pre_latency": torch.zeros(2, 4, dtype=torch.long)}, ShapeError),
        ({"pre_latency": torch.full((2, 3), 5)}, RangeError),
        ({"post_latency": torch.full((2, 3), -1)}, RangeError),
        ({"post_latency": torch.zeros(2, 3)}, TypeMismatchError),
        ({"sigma": 0.0}, RangeError),
        ({"a_plus": float("nan")}, RangeError),
        ({"n_steps": 0}, RangeError),
        ({"n_steps": 4.0}, TypeMismatchError),
    ],
)
def test_da_ssdp_update__refuses_what_does_not_fit(change, error):
    flag, latency = torch.ones(2, 3), torch.zeros(2, 3, dtype=torch.long)
    arguments = {"pre_flag": flag, "pre_latency": latency, "post_flag": flag}
    arguments |= {"post_latency": latency, "gate": torch.ones(2), "n_steps": 4, **RULE}
    with pytest.raises(error, match=f"da_ssdp_update.*{next(iter(change)).split('_')[0]}"):
        da_ssdp_update(**{**arguments, **change})
