"""Networks that learn by rules, beside Lava's LearningDense between Lava's LIFs."""

import numpy as np
import pytest

import hw_models.lava_processes  # noqa: F401 Lava runs on this Python only after this

# isort: split
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LearningRule,
    LifPopulation,
    PostTraces,
    RandomStream,
    SignMode,
    TraceConfiguration,
)
from hw_models.lava_processes.direct_run import DirectRun
from hw_models.lava_processes.rule_process import lava_rule
from hw_models.learning_engine import RULE_STATE
from ssdp_neuro import Session
from ssdp_neuro.oracle.rule_network import RuleNetwork
from tests.parity.lava_rules import learning_dense

pytestmark = pytest.mark.lava
N_STEPS, N_IN, N_OUT = 150, 6, 4
FAST, SLOW = TraceConfiguration(60.5, 6), TraceConfiguration(30, 25)


def rule_of(**fields):
    return LearningRule(random_stream=RandomStream.LAVA, **fields)


RULES = {
    "pair": (
        rule_of(
            dw="2^-1 * y0 * x1 - 2^-2 * x0 * y1", x1=FAST, y1=SLOW, seed=3,
            sign_mode=SignMode.EXCITATORY,
        ),
        rule_of(dw="y0 * x1 - 2 * u1", x1=FAST, seed=4, epoch=3, sign_mode=SignMode.INHIBITORY),
    ),
    "three factors": (
        rule_of(
            dw="2^-1 * u0 * t * y2", dt="x0 * (y1 + 9) - 2^-3 * u0 * t", dd="y0 - 2^-1 * x0",
            x1=FAST, epoch=4, post_traces=PostTraces.SENT, seed=5,
        ),
        rule_of(dw="2^-2 * x0 * y0 * x1 - u2 * sgn(w)", x1=SLOW, epoch=1, seed=6),
    ),
}  # fmt: skip


@pytest.mark.parametrize("exponents", [(0, 1), (-1, 2)])
@pytest.mark.parametrize("case", RULES)
def test_a_loop_that_learns__is_lavas_in_every_step(case, exponents):
    """Potentials, weights, tags and traces of a recurrent network with two rules."""
    rng = np.random.default_rng(7)
    weights = [rng.integers(0, 80, (N_OUT, N_IN)), rng.integers(-60, 1, (N_OUT, N_OUT))]
    tags = [rng.integers(-9, 9, one.shape) for one in weights]
    spikes = rng.random((N_STEPS, N_IN)) < 0.25
    sent = rng.integers(-30, 60, (N_STEPS, 3, N_OUT))
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(N_IN,)),
            LifPopulation(
                name="out", shape=(N_OUT,), current_decay=1500, voltage_decay=300, threshold=90
            ),
        ],
        projections=[
            DenseProjection(
                source=source, target="out", name=source, weights=weights[k], tag_1=tags[k],
                weight_exponent=exponents[k], plasticity=RULES[case][k],
            )
            for k, source in enumerate(("in", "out"))
        ],
    )  # fmt: skip
    is_sent = [rule.post_traces is PostTraces.SENT for rule in RULES[case]]
    numbers = {name: sent for name, takes in zip(("in", "out"), is_sent, strict=True) if takes}
    lif = LIF(shape=(N_OUT,), du=1500, dv=300, vth=90)
    source = RingBuffer(data=spikes.T.astype(int))
    dense = [
        learning_dense(
            lava_rule(rule), rule.sign_mode, weights[k], tag_1=tags[k], weight_exp=exponents[k]
        )
        for k, rule in enumerate(RULES[case])
    ]
    senders = [source]
    for k, sender in enumerate((source, lif)):
        sender.s_out.connect(dense[k].s_in)
        dense[k].a_out.connect(lif.a_in)
        lif.s_out.connect(dense[k].s_in_bap)
        for y in range(3):
            numbers_of = RingBuffer(data=sent[:, y].T.astype(int))
            numbers_of.s_out.connect(getattr(dense[k], f"s_in_y{y + 1}"))
            senders.append(numbers_of)
    lava = DirectRun([*senders, *dense, lif])
    oracle = RuleNetwork(network)
    probes = [("out", "u"), ("out", "v")]
    rasters, recorded = oracle.run({"in": spikes}, N_STEPS, probes, numbers)
    assert rasters["out"].any()
    session = Session(network, learning=True)
    for step in range(N_STEPS):
        lava.step()
        given = {name: values[step : step + 1] for name, values in numbers.items()}
        run = session.run(spikes[step : step + 1], 1, probes=probes, sent=given)
        for pair in probes:
            expected = getattr(lava.model(lif), pair[1])
            np.testing.assert_array_equal(run.probes[pair][0], expected, f"{pair} at {step}")
            np.testing.assert_array_equal(recorded[pair][step], expected, f"{pair} at {step}")
        for k, name in enumerate(("in", "out")):
            ours = session.variables(name)
            for variable in RULE_STATE:
                np.testing.assert_array_equal(
                    ours[variable],
                    getattr(lava.model(dense[k]), variable),
                    f"{variable} of {name} after step {step + 1}",
                )
    for k, name in enumerate(("in", "out")):
        assert (session.variables(name)["weights"] != weights[k]).any()
