"""Teach neurons when to fire, by e-prop, and see which of them know the order of spikes.

A synapse's eligibility is what its gradient is made of. In a LIF neuron it is never negative: only
the error can weaken a synapse. STDP-LIF counts what comes just after a spike against the synapse,
for as long as its refractory period lasts.

Prints:

    eligibility of a source that fires so many steps before its target
                     -8     -5     -3     -1      0      3      8
    LIF           0.000  0.000  0.000  0.000  0.285  0.208  0.123
    ALIF          0.000  0.000  0.000  0.000  0.285  0.208  0.123
    STDP-LIF      0.000 -0.300 -0.813 -1.229  0.285  0.208  0.123
    two neurons, the first leads, then the second: first to second, second to first
    LIF           +7.46 +6.51, then +7.34 +8.73
    STDP-LIF      +3.44 -6.79, then -6.79 +3.69
    a neuron learns to fire in steps 60, 110 and 165
    epoch   0: fires in no step, distance 7.94
    epoch  10: fires in steps 62 109 165, distance 1.53
    epoch 100: fires in steps 60 110 165, distance 0.00
"""

import numpy as np

from ssdp_neuro.rules import eprop

NEURONS = {
    "LIF": eprop.SoftResetLif(refractory=5),
    "ALIF": eprop.AdaptiveLif(refractory=5, beta=0.2),
    "STDP-LIF": eprop.StdpLif(refractory=5, psi_refractory=-0.3),
}
N_STEPS, TARGETS, KAPPA = 200, (60, 110, 165), 0.9


def pair(neuron, delay: int) -> float:
    """Eligibility summed over a trial; a strong second synapse makes the target fire."""
    inputs = np.zeros((61, 2))
    inputs[30 - delay, 0] = inputs[30, 1] = 1
    run = eprop.run_neurons(neuron, [[0.0, 1.05]], inputs)
    return eprop.eligibility(neuron, run)[..., 0].sum()


def reversal(neuron) -> np.ndarray:
    """Halves of a trial, target, source, ``(2, 2, 2)``; in the second the other neuron leads."""
    fires = np.zeros((400, 2))
    for burst in range(10):
        leader = burst // 5
        fires[40 * burst + 10, leader] = fires[40 * burst + 15, 1 - leader] = 1
    heard = np.roll(fires, 1, axis=0)
    run = eprop.run_neurons(
        neuron,
        np.concatenate([np.zeros((2, 2)), 0.45 * np.eye(2)], axis=1),
        np.concatenate([heard, fires], axis=1),
        forced=fires,
        bias=0.03,
    )
    e = eprop.eligibility(neuron, run)[..., :2]
    return np.stack([e[:200].sum(0), e[200:].sum(0)])


def learning(n_epochs: int, rate: float = 0.01):
    """Gives the spikes and the van Rossum distance of each epoch, before its change."""
    rng = np.random.default_rng(5)
    inputs = (rng.random((N_STEPS, 100)) < 0.03).astype(float)
    weights = rng.uniform(0.0, 0.04, (1, 100))
    wanted = np.zeros((N_STEPS, 1))
    wanted[list(TARGETS)] = 1
    neuron = eprop.StdpLif(refractory=5, psi_refractory=-0.03)
    for _ in range(n_epochs):
        run = eprop.run_neurons(neuron, weights, inputs)
        yield run.spikes[:, 0], eprop.van_rossum_distance(run.spikes, wanted, KAPPA)
        signal = eprop.van_rossum_error(run.spikes, wanted, KAPPA)
        weights = weights - rate * eprop.gradient(neuron, run, signal)


def main() -> None:
    delays = (-8, -5, -3, -1, 0, 3, 8)
    print("eligibility of a source that fires so many steps before its target")
    print(" " * 12 + "".join(f"{delay:7}" for delay in delays))
    for name, neuron in NEURONS.items():
        print(f"{name:12}" + "".join(f"{pair(neuron, delay):7.3f}" for delay in delays))
    print("two neurons, the first leads, then the second: first to second, second to first")
    for name, neuron in (
        ("LIF", eprop.SoftResetLif(alpha=0.95, refractory=10)),
        ("STDP-LIF", eprop.StdpLif(alpha=0.95, refractory=10, psi_refractory=-0.3)),
    ):
        halves = [f"{half[1, 0]:+.2f} {half[0, 1]:+.2f}" for half in reversal(neuron)]
        print(f"{name:13} {', then '.join(halves)}")
    print("a neuron learns to fire in steps", "{}, {} and {}".format(*TARGETS))
    for epoch, (spikes, distance) in enumerate(learning(101)):
        if epoch in (0, 10, 100):
            steps = " ".join(map(str, np.flatnonzero(spikes)))
            fires = f"in steps {steps}" if steps else "in no step"
            print(f"epoch {epoch:3}: fires {fires}, distance {distance:.2f}")


if __name__ == "__main__":
    main()
