"""Learn three classes that differ in nothing but when their inputs fire.

Every input fires once in each sample (a tenth of them at random not at all), so neither counts nor
who fired tells the classes apart. Latencies do, and the rule's kernel learns from them on the chip,
from ten samples of each class. Without its kernel, or from shuffled latencies, it learns nothing.
Codes of few bits are enough where an input fires anywhere in its own time; where it keeps to the
same half of the time in all classes, one bit says nothing.

The task is made for the rule: it shows what a kernel of latencies is for, not how often real data
are so. Ridge regression on the same latencies, in real numbers, is better. Task, rule and network
are in conversions/demo/latency_study.py; docs/how-to/latencies.md is about your own data.

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

from conversions.demo.latency_study import FLAT, learned_accuracy, ridge_accuracy

CONDITIONS = {
    "latency codes of 8 bits": (learned_accuracy, {"bits": 8}),
    "of 5 bits": (learned_accuracy, {"bits": 5}),
    "of 4 bits": (learned_accuracy, {"bits": 4}),
    "of 3 bits": (learned_accuracy, {"bits": 3}),
    "of 1 bit, early or late": (learned_accuracy, {"bits": 1}),
    "kernel of 1 bit, a window": (learned_accuracy, {"kernel_bits": 1}),
    "flat kernel": (learned_accuracy, {"sigma": FLAT}),
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
