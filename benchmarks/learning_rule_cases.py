"""What bench_learning_rules runs: a rule, spike trains of both ends, and what was promised."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import LearningRule, RandomStream
from ssdp_neuro.rules.ready_rules import pair_stdp, reward_modulated_stdp

IMPULSE, TAU, SCALE, REWARD, REWARD_EVERY = 16, 10, 0.25, 40, 10
OURS, COUNTER = "engine, Lava's numbers", "engine"
LAVA, MODEL, BRIAN = "Lava", "Lava's model alone", "Brian2 C++"
CONTESTANTS = (OURS, COUNTER, LAVA, MODEL, BRIAN)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A rule, its size, and what was promised: ratio to Lava, microseconds a step."""

    title: str
    n_pre: int
    n_post: int
    rate: float
    n_steps: int
    lava_steps: int
    targets: dict[str, float]
    has_tags: bool = False

    def rule(self, stream: RandomStream) -> LearningRule:
        if self.has_tags:
            return reward_modulated_stdp(0.5, 0.5, 0.125, 1, TAU, random_stream=stream)
        return pair_stdp(SCALE, SCALE, TAU, TAU, IMPULSE, random_stream=stream)

    def data(self) -> dict[str, Any]:
        """Weights, spike trains, and what targets send: their trace, and a reward at times."""
        rng = np.random.default_rng(5)
        weights = rng.integers(-100, 101, (self.n_post, self.n_pre))
        pre, post = (
            rng.random((self.n_steps, size)) < self.rate for size in (self.n_pre, self.n_post)
        )
        sent = None
        if self.has_tags:
            sent = np.zeros((self.n_steps, 3, self.n_post), dtype=np.int64)
            trace = np.zeros(self.n_post)
            for step in range(self.n_steps):
                trace = np.minimum(trace * np.exp(-1 / TAU) + 64 * post[step], 127)
                sent[step, 0] = trace
            sent[REWARD_EVERY - 1 :: REWARD_EVERY, 1] = REWARD
        return {"weights": weights, "pre": pre, "post": post, "sent": sent}


CASES = {
    "pair 100x100": Case(
        title="pair STDP, 100 x 100, 5 %",
        n_pre=100,
        n_post=100,
        rate=0.05,
        n_steps=1000,
        lava_steps=200,
        targets={LAVA: 1500, BRIAN: 15, "us": 0.6},
    ),
    "pair 1024x1024": Case(
        title="pair STDP, 1024 x 1024, 2 %",
        n_pre=1024,
        n_post=1024,
        rate=0.02,
        n_steps=300,
        lava_steps=20,
        targets={"us": 6},
    ),
    "tags 784x400": Case(
        title="reward-modulated STDP with tags, 784 to 400, 5 %",
        n_pre=784,
        n_post=400,
        rate=0.05,
        n_steps=100,
        lava_steps=10,
        targets={LAVA: 500},
        has_tags=True,
    ),
}


def digest_of(*arrays: np.ndarray) -> str:
    """A short name of the values of arrays."""
    whole = b"".join(np.ascontiguousarray(array, dtype=np.int64).tobytes() for array in arrays)
    return hashlib.sha256(whole).hexdigest()[:16]


def timed(
    run: Callable[[], object],
    n_steps: int,
    repeats: int,
    clock: Callable[[], float] = time.process_time,
) -> list[float]:
    """Seconds a step of several runs."""
    seconds = []
    for _ in range(repeats):
        started = clock()
        run()
        seconds.append((clock() - started) / n_steps)
    return seconds
