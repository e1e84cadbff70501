"""DA-SSDP beside an optimizer: synchrony plasticity with a fitted dopamine gate.

rule = DASSDP([(hidden, to_output, output)], warm_up_steps=1000, optimizer=optimizer)
...
loss = cross_entropy(model(x), y, reduction="none")
loss.mean().backward()
optimizer.step()
rule.step(loss)
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from hw_models import InputError, ShapeError
from hw_models.integers import integer
from ssdp_neuro.training.plasticity.dopamine_gate import DopamineGate, GateFit
from ssdp_neuro.training.plasticity.rule_settings import LossChoice
from ssdp_neuro.training.plasticity.spike_tap import SpikePattern
from ssdp_neuro.training.plasticity.ssdp import SSDP, Triple


class DASSDP(SSDP):
    """SSDP with a fitted dopamine gate per connection; parameters as for :class:`SSDP`.

    For ``warm_up_steps`` optimizer steps only synchrony and loss are recorded, then the
    gates are fitted and frozen (:attr:`fits`), and from the next step on weights change.
    """

    def __init__(
        self, connections: Iterable[Triple], *, warm_up_steps: int, **settings: Any
    ) -> None:
        super().__init__(connections, warm_up_steps=warm_up_steps, **settings)
        integer(f"{type(self).__name__}.warm_up_steps", warm_up_steps, 1, 2**63 - 1)
        self.fits: list[GateFit] = []
        self.gates = nn.ModuleList(
            DopamineGate(
                significance=self.settings.significance,
                minimum_spread=self.settings.minimum_spread,
                process_group=self.process_group,
            ).to(connection.weight.device)
            for connection in self.connections
        )

    def state_dict(self) -> dict[str, Any]:
        """As for :class:`SSDP`, and the gates with their sums."""
        return {
            **super().state_dict(),
            "gates": copy.deepcopy(dict(self.gates.state_dict())),
            "fits": [tuple(fit) for fit in self.fits],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore it exactly; raises as for :class:`SSDP`."""
        super().load_state_dict(state)
        self.gates.load_state_dict(state["gates"])
        self.fits = [GateFit(*fit) for fit in state["fits"]]

    def _gates(
        self, sides: list[tuple[SpikePattern, SpikePattern]], loss: Tensor | None
    ) -> list[Tensor] | None:
        seen = [c.synchrony(*side) for c, side in zip(self.connections, sides, strict=True)]
        if self.steps > self.warm_up_steps:
            return [gate(s) for gate, s in zip(self.gates, seen, strict=True)]
        loss = self._loss(loss, seen[0])
        block = self.settings.trend_steps
        for module, s in zip(self.gates, seen, strict=True):
            assert isinstance(module, DopamineGate)
            module.record(s, loss.to(s.device))
            # what is left after the last whole block belongs to it: its mean stays for good
            left = self.warm_up_steps - self.steps
            if block is not None and self.steps % block == 0 and left >= block:
                module.end_block()
            if self.steps == self.warm_up_steps:
                self.fits.append(module.fit())
        return None

    def _loss(self, loss: Tensor | None, seen: Tensor) -> Tensor:
        if loss is None:
            raise InputError("the warm-up needs the loss of every sample: step(per_sample_loss)")
        if self.settings.loss is LossChoice.BATCH_MEAN and loss.numel():
            return loss.mean().expand(seen.shape)
        if loss.shape != seen.shape:
            raise ShapeError(
                f"per_sample_loss of shape {tuple(loss.shape)}; ({seen.shape[0]},) is needed, one"
                " for each recorded sample (reduction='none', and forget() after other passes)"
            )
        return loss
