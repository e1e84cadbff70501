"""Write a rule of the chip's learning engine, let it learn, and check it in Lava.

Ten of forty inputs fire together every 25 steps, all of them also at random. At a spike of the
target the rule strengthens the synapses whose source has just fired, by its trace, and weakens all.
Lava's unmodified LearningDense learns the same, weight for weight.

Prints:

    dw = 2^-2 * y0 * x1 - 3 * y0
    weights of inputs that fire together 131.3, of others  11.2; spikes [47 48]
    weights of inputs that fire together 215.2, of others   1.3; spikes [50 50]
    weights of inputs that fire together 245.4, of others   2.6; spikes [69 68]
    weights of inputs that fire together 251.4, of others   0.8; spikes [65 65]
    Lava learned the same: True
    oracle, engine, Lava agree on all 74400 values
"""

import numpy as np

import conversions
from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LearningRule,
    LifPopulation,
    RandomStream,
    SignMode,
    TraceConfiguration,
)
from ssdp_neuro import Session

N_INPUTS, N_TOGETHER, N_STEPS, EVERY = 40, 10, 1000, 25
rng = np.random.default_rng(0)

rule = LearningRule(
    dw="2^-2 * y0 * x1 - 3 * y0",
    x1=TraceConfiguration(impulse=32, tau=6),
    epoch=2,
    sign_mode=SignMode.EXCITATORY,
    random_stream=RandomStream.LAVA,  # Lava's own random numbers, to compare with it
)
network = FixedPointNetwork(
    populations=[
        InputPopulation(name="eye", shape=(N_INPUTS,)),
        LifPopulation(
            name="cell", shape=(2,), current_decay=2048, voltage_decay=512, threshold=500
        ),
    ],
    projections=[
        DenseProjection(
            source="eye",
            target="cell",
            name="learned",
            weights=rng.integers(60, 100, (2, N_INPUTS)),
            plasticity=rule,
        )
    ],
)
spikes = rng.random((N_STEPS, N_INPUTS)) < 0.02
spikes[::EVERY, :N_TOGETHER] = True

print("dw =", rule.equation("dw"))
session = Session(network, learning=True)
for part in np.split(spikes, 4):
    fired = session.run(part, len(part)).spike_counts("cell")
    weights = session.variables("learned")["weights"].mean(axis=0)
    print(
        f"weights of inputs that fire together {weights[:N_TOGETHER].mean():5.1f},"
        f" of others {weights[N_TOGETHER:].mean():5.1f}; spikes {fired}"
    )

in_lava = conversions.run_lava(
    network, spikes, N_STEPS, execution=conversions.LavaExecution.DIRECT, rules=True
)
learned = session.variables("learned")["weights"]
print("Lava learned the same:", np.array_equal(in_lava.probe("learned", "weights"), learned))
print(conversions.verify(network, spikes[:200], 200, rules=True))
