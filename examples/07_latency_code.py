"""Learn three classes that differ in nothing but when their inputs fire.

Every input fires once in each sample (a tenth of them at random not at all), so neither counts nor
who fired tells the classes apart. Latencies do, and the rule's kernel learns from them on the chip,
from ten samples of each class. Without its kernel, or from shuffled latencies, it learns nothing.
Codes of few bits are enough where an input fires anywhere in its own time; where it keeps to the
same half of the time in all classes, one bit says nothing.

The task is made for the rule: it shows what a kernel of latencies is for, not how often real data
are so. Ridge regression on the same latencies, in real numbers, is better. Constants were chosen on
seeds 100 to 102.

Prints:

    accuracy, mean and deviation over ten seeds; chance 33.3 %
                                 anywhere   in its half
    latency codes of 8 bits    96.9 +-  2.5   89.6 +-  2.6
    of 5 bits                  95.0 +-  0.9   90.9 +-  3.4
    of 4 bits                  96.5 +-  3.6   88.1 +-  6.5
    of 3 bits                  95.0 +-  4.0   83.1 +- 10.2
    of 1 bit, early or late    96.9 +-  5.2   36.9 +- 13.5
    kernel of 1 bit, a window  95.0 +-  4.5   83.1 +-  6.4
    flat kernel                28.3 +- 10.6   27.9 +- 10.5
    shuffled latencies         22.0 +-  9.0   20.3 +- 17.0
    ridge on who fired         32.4 +-  4.7   31.1 +-  3.2
    ridge on latencies        100.0 +-  0.0   95.9 +-  3.5
"""

import numpy as np

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    Rounding,
    ThirdFactor,
)
from ssdp_neuro import Teaching, learn, simulate
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.rules import DaSsdp

N_STEPS, N_INPUTS, N_CLASSES = 112, 64, 3
N_TRAIN, N_TEST, EPOCHS = 30, 150, 3
JITTER, LOST = 3.0, 0.1  # standard deviation in steps; share of spikes
TEACHER_LATENCY = 60
HALF = 64  # steps; a code of one bit tells early from late by it
WEIGHT_UNIT = 1 / 64
SHIFTS = {8: 0, 5: 2, 4: 3, 3: 4, 1: 6}  # steps of a code, as a power of two, by the code's bits


class Task:
    """Latencies of all samples, ``N_STEPS`` where an input is silent.

    An input's mean latency is any in each class or, with ``fine``, any within one half of the time
    that all classes share.
    """

    def __init__(self, seed: int, fine: bool = False, jitter: float = JITTER) -> None:
        self.rng = np.random.default_rng(seed)
        self.means = self.rng.uniform(0, N_STEPS - 8, (N_CLASSES, N_INPUTS))
        if fine:
            self.means = HALF * self.rng.integers(0, 2, N_INPUTS) + self.means * 0.4
        self.train_labels = np.arange(N_TRAIN) % N_CLASSES
        self.test_labels = np.arange(N_TEST) % N_CLASSES
        self.train, self.test = (
            self.draw(n, jitter) for n in (self.train_labels, self.test_labels)
        )

    def draw(self, labels: np.ndarray, jitter: float) -> np.ndarray:
        drawn = np.rint(self.rng.normal(self.means[labels], jitter)).clip(0, N_STEPS - 8)
        return np.where(self.rng.random(drawn.shape) < LOST, N_STEPS, drawn).astype(int)


def spikes_of(latencies: np.ndarray) -> np.ndarray:
    return latencies[:, None, :] == np.arange(N_STEPS)[:, None]


def network(seed: int, bits: int, sigma: float, kernel_bits: int) -> FixedPointNetwork:
    rule = DaSsdp(a_plus=0.15, a_baseline=0.0, sigma=sigma, n_steps=N_STEPS)
    params, _ = rule.to_fixed(
        latency_bits=max(bits, 3),  # the field's least; one bit of it is used at a shift of 6
        latency_shift=SHIFTS[bits],
        weight_unit=WEIGHT_UNIT,
        rounding=Rounding.STOCHASTIC,
        third_factor=ThirdFactor.TEACHER,
        teacher_latency=TEACHER_LATENCY,
        kernel_bits=kernel_bits,
    )
    neurons = LifPopulation(
        name="classes", shape=(N_CLASSES,), current_decay=4095, voltage_decay=256, threshold=120
    )
    weights = np.random.default_rng(seed).integers(0, 6, (N_CLASSES, N_INPUTS))
    return FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(N_INPUTS,)), neurons],
        projections=[
            DenseProjection(source="in", target="classes", weights=weights, plasticity=params)
        ],
    )


def learned_accuracy(
    seed: int,
    *,
    bits: int = 8,
    sigma: float = 8.0,
    kernel_bits: int = 8,
    shuffled: bool = False,
    fine: bool = False,
    jitter: float = JITTER,
) -> float:
    """Share of the test samples that are right after learning."""
    task = Task(seed, fine, jitter)
    train = task.rng.permuted(task.train, axis=1) if shuffled else task.train
    learned = learn(
        network(seed, bits, sigma, kernel_bits),
        spikes_of(train),
        Teaching(labels=task.train_labels, seed=seed, epochs=EPOCHS),
        n_steps=N_STEPS,
    )
    run = simulate(learned.network, spikes_of(task.test), n_steps=N_STEPS)
    return accuracy(decide(run.raster("classes")), task.test_labels)


def ridge_accuracy(
    seed: int, *, latencies: bool = False, fine: bool = False, jitter: float = JITTER
) -> float:
    """The same of ridge regression on who fired, or on when."""
    task = Task(seed, fine, jitter)
    seen = [part / N_STEPS if latencies else part < N_STEPS for part in (task.train, task.test)]
    train, test = (np.column_stack([part, np.ones(len(part))]).astype(float) for part in seen)
    square = train.T @ train + 0.1 * np.eye(N_INPUTS + 1)
    weights = np.linalg.solve(square, train.T @ np.eye(N_CLASSES)[task.train_labels])
    return float(np.mean((test @ weights).argmax(1) == task.test_labels))


CONDITIONS = {
    "latency codes of 8 bits": (learned_accuracy, {"bits": 8}),
    "of 5 bits": (learned_accuracy, {"bits": 5}),
    "of 4 bits": (learned_accuracy, {"bits": 4}),
    "of 3 bits": (learned_accuracy, {"bits": 3}),
    "of 1 bit, early or late": (learned_accuracy, {"bits": 1}),
    "kernel of 1 bit, a window": (learned_accuracy, {"kernel_bits": 1}),
    "flat kernel": (learned_accuracy, {"sigma": 1e6}),
    "shuffled latencies": (learned_accuracy, {"shuffled": True}),
    "ridge on who fired": (ridge_accuracy, {}),
    "ridge on latencies": (ridge_accuracy, {"latencies": True}),
}


def main() -> None:
    print("accuracy, mean and deviation over ten seeds; chance 33.3 %")
    print(" " * 25 + "    anywhere   in its half")
    for name, (measure, settings) in CONDITIONS.items():
        cells = []
        for fine in (False, True):
            shares = [100 * measure(seed, fine=fine, **settings) for seed in range(10)]
            cells.append(f"{np.mean(shares):5.1f} +- {np.std(shares, ddof=1):4.1f}")
        print(f"{name:25} {'  '.join(cells)}")


if __name__ == "__main__":
    main()
