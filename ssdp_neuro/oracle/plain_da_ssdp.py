"""Integer DA-SSDP in plain Python integers, synapse by synapse. Slow, obvious, no NumPy tricks.

Written from docs/explanation/fixed_point_da_ssdp.md; shares no code with the packages.
"""

from decimal import Decimal, localcontext
from fractions import Fraction

MASK = 2**32 - 1


def random_bits(*key):
    """32 random bits, a pure function of the words of a key."""
    state = 0x9E3779B9
    for word in key:
        x = (5 * state + 0x9E3779B9 + int(word)) & MASK
        x ^= x >> 16
        x = x * 0x85EBCA6B & MASK
        x ^= x >> 13
        x = x * 0xC2B2AE35 & MASK
        state = x ^ x >> 16
    return state


def latency_code(spikes, latency_bits, latency_shift):
    """Code of one neuron from its spike train, a sequence of 0 and 1 over the steps."""
    for step, spike in enumerate(spikes):
        if spike:
            return step // 2**latency_shift
    return 2**latency_bits - 1


def product(params, pre_code, post_code, gate):
    """Kernel x amplitude x gate: the change of a weight in units of ``2**-shift``."""
    silent = 2**params.latency_bits - 1
    places = [params.silent_latency if c == silent else c for c in (pre_code, post_code)]
    both_fired = silent not in (pre_code, post_code)
    amplitude = params.potentiation if both_fired else -params.depression
    return int(params.kernel[abs(places[1] - places[0])]) * amplitude * gate


def delta(params, pre_code, post_code, gate, bits):
    """Change of one weight in mantissas; ``bits`` decide where it is rounded by chance."""
    exact = product(params, pre_code, post_code, gate)
    unit = 2**params.shift
    if params.rounding.value == "stochastic":
        return (exact + bits % unit) // unit
    magnitude, rest = divmod(abs(exact), unit)
    magnitude += 2 * rest >= unit and unit > 1
    return magnitude if exact > 0 else -magnitude


def update(weights, params, pre_codes, post_codes, gates, seed=0, sample=0):
    """New weights, a nested list (n_pre, n_post), of old ones in the same order."""
    return [
        [
            min(
                max(
                    int(weight)
                    + delta(
                        params, int(r), int(s), int(gate), random_bits(seed, sample, post, pre)
                    ),
                    params.weight_low,
                ),
                params.weight_high,
            )
            for post, (weight, s, gate) in enumerate(zip(row, post_codes, gates, strict=True))
        ]
        for pre, (row, r) in enumerate(zip(weights, pre_codes, strict=True))
    ]


def winner(trains):
    """Index of the neuron that wins, or None; ``trains`` is one spike train per neuron."""
    best = None
    for index, train in enumerate(trains):
        count = sum(map(int, train))
        if count:
            key = (-count, list(map(int, train)).index(1), index)
            best = key if best is None else min(best, key)
    return None if best is None else best[2]


def teacher_gates(trains, label):
    """Gates of the outputs when a teacher knows the label."""
    counts = [sum(map(int, train)) for train in trains]
    gates = [-128 if count > 0 and count >= counts[label] else 0 for count in counts]
    gates[label] = 0 if winner(trains) == label else 128
    return gates


def dopamine_gate(history, synchrony, least_correlation=0):
    """Gate from the warm-up's (synchrony, loss) pairs: fractions, and the roots in decimals."""
    n = len(history)
    mean, mean_loss = (Fraction(sum(column), n) for column in zip(*history, strict=True))
    variance = sum((s - mean) ** 2 for s, _ in history) / n
    loss_variance = sum((loss - mean_loss) ** 2 for _, loss in history) / n
    covariance = sum((s - mean) * (loss - mean_loss) for s, loss in history) / n
    mu, sigma = nearest(256 * mean), max(1, nearest(256 * root(variance)))
    k = 0
    if loss_variance and variance > (mean / 10_000) ** 2:
        k = nearest(-(2**15) * covariance / root(variance * loss_variance))
    if abs(k) <= least_correlation:
        k = 0
    change = Fraction(k, 2**15) * 128 * (256 * synchrony - mu) / sigma
    return min(max(128 + nearest(change), 0), 255)


def root(value):
    """Square root of a fraction to 120 digits, as a fraction."""
    with localcontext() as context:
        context.prec = 120
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def nearest(value):
    """The nearest integer, halves away from zero."""
    size = int(abs(value) + Fraction(1, 2))
    return size if value >= 0 else -size


def forced(params, post_codes, gates):
    """Post codes with the neurons that the teacher forces."""
    silent = 2**params.latency_bits - 1
    return [
        params.teacher_latency if code == silent and gate > 0 else code
        for code, gate in zip(post_codes, gates, strict=True)
    ]
