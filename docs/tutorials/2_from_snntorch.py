# %% [markdown]
# # 2. From a trained snnTorch model to the chip
#
# You train a small network in [snnTorch](https://snntorch.readthedocs.io) as its own tutorials do,
# convert it to 8-bit integers, read what that cost, and check that nothing else has changed.

# %%
import numpy as np
import snntorch as snn
import torch
from snntorch import functional, surrogate
from torch import nn

import conversions
import hw_models
import ssdp_neuro
from ssdp_neuro import plot
from ssdp_neuro.data import DataSettings, load
from ssdp_neuro.decision import accuracy

N_STEPS = 8
split = load(DataSettings(name="digits", n_steps=N_STEPS, encoding="regular"))


def spikes_of(part):
    """Every sample of a part, bool (samples, steps, 64)."""
    return part.spikes(range(len(part))).reshape(len(part), N_STEPS, 64)


train, test = spikes_of(split.train), spikes_of(split.test)
print(len(train), "digits to train on,", len(test), "to test on")

# %% [markdown]
# ## Train
#
# Nothing here knows of a chip: two linear layers, two layers of `Leaky` neurons, a loop over time.


# %%
class Net(nn.Module):
    """64 pixels, 64 hidden neurons, 10 classes."""

    def __init__(self):
        super().__init__()
        gradient = surrogate.fast_sigmoid(slope=25)
        self.hidden = nn.Linear(64, 64)
        self.lif1 = snn.Leaky(beta=0.9, spike_grad=gradient)
        self.output = nn.Linear(64, 10)
        self.lif2 = snn.Leaky(beta=0.9, spike_grad=gradient)

    def forward(self, x):  # (steps, batch, 64)
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes = []
        for step in x:
            spike, mem1 = self.lif1(self.hidden(step), mem1)
            spike, mem2 = self.lif2(self.output(spike), mem2)
            spikes.append(spike)
        return torch.stack(spikes)


torch.manual_seed(0)
torch.set_num_threads(1)
model = Net()
x = torch.tensor(train, dtype=torch.float32).transpose(0, 1)
y = torch.tensor(split.train.labels)
optimizer, loss_of = torch.optim.Adam(model.parameters(), lr=1e-2), functional.ce_rate_loss()
for _ in range(12):
    for batch in torch.randperm(len(y)).split(64):
        optimizer.zero_grad()
        loss_of(model(x[:, batch]), y[batch]).backward()
        optimizer.step()
model.eval()
with torch.no_grad():
    decided = model(torch.tensor(test, dtype=torch.float32).transpose(0, 1)).sum(0).argmax(1)
float_accuracy = accuracy(decided.numpy(), split.test.labels)
print(f"accuracy in real numbers: {float_accuracy:.1%}")

# %% [markdown]
# ## Convert
#
# `from_torch` runs the model once on a few samples, follows what happens to them, and reads the
# network from that. It needs no list of layers. The samples given as `calibration` also choose the
# scale of each neuron's integers; take them from the training part.

# %%
network, report = conversions.from_torch(
    model, calibration=(train[:256], split.train.labels[:256]), time_axis=conversions.TimeAxis.FIRST
)
print(report)

# %% [markdown]
# The table has a row for each layer of neurons. It says which weights were rounded, and how many
# spikes of the calibration samples that changed; below it stand the differences that were found
# between snnTorch and the chip, and what was done about each.

# %% alt="The network as boxes: 64 inputs, 64 hidden neurons, 10 outputs, with the projections between them"
plot.network(network)

# %% [markdown]
# ## Compare
#
# On the chip every connection takes a step, so the last layer answers later than in snnTorch. The
# report has the shift of each layer; the run is that much longer. `report.decision` makes a class of
# the output as the model did.

# %%
n_steps = N_STEPS + max(report.shifts.values())
longer = np.pad(test, [(0, 0), (0, n_steps - N_STEPS), (0, 0)])  # silent steps at the end
run = ssdp_neuro.simulate(network, longer, n_steps=n_steps)
decided = report.decision.decide(run)
fixed_accuracy = accuracy(decided, split.test.labels)
print(f"accuracy in integers: {fixed_accuracy:.1%}")
assert abs(fixed_accuracy - float_accuracy) < 0.02

# %% alt="A table of the classes and the decisions of the integer network; nearly all on the diagonal"
plot.confusion(split.test.labels, decided)

# %% [markdown]
# The last question is whether a chip would do the same as this engine. No chip is here, but Lava's
# fixed-point models are; `verify` runs four digits in them.

# %%
verification = conversions.verify(network, longer[:4], n_steps=n_steps)
print(verification)
assert verification.equal

# %% [markdown]
# ## Does it fit?
#
# `check` compares the network with what a chip has, and returns everything that does not fit.

# %%
violations = hw_models.check(network, hw_models.LOIHI2)
print("does not fit:", violations or "nothing")

# %% [markdown]
# ## Where to go
#
# - [Convert from each framework](../how-to/convert.md): Norse, SpikingJelly, Sinabs, SLAYER, files.
# - [Real-valued inputs](../how-to/real_input.md), if your model is given images and not spikes.
# - [The passes](../explanation/passes.md): what happens between the model and the integers.
