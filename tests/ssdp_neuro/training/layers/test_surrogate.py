import pytest
import torch

from hw_models import RangeError
from ssdp_neuro.training import ArcTangent, Boxcar, FastSigmoid, spike

SURROGATES = [FastSigmoid(), FastSigmoid(20.0), ArcTangent(), Boxcar(0.5)]


@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
def test_spike__is_a_strict_step_with_the_surrogates_slope(surrogate):
    x = torch.tensor([-2.0, -0.1, 0.0, 1e-6, 3.0], requires_grad=True)
    fired = spike(x, surrogate)
    assert fired.tolist() == [0, 0, 0, 1, 1]
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    (fired * weights).sum().backward()
    assert x.grad.tolist() == (weights * surrogate.slope(x.detach())).tolist()


@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
def test_surrogate__peaks_at_threshold_and_falls_to_both_sides(surrogate):
    slope = surrogate.slope(torch.tensor([-3.0, -0.2, 0.0, 0.2, 3.0]))
    assert slope[2] == 1.0
    assert slope[0] == slope[4] < slope[1] == slope[3] <= slope[2]


@pytest.mark.parametrize("kind", [FastSigmoid, ArcTangent, Boxcar])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_surrogate__refuses_what_is_not_positive(kind, value):
    with pytest.raises(RangeError, match=kind.__name__):
        kind(value)
