"""A projection under a learning rule, step by step, in plain Python integers.

Written from docs/explanation/learning_engine.md, which is Lava's
``LearningConnectionModelBitApproximate`` (lava-nc 0.10.0) put in words; with
``RandomStream.LAVA`` all numbers are those of Lava's model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hw_models import (
    Dependency,
    GradedSpikes,
    LearningRule,
    PostTraces,
    RandomStream,
    RangeError,
    ShapeError,
    SignMode,
    TraceConfiguration,
    Variable,
)
from ssdp_neuro.oracle.plain_da_ssdp import random_bits

DECAY, IMPULSE, ROUNDING = 1, 2, {"dw": 3, "dd": 4, "dt": 5}  # first words of a key
ACCUMULATOR_LOW, ACCUMULATOR_HIGH = -(2**15) - 1, 2**15 - 1
VARIABLE_OF = {"dw": "weights", "dd": "tag_2", "dt": "tag_1"}
SENT_TRACE = TraceConfiguration(impulse=0, tau=65535)  # Lava forgets what a target sends, slowly


def clip(value: int, low: int, high: int) -> int:
    """The nearest value inside ``[low, high]``."""
    return min(max(value, low), high)


def wrap(value: int) -> int:
    """Two's complement in 32 bits."""
    return (value + 2**31) % 2**32 - 2**31


class LavaStream:
    """The numbers of Lava's generators: one for all neurons, one for all synapses."""

    def __init__(self, seed: int):
        self.decays = [np.random.default_rng(seed + k) for k in (0, 2)]  # of x, of y traces
        self.impulses = [np.random.default_rng(seed + k) for k in (1, 3)]
        self.rounding = np.random.default_rng(2)
        self.advance()
        self.advance_rounding()

    def advance(self) -> None:
        """Twice in every step: after the source's spikes, and after the target's."""
        self.decay_now = [float(rng.random()) for rng in self.decays]
        self.impulse_now = [int(rng.integers(0, 128, size=1)[0]) for rng in self.impulses]

    def advance_rounding(self) -> None:
        """Once in every epoch, at its end."""
        self.rounding_now = float(self.rounding.random())

    def rounds_decay_up(self, fraction: float, trace: int, step: int, neuron: int) -> bool:
        """Whether a decayed trace of this fraction becomes the integer above."""
        return self.decay_now[trace >= 2] < fraction

    def adds_impulse_unit(self, units: int, trace: int, step: int, neuron: int) -> bool:
        """Whether an impulse of a fraction of ``units / 256`` becomes the integer above."""
        return self.impulse_now[trace >= 2] < units

    def adds_burst_unit(self, units: int, trace: int, step: int, neuron: int) -> bool:
        """The same of a spike that another one of the epoch follows: of a source, always."""
        return units > 0 if trace < 2 else self.impulse_now[1] < units

    def rounds_change_up(self, rest: int, target: str, step: int, post: int, pre: int) -> bool:
        """Whether a variable and ``rest / 128`` become the integer above."""
        return self.rounding_now < rest / 128


