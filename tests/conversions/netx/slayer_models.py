"""Networks of SLAYER's blocks, trained on the digits, exported by their own method."""

import functools

import h5py
import numpy as np
import torch

from tests.conversions.slayer_import import import_slayer
from tests.digits_parts import digits_parts

slayer, netx = import_slayer()
block = slayer.block.cuba

N_STEPS = 8
NEURON = {
    "threshold": 1.0,
    "current_decay": 0.25,
    "voltage_decay": 0.03,
    "tau_grad": 0.1,
    "scale_grad": 3,
}
NORMED = {**NEURON, "norm": slayer.neuron.norm.MeanOnlyBatchNorm}


class Net(torch.nn.Module):
    """Blocks, one after the other; time is the last axis, as SLAYER has it."""

    def __init__(self, *blocks, image=False):
        super().__init__()
        self.blocks = torch.nn.ModuleList(blocks)
        self.image = image

    def forward(self, given):
        for one in self.blocks:
            given = one(given)
        return given

    def laid_out(self, spikes):
        """Spikes (B, T, 64), or of images, as the first block wants them."""
        given = torch.as_tensor(np.asarray(spikes), dtype=torch.float32).movedim(1, -1)
        return given.reshape(len(given), 1, 8, 8, -1) if self.image else given

    def each(self, spikes):
        """What every block returns for spikes (B, T, 64)."""
        given = self.laid_out(spikes)
        made = []
        for one in self.blocks:
            given = one(given)
            made.append(given)
        return made

    def rest(self):
        """As before a sample: recurrent blocks keep their neurons' state from batch to batch."""
        for module in self.modules():
            for name in ("current_state", "voltage_state", "spike_state"):
                if hasattr(module, name):
                    setattr(module, name, torch.zeros(1))
            if hasattr(module, "delay_buffer"):
                module.delay_buffer = None

    def rasters(self, spikes):
        """Spikes (B, T, N) of every block that has neurons, from rest."""
        self.eval()
        self.rest()
        with torch.no_grad():
            made = self.each(spikes)
        return [
            out.movedim(-1, 1).flatten(2).numpy() != 0
            for one, out in zip(self.blocks, made, strict=True)
            if getattr(one, "neuron", None) is not None
        ]

    def sent(self, spikes):
        """Spikes (B, T, N) as the neurons of every block send them, before any delay."""
        parts = {}
        hooks = [
            one.neuron.register_forward_hook(
                lambda module, given, out, one=one: parts.setdefault(one, []).append(out)
            )
            for one in self.blocks
            if getattr(one, "neuron", None) is not None
        ]
        self.rasters(spikes)
        for hook in hooks:
            hook.remove()
        joined = [torch.cat(made, dim=-1) for made in parts.values()]
        return [out.detach().movedim(-1, 1).flatten(2).numpy() != 0 for out in joined]

    def export(self, path):
        with h5py.File(path, "w") as file:
            layers = file.create_group("layer")
            for place, one in enumerate(self.blocks):
                one.export_hdf5(layers.create_group(f"{place}"))
        return path


@functools.cache
def digits():
    split = digits_parts()
    generator = np.random.default_rng(0)
    images = split.train.images.reshape(len(split.train), 1, 64)
    spikes = generator.random((len(images), N_STEPS, 64)) < images
    return spikes, split.train.labels


MODELS = {
    "dense": lambda: Net(
        block.Dense(NORMED, 64, 30, weight_scale=2), block.Dense(NEURON, 30, 10, weight_scale=2)
    ),
    "delays": lambda: Net(
        block.Dense(NEURON, 64, 30, delay=True, weight_scale=2),
        block.Dense(NEURON, 30, 20, delay=True, weight_scale=2),
        block.Dense(NEURON, 20, 10, weight_scale=2),
    ),
    "convolution": lambda: Net(
        block.Conv(NEURON, 1, 4, 3, stride=2, padding=1, weight_scale=2),
        block.Conv(NEURON, 4, 6, (2, 3), groups=2, weight_scale=2),
        block.Flatten(),
        block.Dense(NEURON, 36, 10, weight_scale=2),
        image=True,
    ),
    "recurrent": lambda: Net(
        block.Recurrent(dict(NEURON), 64, 20, weight_scale=2),
        block.Dense(NEURON, 20, 10, weight_scale=2),
    ),
}


@functools.cache
def trained(name):
    """A model after a few steps of training; the delays, too."""
    torch.manual_seed(0)
    model = MODELS[name]()
    spikes, labels = digits()
    optimizer = None
    for chosen in torch.arange(256).split(64):
        model.rest()
        given = model.each(spikes[chosen])[-1]
        if optimizer is None:  # delays are not there before the first run
            with torch.no_grad():
                for one in model.blocks:
                    if getattr(one, "delay", None) is not None:
                        one.delay.delay.mul_(5)
            optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        loss = torch.nn.functional.cross_entropy(
            given.mean(-1) * 10, torch.as_tensor(labels[chosen])
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()
