"""The integer DA-SSDP rule of one projection: its table, its update."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hw_models import DaSsdpParams, Rounding
from ssdp_neuro.engine.kernels import weight_update
from ssdp_neuro.engine.projection_table import LoweredSynapses


@dataclass(frozen=True, eq=False)
class DaSsdpRule:
    """The rule of one projection, ready to be applied; see docs/explanation/fixed_point_da_ssdp.md.

    Parameters
    ----------
    params
        The integer parameters.
    """

    params: DaSsdpParams
    table: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", product_table(self.params))

    def update(
        self,
        weights: np.ndarray,
        pre_codes: np.ndarray,
        post_codes: np.ndarray,
        gates: np.ndarray,
        *,
        seed: int = 0,
        sample: int = 0,
    ) -> int:
        """Change the weights after one sample.

        Parameters
        ----------
        weights : int8 or int16, ``(n_pre, >= n_post)``; columns beyond n_post are not touched
        pre_codes : uint8, ``(n_pre,)``
        post_codes : uint8, ``(n_post,)``
        gates : int32, ``(n_post,)``, in 1/128
        seed, sample : key of the random bits, used by stochastic rounding only

        Returns
        -------
        int
            Pre-synaptic neurons whose weights were visited.

        Mutates
        -------
        weights
        """
        p = self.params
        gates = gates.view()
        gates.flags.writeable = False  # given ones are: one compiled form for all
        common = (weights, pre_codes, post_codes, gates, self.table, p.shift)
        if p.rounding is Rounding.STOCHASTIC:
            return int(
                weight_update.update_stochastic(*common, p.weight_low, p.weight_high, seed, sample)
            )
        return int(weight_update.update_nearest(*common, p.weight_low, p.weight_high))


@dataclass(frozen=True, eq=False)
class ListedSynapses:
    """Ends of listed plastic synapses, and their delays in latency codes.

    Parameters
    ----------
    pre, post : ``(n_synapses,)``, sorted by ``pre``
    delays : int64, ``(n_synapses,)``
    last_code
        Of a sample.
    """

    pre: np.ndarray
    post: np.ndarray
    delays: np.ndarray
    last_code: int


def listed_synapses(
    params: DaSsdpParams, synapses: LoweredSynapses, n_steps: int
) -> ListedSynapses:
    """The synapses of a projection as its rule sees them."""
    delays = np.zeros(synapses.pre.size) if synapses.delay is None else synapses.delay
    shift = params.latency_shift
    return ListedSynapses(
        pre=synapses.pre,
        post=synapses.post,
        delays=delays.astype(np.int64) >> shift,
        last_code=(n_steps - 1) >> shift,
    )


def product_table(params: DaSsdpParams) -> np.ndarray:
    """Kernel x signed amplitude by (pre code, post code), int32 ``(2**q, 2**q)``."""
    places = np.arange(params.silent_code + 1)
    places[-1] = params.silent_latency
    distance = np.abs(places[:, None] - places[None, :])
    amplitudes = np.full(distance.shape, params.potentiation, dtype=np.int32)
    amplitudes[-1, :] = amplitudes[:, -1] = -params.depression
    return np.ascontiguousarray(params.kernel.astype(np.int32)[distance] * amplitudes)
