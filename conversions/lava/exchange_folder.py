"""The folder through which a program and its Lava interpreter exchange a run.

================  =====================================================================
``network.h5``    the network
``request.npz``   ``n_steps``, ``n_samples``, ``rules``; ``probes``, rows of (LIF population,
                  state variable); ``input0``, ...: spikes ``(B, T, N)``, 8 to a byte;
                  ``sent0``, ...: numbers ``(B, T, 3, N)`` by place of the projection
``plan.npz``      how plastic projections learn, if they do; see
                  :mod:`conversions.lava.learning_schedules`
``0.npz``, ...    one per finished sample: ``raster0``, ...: spikes ``(T, N)`` of the LIF
                  populations, 8 to a byte; ``probe0``, ...: int32 ``(T, N)``, and the
                  learned weights, int32 ``(n_post, n_pre)``, if there is a plan; with
                  rules at work weights, tags and traces at the end
``error.json``    ``kind`` and ``message``, if an error of this distribution ended the run
``log.txt``       what Lava printed
================  =====================================================================

Populations go by their place in the network, so names need not be file names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import hw_models
from conversions.lava.learning_schedules import read_plan, write_plan
from hw_models import FixedPointNetwork, SsdpError
from hw_models.learning_engine import RULE_STATE, learning_names
from hw_models.learning_schedule import LearningPlan
from ssdp_neuro.engine.results import STATE_VARIABLES

PLAN = "plan.npz"
Probe = tuple[str, str]
Sample = tuple[dict[str, np.ndarray], dict[Probe, np.ndarray]]


@dataclass(frozen=True)
class LavaRequest:
    """What is to be run: ``inputs`` are bool ``(B, T, N)`` by name.

    With a plan, the steps of what is here one sample are those of all its samples. With ``rules``,
    projections with a LearningRule learn; ``sent`` is what their targets send, int64
    ``(B, T, 3, N)`` by projection.
    """

    network: FixedPointNetwork
    inputs: Mapping[str, np.ndarray]
    n_samples: int
    n_steps: int
    probes: Sequence[Probe]
    plan: LearningPlan | None = None
    rules: bool = False
    sent: Mapping[str, np.ndarray] = field(default_factory=dict)

    def inputs_of(self, number: int) -> dict[str, np.ndarray]:
        """Spikes of one sample."""
        return {name: raster[number] for name, raster in self.inputs.items()}

    def sent_in(self, number: int) -> dict[str, np.ndarray]:
        """Numbers of one sample."""
        return {name: values[number] for name, values in self.sent.items()}

    @property
    def recorded(self) -> list[Probe]:
        """Keys of the arrays that a sample has beside its rasters."""
        schedules = {} if self.plan is None else self.plan.schedules
        learned = learning_names(self.network) if self.rules else ()
        return [
            *self.probes,
            *((name, "weights") for name in schedules if name not in learned),
            *((name, variable) for name in learned for variable in RULE_STATE),
        ]


def write_request(folder: Path, request: LavaRequest) -> None:
    """Put a run into an empty folder."""
    hw_models.save(request.network, folder / "network.h5")
    if request.plan is not None:
        write_plan(folder / PLAN, request.plan)
    places = [lif.name for lif in request.network.neurons]
    probes = [(places.index(name), STATE_VARIABLES.index(v)) for name, v in request.probes]
    arrays: dict[str, Any] = {
        f"input{place}": np.packbits(request.inputs[population.name], axis=-1)
        for place, population in enumerate(request.network.inputs)
    }
    for place, projection in enumerate(request.network.projections):
        if projection.name in request.sent:
            arrays[f"sent{place}"] = request.sent[projection.name]
    np.savez(
        folder / "request.npz",
        n_steps=request.n_steps,
        n_samples=request.n_samples,
        rules=request.rules,
        probes=np.array(probes, dtype=np.int64).reshape(-1, 2),
        **arrays,
    )


def read_request(folder: Path) -> LavaRequest:
    """Take a run from a folder."""
    network = hw_models.load(folder / "network.h5")
    with np.load(folder / "request.npz", allow_pickle=False) as arrays:
        inputs = {
            population.name: _unpacked(arrays[f"input{place}"], population.n_neurons)
            for place, population in enumerate(network.inputs)
        }
        probes = [
            (network.neurons[place].name, STATE_VARIABLES[variable])
            for place, variable in arrays["probes"]
        ]
        plan = read_plan(folder / PLAN) if (folder / PLAN).exists() else None
        sent = {
            projection.name: arrays[f"sent{place}"]
            for place, projection in enumerate(network.projections)
            if f"sent{place}" in arrays
        }
        counts = (int(arrays["n_samples"]), int(arrays["n_steps"]))
        return LavaRequest(network, inputs, *counts, probes, plan, bool(arrays["rules"]), sent)


def write_sample(folder: Path, number: int, request: LavaRequest, sample: Sample) -> None:
    """Put a finished sample; it appears whole."""
    rasters, probes = sample
    arrays: dict[str, Any] = {
        f"raster{place}": np.packbits(rasters[lif.name], axis=-1)
        for place, lif in enumerate(request.network.neurons)
    }
    for place, probe in enumerate(request.recorded):
        arrays[f"probe{place}"] = probes[probe]
    partial = folder / "partial.npz"
    np.savez(partial, **arrays)
    partial.rename(folder / f"{number}.npz")


def read_sample(folder: Path, number: int, request: LavaRequest) -> Sample:
    """Take a finished sample."""
    with np.load(folder / f"{number}.npz", allow_pickle=False) as arrays:
        rasters = {
            lif.name: _unpacked(arrays[f"raster{place}"], lif.n_neurons)
            for place, lif in enumerate(request.network.neurons)
        }
        probes = {probe: arrays[f"probe{place}"] for place, probe in enumerate(request.recorded)}
    return rasters, probes


def write_error(folder: Path, error: SsdpError) -> None:
    """Put the error that ended the run."""
    text = json.dumps({"kind": type(error).__name__, "message": str(error)})
    (folder / "error.json").write_text(text)


def read_error(folder: Path) -> SsdpError | None:
    """Take the error that ended the run, if there was one."""
    path = folder / "error.json"
    if not path.exists():
        return None
    said = json.loads(path.read_text())
    kind: Any = getattr(hw_models, said["kind"])
    return kind(said["message"])


def _unpacked(bits: np.ndarray, n_neurons: int) -> np.ndarray:
    return np.unpackbits(bits, axis=-1, count=n_neurons).astype(bool)
