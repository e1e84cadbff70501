"""Ports and state of dense synapses that learn by integer DA-SSDP."""

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from hw_models.learning_schedule import SampleClock
from hw_models.plasticity import DaSsdpParams


class PlasticDense(AbstractProcess):
    """Dense synapses whose weights change after every sample.

    What arrives at the target is what Lava's ``Dense`` would deliver, one step late, but
    nothing crosses from one sample to the next. The rule is that of
    :class:`hw_models.DaSsdpParams`, bit for bit as docs/explanation/fixed_point_da_ssdp.md has it.

    Ports
    -----
    s_in
        Spikes of the source, ``(n_pre,)``.
    s_in_bap
        Spikes of the target, ``(n_post,)``: connect its ``s_out``.
    gate_in
        Third factors, ``(n_post,)`` in 1/128; those of a sample's last step count. A
        sample with gates of 0 is not learned from.
    a_out
        ``(n_post,)``.

    Parameters
    ----------
    weights
        Mantissas ``(n_post, n_pre)``.
    rule
        Parameters of the rule.
    clock
        Of the samples; what is between them is not learned from.
    weight_exp
        Exponent of the weights, 0..7.
    seed, first_sample
        Of the key of the stochastic rounding; samples are counted from ``first_sample``.
    name
        Name of the Process.
    """

    def __init__(
        self,
        *,
        weights: Any,
        rule: DaSsdpParams,
        clock: SampleClock,
        weight_exp: int = 0,
        seed: int = 0,
        first_sample: int = 0,
        name: str | None = None,
    ) -> None:
        super().__init__(
            rule=rule,
            clock=clock,
            weight_exp=weight_exp,
            seed=seed,
            first_sample=first_sample,
            name=name,
        )
        n_post, n_pre = weights.shape
        self.s_in = InPort(shape=(n_pre,))
        self.s_in_bap = InPort(shape=(n_post,))
        self.gate_in = InPort(shape=(n_post,))
        self.a_out = OutPort(shape=(n_post,))
        self.weights = Var(shape=weights.shape, init=weights)
        self.a_buff = Var(shape=(n_post,), init=0)
        self.gates = Var(shape=(n_post,), init=0)
        self.pre_codes = Var(shape=(n_pre,), init=rule.silent_code)
        self.post_codes = Var(shape=(n_post,), init=rule.silent_code)
