# %% [markdown]
# # 4. Learning on the chip
#
# So far weights were fixed. Here a network in integers learns three handwritten digits, one sample
# after the other, by a rule that a chip can compute at each synapse: *DA-SSDP*, dopamine-modulated
# spike-synchrony-dependent plasticity. There is no gradient and no PyTorch.

# %%
import numpy as np
from matplotlib import pyplot

import ssdp_neuro
from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    Rounding,
    ThirdFactor,
)
from ssdp_neuro import plot
from ssdp_neuro.data import DataSettings, load
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.rules import DaSsdp

N_STEPS, N_CLASSES = 16, 3
split = load(
    DataSettings(name="digits", n_steps=N_STEPS, encoding="latency", classes=("0", "1", "2"))
)


def spikes_of(part, n_samples):
    """The first samples of a part, bool (samples, steps, 64)."""
    return part.spikes(range(n_samples)).reshape(n_samples, N_STEPS, 64)


n_train, n_test = 60, len(split.test)
train, train_labels = spikes_of(split.train, n_train), split.train.labels[:n_train]
test, test_labels = spikes_of(split.test, n_test), split.test.labels
print(n_train, "samples to learn from,", n_test, "to test on")

# %% [markdown]
# ## The rule
#
# When a sample ends, the rule looks at the step in which each neuron fired first, its *latency*. If
# both ends of a synapse fired, the weight grows, the more the closer the two latencies are; if not,
# it shrinks a little. All of it is multiplied by the *third factor*. Here the third factor is a
# teacher: +1 for the neuron of the label if another one won, -1 for a neuron that wrongly won, 0
# where nothing was wrong.
#
# `to_fixed` turns the rule into integers of the chip's widths, and its report says what that cost.

# %%
rule = DaSsdp(a_plus=0.08, a_baseline=0.01, sigma=4.0, n_steps=N_STEPS)
params, report = rule.to_fixed(
    latency_bits=5,
    weight_unit=1 / 64,
    rounding=Rounding.STOCHASTIC,
    third_factor=ThirdFactor.TEACHER,
    teacher_latency=6,
)
print(str(report).replace(", ", ",\n"))

# %% alt="The latency kernel in integers: a bell that falls from 255 at distance 0"
_, axes = pyplot.subplots(figsize=(4.8, 2.4), layout="constrained")
axes.stem(np.asarray(params.kernel)[:N_STEPS])
axes.set(xlabel="distance of the first spikes, steps", ylabel="kernel, 8 bits")

# %% [markdown]
# ## The network
#
# 64 pixels and one neuron per class, with small random weights. `plasticity` is all that makes a
# projection learn.

# %%
rng = np.random.default_rng(7)
network = FixedPointNetwork(
    populations=[
        InputPopulation(name="pixels", shape=(64,)),
        LifPopulation(
            name="classes",
            shape=(N_CLASSES,),
            current_decay=1500,
            voltage_decay=250,
            threshold=200,
        ),
    ],
    projections=[
        DenseProjection(
            source="pixels",
            target="classes",
            weights=rng.integers(5, 15, size=(N_CLASSES, 64)),
            plasticity=params,
        )
    ],
)

# %% [markdown]
# ## The lesson
#
# `learn` runs the samples in order and changes the weights after each. `Teaching` holds what a teacher
# says: labels, and how often the lesson is repeated. What it draws by chance, the
# stochastic rounding, is a pure function of the seed, the sample and the synapse: the result depends
# on nothing else.

# %%
teaching = ssdp_neuro.Teaching(labels=train_labels, seed=1, epochs=3)
learned = ssdp_neuro.learn(network, train, teaching, n_steps=N_STEPS)


def accuracy_of(tested):
    """Share of the test digits that a network names as they are labelled."""
    run = ssdp_neuro.simulate(tested, test, n_steps=N_STEPS)
    return accuracy(decide(run.raster("classes")), test_labels)


before, after = accuracy_of(network), accuracy_of(learned.network)
assert after > before + 0.3
change = learned.changes["pixels->classes"]
print(f"{change.n_changed} of {N_CLASSES * 64} weights changed")

# %% alt="Two bars: the accuracy before learning and after"
plot.shares({"before": before, "after": after}, label="accuracy")

# %% alt="Histograms of the weights before and after learning"
plot.weights(learned)

# %% [markdown]
# ## What it learned
#
# The weights of a class, laid out as the pixels are, show where that digit differs from the others.

# %% alt="Three images of 8 by 8 weights, one for each class"
figure, panels = pyplot.subplots(1, N_CLASSES, figsize=(4.8, 1.9), layout="constrained")
matrix = np.asarray(learned.network.projection("pixels->classes").weights)
for label, panel in enumerate(panels):
    panel.imshow(matrix[label].reshape(8, 8), cmap="RdBu_r", vmin=-30, vmax=30)
    panel.set(title=f"digit {label}", xticks=[], yticks=[])

# %% [markdown]
# ## What this shows, and what it does not
#
# It shows that a local rule in 8-bit integers learns from labelled samples. It does not show that
# synchrony is what learns: a kernel that ignores latencies does as well on such data, and the
# [few-shot study](../explanation/few_shot.md) says where the rule helps and where it does not.
#
# - [DA-SSDP in integers](../explanation/fixed_point_da_ssdp.md) is the exact definition.
# - `ssdp-neuro learn --help` does the same to a network file.
# - `conversions.learn_lava` does the same in Lava and gives the same weights.
