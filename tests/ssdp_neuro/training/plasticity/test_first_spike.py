import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import ShapeError
from ssdp_neuro.training import first_spike
from ssdp_neuro.training.plasticity.first_spike import last_spike


def plain(train, pick):
    """Flag and latency of one list of 0 and 1, by hand."""
    steps = [t for t, fired in enumerate(train) if fired]
    return (True, pick(steps)) if steps else (False, len(train))


@pytest.mark.parametrize(("function", "pick"), [(first_spike, min), (last_spike, max)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.bfloat16, torch.int64])
@settings(max_examples=15, deadline=None)
@given(
    n_steps=st.integers(1, 9), rate=st.sampled_from([0.0, 0.2, 0.7, 1.0]), seed=st.integers(0, 99)
)
def test_first_spike__equals_a_look_at_each_train(function, pick, dtype, n_steps, rate, seed):
    generator = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(3, n_steps, 4, generator=generator) < rate).to(dtype)
    flag, latency = function(spikes)
    trains = spikes.bool().movedim(1, -1).reshape(-1, n_steps).tolist()
    expected = [plain(train, pick) for train in trains]
    assert list(zip(flag.flatten().tolist(), latency.flatten().tolist(), strict=True)) == expected
    assert (flag.dtype, latency.dtype) == (torch.bool, torch.int64)


@pytest.mark.parametrize("function", [first_spike, last_spike])
def test_first_spike__takes_any_dimension_as_time(function):
    spikes = torch.rand(5, 3, 2, 4) < 0.3
    for dim in (0, 2, 3, -1):
        for made, wanted in zip(
            function(spikes, dim=dim), function(spikes.movedim(dim, 1)), strict=True
        ):
            assert torch.equal(made, wanted)


def test_first_spike__long_windows_do_not_overflow():
    spikes = torch.zeros(1, 40_000, 3, dtype=torch.bool)
    spikes[0, 39_999, 0] = spikes[0, 5, 1] = True
    assert first_spike(spikes)[1].tolist() == [[39_999, 5, 40_000]]


def test_first_spike__no_gradient_flows():
    spikes = torch.ones(1, 2, 3, requires_grad=True)
    assert not any(result.requires_grad for result in first_spike(spikes))


@pytest.mark.parametrize(("shape", "dim"), [((2, 0, 3), 1), ((2,), 1), ((2, 3), -3)])
def test_first_spike__refuses_spikes_without_time(shape, dim):
    with pytest.raises(ShapeError, match="first_spike"):
        first_spike(torch.zeros(shape), dim=dim)
