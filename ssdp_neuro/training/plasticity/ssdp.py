"""SSDP and DA-SSDP beside an optimizer: after its step, the weights also change by synchrony.

rule = DASSDP([(hidden, to_output, output)], warm_up_steps=1000, optimizer=optimizer)
...
loss = cross_entropy(model(x), y, reduction="none")
loss.mean().backward()
optimizer.step()
rule.step(loss)
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from hw_models import InputError
from hw_models.choices import member
from hw_models.integers import integer
from ssdp_neuro.training.plasticity.connection import Connection
from ssdp_neuro.training.plasticity.ranks import mean_over_samples
from ssdp_neuro.training.plasticity.rule_settings import PUBLISHED_LEARNING_RATE, Preset
from ssdp_neuro.training.plasticity.spike_tap import InputOf, Reading, SpikePattern, SpikeTap

Triple = tuple[nn.Module | InputOf, nn.Module, nn.Module]


class SSDP:
    """Synchrony plasticity with gate one (two factors), used like an optimizer.

    Parameters
    ----------
    connections
        ``(pre, layer, post)`` each: two modules that give spikes and the Linear or Conv2d
        between them. ``InputOf(model)`` as ``pre`` is the input of the network; the same
        module on both sides makes the layer recurrent. The weights change whether or not
        they require a gradient.
    warm_up_steps
        Optimizer steps during which no weight changes.
    preset
        Settings to start from.
    optimizer
        If given, a call of :meth:`step` before which it made no step changes nothing. While
        gradients are being accumulated, what was recorded is kept, so that several small
        batches are one; after an overflow (gradients that are not finite, or were dropped)
        it is forgotten. If not given, every call counts.
    time_dim
        1 for spikes ``(B, T, ...)``, 0 for ``(T, B, ...)``.
    stepwise
        The modules are called once per time step, with ``(B, ...)``.
    process_group
        As in torch.distributed. With it set up, every rank makes the same change: the mean
        over the samples of all ranks.
    **changes
        Fields of :class:`RuleSettings` that differ from the preset.

    Raises
    ------
    ConversionError, RangeError, TypeMismatchError
        If a layer or a setting does not fit.

    Notes
    -----
    Changes are computed in float32 and added in the weight's own type. Of float16 and
    bfloat16 weights the part lost in rounding is kept, and added the next time; most
    changes would vanish otherwise.

    Examples
    --------
    >>> from ssdp_neuro.training import feed_forward
    >>> model = feed_forward((4, 3, 2), current_decay=4095, voltage_decay=256, gain=3.0)
    >>> connections = [(model.hidden, model.to_output, model.output)]
    >>> with SSDP(connections, sigma=2.0) as rule:
    ...     loss = model(torch.ones(5, 8, 4)).sum((1, 2))
    ...     rule.step()
    True
    """

    def __init__(
        self,
        connections: Iterable[Triple],
        *,
        warm_up_steps: int = 0,
        preset: Preset = Preset.CORRECTED,
        optimizer: torch.optim.Optimizer | None = None,
        time_dim: int = 1,
        stepwise: bool = False,
        process_group: Any = None,
        **changes: Any,
    ) -> None:
        name = type(self).__name__
        self.settings = dataclasses.replace(
            member(f"{name}.preset", preset, Preset).value, **changes
        )
        self.warm_up_steps = integer(f"{name}.warm_up_steps", warm_up_steps, 0, 2**63 - 1)
        self.process_group = process_group
        integer(f"{name}.time_dim", time_dim, 0, 1)
        if self.settings.scale_by_learning_rate and optimizer is None:
            raise InputError(f"{name}: scale_by_learning_rate needs the optimizer")
        self.steps = 0
        self._residuals: dict[int, Tensor] = {}
        self._losses: list[Tensor] = []
        self._optimizer, self._optimizer_stepped = optimizer, False
        self.connections = [Connection(*triple, self.settings) for triple in connections]
        self._removers: list[Any] = []
        if optimizer is not None:
            self._removers.append(optimizer.register_step_post_hook(self._saw_step))
        self._taps: dict[tuple[int, bool, Reading], SpikeTap] = {}
        for c in self.connections:
            for end, reading in ((c.pre, c.pre_reading), (c.post, c.post_reading)):
                # layers that read the same spikes share a tap
                if _key(end, reading) not in self._taps:
                    self._taps[_key(end, reading)] = SpikeTap(end, reading, time_dim, stepwise)

    def __enter__(self) -> SSDP:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Take every hook off the modules and the optimizer."""
        for remover in (*self._taps.values(), *self._removers):
            remover.remove()

    @property
    def enabled(self) -> bool:
        """Whether forward passes are recorded; may be set."""
        return all(tap.enabled for tap in self._taps.values())

    @enabled.setter
    def enabled(self, value: bool) -> None:
        for tap in self._taps.values():
            tap.enabled = value

    def forget(self) -> None:
        """Drop what was recorded since the last step."""
        for tap in self._taps.values():
            tap.clear()
        self._losses.clear()

    @torch.no_grad()
    def step(self, per_sample_loss: Tensor | None = None) -> bool:
        """Change the weights by the forward passes since the last call; gradients are left alone.

        Parameters
        ----------
        per_sample_loss : real, shape (B,)
            For the warm-up of a gate, in the order of the samples; a rule without a gate
            needs none. With ``LossChoice.BATCH_MEAN`` also a scalar.

        Returns
        -------
        bool
            Whether the weights changed.

        Raises
        ------
        InputError, ShapeError
            If nothing was recorded, or what was does not fit together.
        """
        if per_sample_loss is not None:
            loss = per_sample_loss.detach()
            self._losses.append(loss if loss.ndim else loss[None])
        if self._optimizer is not None and not self._optimizer_stepped:
            if not self._accumulates():
                self.forget()
            return False
        self._optimizer_stepped = False
        losses = torch.cat(self._losses) if self._losses else None
        self._losses.clear()
        patterns = {key: tap.take() for key, tap in self._taps.items()}
        sides = [
            (patterns[_key(c.pre, c.pre_reading)], patterns[_key(c.post, c.post_reading)])
            for c in self.connections
        ]
        if not sides:
            return False
        sizes = {pattern.flag.shape[0] for pattern in patterns.values()}
        if len(sizes) > 1:
            raise InputError(f"modules saw {sorted(sizes)} samples since the last step")
        self.steps += 1
        gates = self._gates(sides, losses)
        if gates is None:
            return False
        updates = [
            self._update(index, pre, post, gate)
            for index, ((pre, post), gate) in enumerate(zip(sides, gates, strict=True))
        ]
        for index, update in enumerate(mean_over_samples(updates, sizes.pop(), self.process_group)):
            self._add(index, self._shaped(index, update))
        return True

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and dicts; ``torch.load(..., weights_only=True)`` reads them."""
        return {"rule": self._identity(), "steps": self.steps, "residuals": dict(self._residuals)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore it exactly.

        Raises
        ------
        InputError
            If it is the state of another rule, of other connections or other settings.
        """
        name, identity = type(self).__name__, self._identity()
        of_state = state.get("rule")
        if not isinstance(of_state, dict):
            raise InputError(f"{name}: a state without its rule's settings, of an older version")
        for field in {**identity, **of_state}:
            saved, present = of_state.get(field), identity.get(field)
            if saved != present:
                raise InputError(f"{name}.{field}: {saved} in the state, {present} in this rule")
        self.steps = integer(f"{name}.steps", state["steps"], 0, 2**63 - 1)
        self._residuals = {
            int(index): residual.to(self.connections[int(index)].weight.device, copy=True)
            for index, residual in state["residuals"].items()
        }
        self.forget()

    def _identity(self) -> dict[str, Any]:
        """What a state must fit."""
        settings = dataclasses.asdict(self.settings)
        plain = {k: v.value if isinstance(v, enum.Enum) else v for k, v in settings.items()}
        return {
            "kind": type(self).__name__,
            "warm_up_steps": self.warm_up_steps,
            "connections": [list(c.weight.shape) for c in self.connections],
            **plain,
        }

    def _accumulates(self) -> bool:
        """Whether there are gradients that a later optimizer step can still take."""
        assert self._optimizer is not None
        groups = self._optimizer.param_groups
        gradients = [p.grad for group in groups for p in group["params"] if p.grad is not None]
        # a sum is not finite if one of its terms is not
        return bool(gradients) and all(bool(g.float().sum().isfinite()) for g in gradients)

    def _gates(
        self, sides: list[tuple[SpikePattern, SpikePattern]], loss: Tensor | None
    ) -> list[Tensor] | None:
        """One gate ``(B,)`` per connection, or ``None`` while nothing may change."""
        if self.steps <= self.warm_up_steps:
            return None
        return [torch.ones(post.flag.shape[0], device=post.flag.device) for _, post in sides]

    def _update(self, index: int, pre: SpikePattern, post: SpikePattern, gate: Tensor) -> Tensor:
        """Mean change over this rank's samples."""
        return self.connections[index].update(pre, post, gate)

    def _shaped(self, index: int, update: Tensor) -> Tensor:
        """What is made of the mean over all ranks; controls replace it."""
        return update

    def _add(self, index: int, update: Tensor) -> None:
        weight = self.connections[index].weight
        if self.settings.scale_by_learning_rate:
            update = update * (self._learning_rate(weight) / PUBLISHED_LEARNING_RATE)
        if weight.dtype not in (torch.float16, torch.bfloat16):
            weight.add_(update.to(weight.dtype))
            return
        wanted = weight.float() + update
        if index in self._residuals:
            wanted += self._residuals[index]
        weight.copy_(wanted)
        self._residuals[index] = wanted - weight.float()

    def _learning_rate(self, weight: Tensor) -> Any:
        assert self._optimizer is not None
        for group in self._optimizer.param_groups:
            if any(parameter is weight for parameter in group["params"]):
                return group["lr"]
        raise InputError(f"{type(self).__name__}: a weight of the rule is not in the optimizer")

    def _saw_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        # optimizers that look for overflows themselves are called also when they find some
        overflow = getattr(optimizer, "found_inf", None)
        self._optimizer_stepped |= overflow is None or not bool(overflow)


def _key(source: nn.Module | InputOf, reading: Reading) -> tuple[int, bool, Reading]:
    if isinstance(source, InputOf):
        return id(source.module), True, reading
    return id(source), False, reading
