"""Spikes, layers and comparisons that tests of the rule's steps share."""

import torch
from torch import nn

from ssdp_neuro.training import (
    first_spike,
    ssdp_update,
)

RULE = {"a_plus": 0.02, "a_baseline": 0.005, "sigma": 1.5}


def spikes(*shape, rate=0.3, seed=0):
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) < rate).float()


def change_of(weight, act):
    before = weight.detach().clone()
    act()
    return weight.detach() - before


def wanted_change(pre, post, pick=first_spike):
    return ssdp_update(*pick(pre), *pick(post), n_steps=pre.shape[1], **RULE)


def same(made, wanted):
    """Equal up to the rounding of ``w + dw``."""
    return made.shape == wanted.shape and bool((made - wanted).abs().max() < 2e-7)


class Pass(nn.Module):
    """Gives what it is told to, as a layer of neurons would."""

    def forward(self, x):
        return x.clone()
