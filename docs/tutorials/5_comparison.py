# %% [markdown]
# # 5. Reading a comparison
#
# A network has lived in PyTorch, in the engine and in Lava. Did it stay the same? `compare` runs the
# three on the same samples. You train a small network, compare it, and learn to read each figure.
# The command line does the same:
#
# ```sh
# ssdp-neuro train --config examples/configs/digits_da_ssdp.toml --out runs/digits
# ssdp-neuro compare runs/digits/best.safetensors --data examples/configs/digits_da_ssdp.toml --lava
# ```

# %%
import tempfile
from pathlib import Path

import conversions
from ssdp_neuro import plot
from ssdp_neuro.data import load
from ssdp_neuro.training import config_of, fit

# %% [markdown]
# ## Two models
#
# They differ in their seed only. Without a second seed there is no spread to hold a difference
# against. The last epochs are trained on the chip's integers, under which the real-valued weights go
# on learning.

# %%
folder = tempfile.TemporaryDirectory()
models = []
for seed in (0, 1):
    config = config_of(
        {
            "data": {"name": "digits", "n_steps": 8, "encoding": "regular"},
            "model": {"hidden": [64], "quantize_from_epoch": 6},
            "training": {"epochs": 8, "seed": seed},
        }
    )
    trained = fit(config, out=Path(folder.name, f"seed{seed}"), show_progress=False)
    models.append(Path(folder.name, f"seed{seed}", "best.safetensors"))
split = load(config.data)

# %% [markdown]
# ## The comparison
#
# Samples to test on come from the test part. The samples that choose the integers come from the
# validation part, never from the test. Lava is slow and computes the first 20 of each model.

# %%
comparison = conversions.compare(models, split.test, calibration=split.validation, lava_samples=20)
for executor in comparison.executors:
    print(
        f"{executor.value:22} {comparison.n_samples(executor):4} samples,"
        f" accuracy {comparison.accuracies(executor).mean():.1%} +- {comparison.spread(executor):.1%}"
    )
assert comparison.first_difference(conversions.Executor.LAVA) is None

# %% [markdown]
# **Accuracy** comes first and says least. Two executors can agree in accuracy and disagree in half
# of their decisions. The number of samples stands beside it because Lava saw fewer: compare its
# accuracy with the engine's on the same samples (`comparison.engine_accuracy(executor)`) only.

# %% alt="Bars: accuracy of both seeds in PyTorch, in the engine and in Lava"
plot.shares(
    {executor.value: comparison.accuracies(executor) for executor in comparison.executors},
    label="accuracy",
)

# %% [markdown]
# ## Spikes, layer by layer
#
# **Spike agreement** is one minus the share of spikes that have no counterpart in the engine: same
# sample, same neuron, same step. **Latency agreement** is the share of neurons whose first spike is in
# the same step, silent ones included. Rounding shows here long before it shows in the accuracy.

# %%
for executor in comparison.executors:
    spikes = comparison.spike_agreement(executor)
    latencies = comparison.latency_agreement(executor)
    print(executor.value)
    for layer in comparison.layers:
        print(f"    {layer:8} spikes {spikes[layer]:7.2%}   first spikes {latencies[layer]:7.2%}")

# %% [markdown]
# What to expect:
#
# - **Engine and Lava: 100 %**, always. Anything less is a bug of ours, and the report names the first
#   place: `comparison.first_difference(executor)` gives run, sample, layer, step and neuron.
# - **PyTorch in real numbers and the engine: close to 100 %.** The rest is rounding to 8 bits.
# - **PyTorch in integers and the engine: 100 %**, if the model was trained on the chip's grid
#   (`quantize_from_epoch` in a config); this row then appears by itself.
#
# ## Cost
#
# The engine counts events, and an energy table turns events into joules. The table holds figures
# published for the first Loihi, so read it as an order of magnitude. Times are those of this machine
# and compare with each other only.

# %%
print(
    f"{comparison.spikes:.0f} spikes and {comparison.synaptic_operations:.0f} synaptic operations"
)
print(f"{comparison.energy.low * 1e9:.0f} to {comparison.energy.high * 1e9:.0f} nJ per sample")

# %% [markdown]
# ## Is a difference one?
#
# With two seeds and 450 samples, a point of accuracy is noise: the standard error of 95 % on 450
# samples is one point by itself. Use five seeds or more, report the standard deviation, compare pairs
# with the same seed, and correct for the number of comparisons. The [few-shot
# study](../explanation/few_shot.md) is done that way.

# %%
folder.cleanup()
