"""What NIR cannot say, as metadata of a graph: text and numbers under names of our own.

``ssdp_neuro`` is a JSON object, see :class:`Facts`; ``ssdp_neuro_network`` holds the bytes of
a network file (:mod:`hw_models.network_file`) where the graph was made of integers.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from conversions.nir.discretization import SCALES, Discretization, InputScale, Method
from conversions.nir.spike_reset import SpikeReset
from hw_models import ConversionError, FixedPointNetwork, NetworkFileError, SsdpError, load, save
from hw_models.hdf5_file import SEAL, SEAL_BYTES

FACTS, NETWORK = "ssdp_neuro", "ssdp_neuro_network"
VERSION = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class NeuronFacts:
    """What a node of neurons does besides what NIR says."""

    reset: SpikeReset
    refractory: int = 0
    fires_at_threshold: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """What the writer of a graph knew.

    Parameters
    ----------
    discretization
        By which it is to be read.
    neurons
        By node.
    names
        Of populations, inputs too, by node.
    recurrent_latency
        By pairs of nodes.
    keep_latency
        Whether the chip's step per connection is drawn as a delay.
    unit_resistance
        Whether thresholds are scaled so that every r is one.
    shifts
        By node: network step of its first step in the graph, where that is not 0.
    losses
        What else the graph does not say, in sentences.
    """

    discretization: Discretization
    neurons: Mapping[str, NeuronFacts]
    names: Mapping[str, str] = field(default_factory=dict)
    recurrent_latency: Mapping[tuple[str, str], int] = field(default_factory=dict)
    keep_latency: bool = False
    unit_resistance: bool = False
    shifts: Mapping[str, int] = field(default_factory=dict)
    losses: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One JSON object."""
        how = self.discretization
        plain = {
            "version": VERSION,
            "discretization": {
                "dt": how.dt,
                "method": how.method.name,
                **{name: getattr(how, name).name for name in SCALES},
                "fires_at_threshold": how.fires_at_threshold,
            },
            "neurons": {
                node: {**vars(facts), "reset": facts.reset.name}
                for node, facts in self.neurons.items()
            },
            "names": dict(self.names),
            "recurrent_latency": [[*pair, steps] for pair, steps in self.recurrent_latency.items()],
            "keep_latency": self.keep_latency,
            "unit_resistance": self.unit_resistance,
            "shifts": dict(self.shifts),
            "losses": list(self.losses),
        }
        return json.dumps(plain)

    @classmethod
    def of_json(cls, text: str) -> Facts:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ConversionError
            If it is damaged or newer.
        """
        try:
            plain = json.loads(text)
            if plain["version"] != VERSION:
                raise ConversionError(
                    f"metadata {FACTS}: version {plain['version']}; this release reads {VERSION}"
                )
            how = plain["discretization"]
            discretization = Discretization(
                dt=how["dt"],
                method=Method[how["method"]],
                fires_at_threshold=how["fires_at_threshold"],
                **{name: InputScale[how[name]] for name in SCALES},  # type: ignore[arg-type]
            )
            neurons = {
                node: NeuronFacts(
                    reset=SpikeReset[facts["reset"]],
                    refractory=int(facts["refractory"]),
                    fires_at_threshold=bool(facts["fires_at_threshold"]),
                )
                for node, facts in plain["neurons"].items()
            }
            steps = {(str(a), str(b)): int(n) for a, b, n in plain["recurrent_latency"]}
            return cls(
                discretization=discretization,
                neurons=neurons,
                names={str(node): str(name) for node, name in plain["names"].items()},
                recurrent_latency=steps,
                keep_latency=bool(plain["keep_latency"]),
                unit_resistance=bool(plain["unit_resistance"]),
                shifts={str(node): int(shift) for node, shift in plain["shifts"].items()},
                losses=tuple(str(line) for line in plain["losses"]),
            )
        except ConversionError:
            raise
        except (SsdpError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConversionError(f"metadata {FACTS}: damaged: {error!r}") from None


def facts_in(metadata: Mapping[str, Any]) -> Facts | None:
    """The facts of a graph; None if it is from elsewhere."""
    text = metadata.get(FACTS)
    if text is None:
        return None
    return Facts.of_json(str(text[()] if isinstance(text, np.ndarray) else text))


def network_bytes(network: FixedPointNetwork) -> np.ndarray:
    """A network's file as uint8, shape ``(n,)``, and room after it.

    Without that, the file's checksum may come to lie at the end of the NIR file, where it would
    be taken for one of that.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.h5")
        save(network, path)
        content = path.read_bytes() + bytes(SEAL_BYTES)
        return np.frombuffer(content, dtype=np.uint8).copy()


def network_in(metadata: Mapping[str, Any]) -> FixedPointNetwork | None:
    """The integers of a graph; None if it has none.

    Raises
    ------
    NetworkFileError
        If they are damaged.
    """
    content = metadata.get(NETWORK)
    if content is None:
        return None
    array = np.asarray(content)
    if array.dtype != np.uint8 or array.ndim != 1:
        raise NetworkFileError(f"metadata {NETWORK}: {array.dtype} {array.shape}; bytes are needed")
    stored = array.tobytes()
    seal = stored.rfind(SEAL)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.h5")
        path.write_bytes(stored if seal < 0 else stored[: seal + SEAL_BYTES])
        try:
            return load(path)
        except NetworkFileError as error:
            reason = str(error).replace(f"{path}: ", "")
            raise NetworkFileError(f"metadata {NETWORK}: {reason}") from None