class CounterStream:
    """A number for every trace of a neuron and for every synapse, by seed, step and place."""

    def __init__(self, seed: int):
        self.seed = seed

    def advance(self) -> None:
        """Nothing to do: the numbers are a function of their place."""

    def advance_rounding(self) -> None:
        """Nothing to do."""

    def rounds_decay_up(self, fraction: float, trace: int, step: int, neuron: int) -> bool:
        """As of :class:`LavaStream`."""
        return random_bits(self.seed, DECAY, step, trace, neuron) / 2**32 < fraction

    def adds_impulse_unit(self, units: int, trace: int, step: int, neuron: int) -> bool:
        """As of :class:`LavaStream`; ``step`` is that of the spike."""
        return random_bits(self.seed, IMPULSE, step, trace, neuron) >> 24 < units

    adds_burst_unit = adds_impulse_unit

    def rounds_change_up(self, rest: int, target: str, step: int, post: int, pre: int) -> bool:
        """As of :class:`LavaStream`."""
        of_pre = random_bits(self.seed, ROUNDING[target], step, 0, pre)
        number = 0
        for plane in range(7):
            group = random_bits(self.seed, ROUNDING[target], step, 1, 8 * (post // 32) + plane)
            word = (of_pre + group) % 2**32
            word = (word ^ word >> 16) * 0x85EBCA6B % 2**32
            word ^= word >> 16
            number += (word >> post % 32 & 1) << plane
        return number < rest


class LearningConnection:
    """Weights, delays, tags and traces of one projection.

    Parameters
    ----------
    rule
        What changes the synapses.
    weights
        Mantissas within the rule's sign, shape ``(n_post, n_pre)``.
    tag_1, tag_2
        Tags -257..255 and delays 0..255 of the synapses at the beginning, same shape; None for 0.

    Raises
    ------
    ShapeError, RangeError
        If arrays do not fit each other, or a value its variable.
    """

    def __init__(self, rule: LearningRule, weights: Any, tag_1: Any = None, tag_2: Any = None):
        self.rule = rule
        self.weights = table("weights", weights, rule.weight_low, rule.weight_high)
        self.n_post, self.n_pre = len(self.weights), len(self.weights[0])
        zeros = [[0] * self.n_pre] * self.n_post
        self.tag_1 = table("tag_1", zeros if tag_1 is None else tag_1, -257, 255)
        self.tag_2 = table("tag_2", zeros if tag_2 is None else tag_2, 0, 255)
        for name in ("tag_1", "tag_2"):
            values = getattr(self, name)
            if (len(values), len(values[0])) != (self.n_post, self.n_pre):
                raise ShapeError(
                    f"{name}: shape {(len(values), len(values[0]))};"
                    f" weights have {(self.n_post, self.n_pre)}"
                )
        self.x = [[0] * self.n_pre for _ in range(2)]
        self.y = [[0] * self.n_post for _ in range(3)]
        self.tx = [0] * self.n_pre  # step of the last spike within the epoch, 0 for none
        self.ty = [0] * self.n_post
        self.is_sent = rule.post_traces is PostTraces.SENT
        sent = (SENT_TRACE,) * 3
        own = (rule.y1, rule.y2, rule.y3)
        self.configurations = (rule.x1, rule.x2, *(sent if self.is_sent else own))
        is_lava = rule.random_stream is RandomStream.LAVA
        self.stream: Any = (LavaStream if is_lava else CounterStream)(rule.seed)
        self.now = 0

    def step(self, pre: Sequence[Any], post: Sequence[Any], sent: Any = None) -> None:
        """One time step: spikes of both ends are noted; the last step of an epoch learns.

        Parameters
        ----------
        pre, post
            Whether each neuron fires in this step, shapes ``(n_pre,)`` and ``(n_post,)``. Of a
            source the number 0..510 that comes with the spike, where the rule takes numbers.
        sent
            What the targets send as y1, y2 and y3, int ``(3, n_post)``; None for zeros. Read
            with ``PostTraces.SENT`` only.
        """
        if (len(pre), len(post)) != (self.n_pre, self.n_post):
            raise ShapeError(
                f"step: {len(pre)} and {len(post)} spikes; {self.n_pre} and {self.n_post} needed"
            )
        self.now += 1
        within = (self.now - 1) % self.rule.epoch + 1
        if self.rule.takes_numbers:
            self.note_numbers(pre, within)
        else:
            self.note(pre, self.tx, self.x, 0, within)
        self.stream.advance()
        self.note(post, self.ty, self.y, 2, within)
        if self.is_sent:
            self.y = [
                [int(value) for value in values] for values in sent or [[0] * self.n_post] * 3
            ]
        self.stream.advance()
        if within == self.rule.epoch:
            self.learn()

    def note(self, spikes: Any, last: list[int], traces: Any, first: int, within: int) -> None:
        """Keep the step of each spike; an earlier one of the epoch counts at the epoch's start."""
        start = self.now - within
        for neuron, spike in enumerate(spikes):
            if not spike:
                continue
            if last[neuron]:
                for k, values in enumerate(traces):
                    whole, units = self.configurations[first + k].impulse_parts
                    up = self.stream.adds_burst_unit(units, first + k, start + last[neuron], neuron)
                    values[neuron] = clip(values[neuron] + whole + up, 0, 127)
            last[neuron] = within

    def note_numbers(self, numbers: Any, within: int) -> None:
        """The same of a source's spikes whose numbers go into x1; its silent neurons too."""
        mode, x1 = self.rule.graded_spikes, self.x[0]
        heard = [0] * self.n_pre
        for neuron, number in enumerate(numbers):
            half = round(int(number) / 2)  # to even, as Lava rounds
            total = (x1[neuron] + half) % 256
            heard[neuron] = int(number) > 0
            if mode is GradedSpikes.OVERWRITE:
                x1[neuron] = half if number else x1[neuron]
            elif mode is GradedSpikes.ADD_WITH_SATURATION:
                x1[neuron] = min(total, 127)
            else:
                x1[neuron] = total - 127 if total > 127 else total
                heard[neuron] = int(number) > 0 and total > 127
        self.note(heard, self.tx, self.x[1:], 1, within)

    def learn(self) -> None:
        """The end of an epoch: histories of the traces, then all equations on the old values."""
        self.stream.advance_rounding()
        x_history = self.histories(self.x, self.tx, 0)
        y_history = self.histories(self.y, self.ty, 2)
        self.x = [[history[-1] for history in trace] for trace in x_history]
        if not self.is_sent:
            self.y = [[history[-1] for history in trace] for trace in y_history]
        new = {
            VARIABLE_OF[target]: [
                [self.changed(target, post, pre, x_history, y_history) for pre in range(self.n_pre)]
                for post in range(self.n_post)
            ]
            for target in ("dw", "dd", "dt")
            if getattr(self.rule, target)
        }
        for name, values in new.items():
            setattr(self, name, values)
        self.tx = [0] * self.n_pre
        self.ty = [0] * self.n_post

    def histories(self, traces: Any, last: list[int], first: int) -> list[list[list[int]]]:
        """Value of every trace and neuron after each step of the epoch, the start at 0."""
        start = self.now - self.rule.epoch
        result = []
        for k, values in enumerate(traces):
            configuration = self.configurations[first + k]
            whole, units = configuration.impulse_parts
            of_trace = []
            for neuron, value in enumerate(values):
                history = [value]
                for within in range(1, self.rule.epoch + 1):
                    value = 0
                    if configuration.tau:
                        exact = configuration.decay * history[-1]
                        value = math.floor(exact) + self.stream.rounds_decay_up(
                            exact % 1, first + k, start + within, neuron
                        )
                    if last[neuron] == within:
                        up = self.stream.adds_impulse_unit(units, first + k, start + within, neuron)
                        value = clip(value + whole + up, 0, 127)
                    history.append(value)
                of_trace.append(history)
            result.append(of_trace)
        return result

    def changed(self, target: str, post: int, pre: int, x_history: Any, y_history: Any) -> int:
        """The new value of one variable of one synapse."""
        total = getattr(self, VARIABLE_OF[target])[post][pre] * 128
        for product in getattr(self.rule, target):
            change = 0
            step = self.read_at(product, post, pre)
            if step is not None:
                change = 1
                for factor in product.factors:
                    value = self.value(factor, step, post, pre, x_history, y_history)
                    bound = 2**factor.variable.width
                    change = wrap(change * clip(value, -bound, bound - 1))
                change = wrap(change * product.mantissa)
                change >>= max(0, product.width + 4 - 15)
                change *= 2 ** (product.exponent + 7)
            change = clip(change, ACCUMULATOR_LOW, ACCUMULATOR_HIGH)
            total = clip(total + change, ACCUMULATOR_LOW, ACCUMULATOR_HIGH)
        if target == "dd" or (target == "dw" and self.rule.sign_mode is SignMode.EXCITATORY):
            total = max(total, 0)
        elif target == "dw" and self.rule.sign_mode is SignMode.INHIBITORY:
            total = min(total, 0)
        up = self.stream.rounds_change_up(total % 128, target, self.now, post, pre)
        low, high = {
            "dw": (self.rule.weight_low, self.rule.weight_high),
            "dd": (0, 255),
            "dt": (-257, 255),
        }[target]
        return clip(total // 128 + up, low, high)

    def read_at(self, product: Any, post: int, pre: int) -> int | None:
        """The step within the epoch at which a product reads traces; None if it is not added."""
        if product.dependency is Dependency.EPOCH:
            is_due = self.now // self.rule.epoch % 2**product.decimation == 0
            return self.rule.epoch if is_due else None
        of_spike = self.tx[pre] if product.dependency is Dependency.PRE_SPIKE else self.ty[post]
        return of_spike or None

    def value(self, factor: Any, step: int, post: int, pre: int, xs: Any, ys: Any) -> int:
        """Value of a factor, its constant added, its sign taken."""
        name = factor.variable.value
        if factor.variable in (Variable.W, Variable.D, Variable.T):
            variable = {"w": self.weights, "d": self.tag_2, "t": self.tag_1}[name]
            total = variable[post][pre] + factor.constant
            return (total > 0) - (total < 0) if factor.is_sign else total
        if factor.variable in (Variable.X0, Variable.Y0):
            fired = self.tx[pre] if factor.variable is Variable.X0 else self.ty[post]
            return (fired > 0) + int(factor.constant)
        if name.startswith("x"):
            return int(xs[int(name[1]) - 1][pre][step] + factor.constant)
        return int(ys[int(name[1]) - 1][post][step] + factor.constant)

    def state(self) -> dict[str, np.ndarray]:
        """All variables by Lava's names: weights, tag_1, tag_2, x1, x2, y1, y2, y3; int64."""
        traces = {f"x{k}": self.x[k - 1] for k in (1, 2)} | {
            f"y{k}": self.y[k - 1] for k in (1, 2, 3)
        }
        synapses = {name: getattr(self, name) for name in ("weights", "tag_1", "tag_2")}
        return {
            name: np.array(values, dtype=np.int64) for name, values in (synapses | traces).items()
        }


def table(name: str, values: Any, low: int, high: int) -> list[list[int]]:
    """Nested lists of plain integers inside ``[low, high]``."""
    array = np.asarray(values)
    if array.ndim != 2 or 0 in array.shape:
        raise ShapeError(f"{name}: shape {array.shape}; two non-empty axes are needed")
    for index, value in np.ndenumerate(array):
        if value != int(value) or not low <= value <= high:
            raise RangeError(f"{name}: value {value} at index {index}; allowed {low}..{high}")
    return [[int(value) for value in row] for row in array]
