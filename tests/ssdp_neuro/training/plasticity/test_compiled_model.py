import pytest
import torch

from ssdp_neuro.training import DASSDP, SSDP, InputOf
from tests.ssdp_neuro.training.models import dense_model


def trained(make_rule, *, compiled):
    """Weights after five steps with a rule, and which of them it changed."""
    torch.manual_seed(0)
    model = dense_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    connections = [
        (InputOf(model), model.to_hidden, model.hidden),
        (model.hidden, model.to_output, model.output),
    ]
    draw = torch.Generator().manual_seed(0)
    with make_rule(connections, optimizer=optimizer) as rule:
        run = torch.compile(model, backend="eager", fullgraph=True) if compiled else model
        changed = []
        for _ in range(5):
            optimizer.zero_grad()
            given = (torch.rand(6, 4, 12, generator=draw) < 0.4).float()
            loss = run(given).sum(1).square().mean(1)
            loss.mean().backward()
            optimizer.step()
            changed.append(rule.step(loss.detach()))
    return changed, model.to_hidden.weight, model.to_output.weight


def da_ssdp(connections, **settings):
    return DASSDP(connections, warm_up_steps=2, significance=None, minimum_spread=0.0, **settings)


# PyTorch's compiler makes an instance of the class, which PyTorch warns of
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("make_rule", [SSDP, da_ssdp])
def test_step__learns_the_same_from_a_model_that_is_compiled_after_the_rule_is_made(make_rule):
    plain, compiled = trained(make_rule, compiled=False), trained(make_rule, compiled=True)
    assert plain[0] == compiled[0]
    assert plain[0][-1]
    assert torch.equal(plain[1], compiled[1])
    assert torch.equal(plain[2], compiled[2])
