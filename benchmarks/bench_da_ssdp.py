"""The integer DA-SSDP update against the same update in plain C and in NumPy, in one run.

    python -m benchmarks.bench_da_ssdp

Prints the best time of interleaved rounds, in ns per synapse, after checking that every
executor makes the same weights. Needs a C compiler named ``cc``; one thread.
"""

from __future__ import annotations

import argparse
import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hw_models import DaSsdpParams, Rounding
from hw_models.arithmetic import shift_round
from ssdp_neuro.engine.plastic_projection import DaSsdpRule


def params(latency_bits: int, rounding: Rounding) -> DaSsdpParams:
    distance = np.arange(2**latency_bits)
    return DaSsdpParams(
        latency_bits=latency_bits,
        silent_latency=2**latency_bits - 1,
        kernel=np.rint(255 * np.exp(-(distance**2) / 50)).astype(int),
        potentiation=200,
        depression=90,
        shift=18,
        rounding=rounding,
    )


def c_update(folder: str) -> Callable[..., None]:
    source = Path(__file__).with_name("row_delta.c")
    library = Path(folder, "row_delta.so")
    flags = ["-O3", "-march=native", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", library, source], check=True)
    return ctypes.CDLL(str(library)).update


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def measure(n_pre: int, n_post: int, latency_bits: int, rounds: int, folder: str) -> None:
    rng = np.random.default_rng(0)
    codes = 2**latency_bits
    start = rng.integers(-100, 101, size=(n_pre, n_post)).astype(np.int8)
    pre, post = (rng.integers(0, codes, size=n).astype(np.uint8) for n in (n_pre, n_post))
    gates = np.full(n_post, 128, dtype=np.int32)
    nearest = DaSsdpRule(params(latency_bits, Rounding.NEAREST_AWAY))
    stochastic = DaSsdpRule(params(latency_bits, Rounding.STOCHASTIC))
    wide = start.astype(np.int16)
    delta_of = shift_round(nearest.table.astype(np.int64) * 128, nearest.params.shift)
    delta_of = delta_of.astype(np.int8)

    def numpy_update(weights: np.ndarray) -> None:
        sums = weights + delta_of[pre[:, None], post[None, :]].astype(np.int16)
        np.clip(sums, -128, 127, out=sums)
        weights[...] = sums

    executors: dict[str, tuple[Callable[[np.ndarray], object], np.ndarray]] = {
        "engine, nearest, int8": (lambda w: nearest.update(w, pre, post, gates), start),
        "engine, nearest, int16": (lambda w: nearest.update(w, pre, post, gates), wide),
        "engine, stochastic": (lambda w: stochastic.update(w, pre, post, gates), start),
        "NumPy, per synapse": (numpy_update, start),
    }
    if shutil.which("cc"):
        update = c_update(folder)
        fixed = (pointer(pre), pointer(post), pointer(delta_of), n_pre, n_post, codes)
        executors["C, row deltas"] = (lambda w: update(pointer(w), *fixed), start)
    expected = start.copy()
    numpy_update(expected)
    for name, (run, given) in executors.items():
        weights = given.copy()
        run(weights)
        if "stochastic" not in name:
            assert np.array_equal(weights, expected), name
    best = dict.fromkeys(executors, np.inf)
    held = {name: given.copy() for name, (_, given) in executors.items()}
    for _ in range(rounds):
        for name, (run, _) in executors.items():
            started = time.perf_counter()
            run(held[name])
            best[name] = min(best[name], time.perf_counter() - started)
    print(f"{n_pre} x {n_post} synapses, {latency_bits}-bit codes")
    base = best.get("C, row deltas")
    for name, seconds in best.items():
        ratio = f"{seconds / base:6.2f} x C" if base else ""
        print(f"  {name:24} {seconds / start.size * 1e9:7.4f} ns/synapse {ratio}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        for n_pre, n_post, bits in ((1024, 1024, 5), (1024, 1024, 8), (512, 10, 5)):
            measure(n_pre, n_post, bits, rounds, folder)


if __name__ == "__main__":
    main()
