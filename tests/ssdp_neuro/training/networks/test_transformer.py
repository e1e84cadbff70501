import pytest
import torch

from hw_models import RangeError, ShapeError
from ssdp_neuro.training import DASSDP
from ssdp_neuro.training.networks.transformer import SpikingBlock, TokenLif


def test_token_lif__equals_plain_floats():
    currents = torch.randn(40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    v, wanted = 0.0, []
    for x in currents.tolist():
        v = 0.75 * v + x
        wanted.append(float(v > 0.9))
        v = 0.0 if wanted[-1] else v
    made = TokenLif(kept=0.75, threshold=0.9)(currents.reshape(1, -1, 1))
    assert made.flatten().tolist() == wanted
    assert 0 < sum(wanted) < 40


def block_and_stream(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SpikingBlock(8), torch.randn(3, 4, 5, 8) + 0.5


def test_block__linear_layers_read_spikes_only():
    block, stream = block_and_stream()
    seen = {}
    for name, module in block.named_modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(
                lambda _, args, name=name: seen.__setitem__(name, args[0])
            )
    block(stream)
    assert len(seen) == 6
    for name, spikes in seen.items():
        assert set(spikes.unique().tolist()) == {0.0, 1.0}, name


def test_block__is_causal_and_mixes_tokens():
    block, stream = block_and_stream()
    for _ in range(30):
        block(stream)  # until the norms know the spread
    block.eval()
    made = block(stream)
    later = stream.clone()
    later[:, 3] += 3.0
    assert torch.equal(block(later)[:, :3], made[:, :3])
    other = stream.clone()
    other[:, :, 0] += 3.0
    assert not torch.equal(block(other)[:, :, 1:], made[:, :, 1:])


def test_block__gradient_reaches_every_parameter():
    block, stream = block_and_stream()
    block(stream).square().sum().backward()
    for name, parameter in block.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_block__takes_the_rule_at_its_projection():
    block, stream = block_and_stream()
    triple = (block.attended, block.project.linear, block.fire_again)
    with DASSDP([triple], warm_up_steps=1, minimum_spread=0.0) as rule:
        before = block.project.linear.weight.detach().clone()
        for _ in range(2):
            block(stream)
            rule.step(torch.rand(3))
    assert not torch.equal(block.project.linear.weight, before)


def test_block__refuses_what_does_not_fit():
    with pytest.raises(ShapeError, match="SpikingBlock"):
        SpikingBlock(8)(torch.zeros(2, 4, 8))
    with pytest.raises(RangeError, match="TokenLif"):
        TokenLif(kept=1.0)
