"""Lava's LearningSparse: every weight, tag and trace in the engine and in Lava, and its faults."""

import hw_models.lava_processes  # noqa: F401 Lava runs on this Python only after this

# isort: split
import numpy as np
import pytest
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import LearningSparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

from conversions import from_lava
from hw_models import ConversionError
from hw_models.lava_processes.direct_run import DirectRun
from hw_models.learning_engine import RULE_STATE

pytestmark = [pytest.mark.lava, pytest.mark.kernel]

N_PRE, N_POST, N_STEPS = 5, 4, 80
PAIR = "2^-2 * y0 * x1 - 2^-2 * x0 * y1"


def matrix(rng, low, high, share=0.5):
    """Numbers at some places, zeros that are stored among them."""
    places = np.nonzero(rng.random((N_POST, N_PRE)) < share)
    numbers = rng.integers(low, high, places[0].size)
    return csr_matrix((numbers, places), shape=(N_POST, N_PRE))


def program(rng, weights, numbers=1, **fields):
    """Ring buffers, sparse synapses that learn, neurons that they listen to."""
    rule = Loihi2FLearningRule(
        **{name: fields.pop(name) for name in ("dw", "dt", "dd") if name in fields},
        x1_impulse=40.25, x1_tau=6, y1_impulse=90, y1_tau=9, x2_impulse=20, x2_tau=3,
        t_epoch=fields.pop("t_epoch", 2), rng_seed=7,
    )  # fmt: skip
    synapses = LearningSparse(
        weights=weights, learning_rule=rule,
        **{"sign_mode": SignMode.MIXED, "num_weight_bits": 9, **fields},
    )  # fmt: skip
    spikes = rng.random((N_PRE, N_STEPS)) < 0.3
    source = RingBuffer(data=spikes * rng.integers(1, numbers + 1, spikes.shape))
    cell = LIF(shape=(N_POST,), du=4095, dv=900, vth=60)
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(cell.a_in)
    cell.s_out.connect(synapses.s_in_bap)
    return synapses, cell, [source, synapses, cell]


def assert_same_as_lava(synapses, cell, processes):
    in_one_go = from_lava(synapses).run(N_STEPS)
    Monitor().probe(synapses.x1, N_STEPS)  # the engine stops after every step then
    direct = DirectRun(processes)
    model = direct.model(synapses)
    run = from_lava(synapses).run(N_STEPS)
    for step in range(N_STEPS):
        direct.step()
        fired = np.asarray(direct.model(cell).s_out_buff)
        for each in (run, in_one_go):
            np.testing.assert_array_equal(each.raster(cell)[step], fired, f"step {step + 1}")
    for name in RULE_STATE:
        value = getattr(model, name)
        value = value.toarray() if isinstance(value, csr_matrix) else value
        for each in (run, in_one_go):
            np.testing.assert_array_equal(each.value(getattr(synapses, name)), value, name)
    return run


WORKING = {
    "weights": {"dw": PAIR},
    "weights, signs and floors": {"dw": PAIR + " + u1 * (x2 - 2)", "weight_exp": -2},
    "tags elsewhere": {"dw": PAIR, "dt": "x0 - 2 * y0", "dd": "u0 * x1 - 7 * x0", "tags": 0.5},
    "tags of all": {"dt": "x0 - 2 * y0", "dd": "3 * y0 - x0 * y1", "tags": 1},
    "tags that stay": {"dw": PAIR, "tags": 0.5},
    "numbers overwrite": {
        "dw": "2^-2 * y0 * x1", "graded_spike_cfg": GradedSpikeCfg.OVERWRITE,
        "num_message_bits": 8, "numbers": 200,
    },
    "numbers overflow": {
        "dw": "2^-2 * y0 * x1 + x0 * x2", "num_message_bits": 8, "numbers": 200,
        "graded_spike_cfg": GradedSpikeCfg.ADD_WITHOUT_SATURATION,
    },
}  # fmt: skip


@pytest.mark.parametrize("case", WORKING)
def test_from_lava__learns_on_sparse_synapses_as_lava_does(case):
    fields = dict(WORKING[case])
    rng = np.random.default_rng(sorted(WORKING).index(case))
    weights = matrix(rng, -60, 150)
    share = fields.pop("tags", None)
    if share:
        fields |= {"tag_1": matrix(rng, -256, 256, share), "tag_2": matrix(rng, 0, 256, share)}
    synapses, cell, processes = program(rng, weights, **fields)
    run = assert_same_as_lava(synapses, cell, processes)
    changed = run.value(synapses.weights) != run.program.learning[0].weights
    assert changed.any() == ("dw" in fields)
    assert not changed[weights.toarray() == 0].any()


FAILING = {
    "sign": (
        {"dw": PAIR, "sign_mode": SignMode.EXCITATORY, "num_weight_bits": 8},
        ValueError,
        "sign_mode EXCITATORY",
    ),
    "weight as a factor": ({"dw": f"{PAIR} - x0 * w"}, ValueError, r"dw, term 3 \('-x0 \* w'\)"),
    "sum of a tag": (
        {"dw": PAIR, "dd": "x0 * (t - 3)", "tags": 1},
        NotImplementedError,
        r"dd, term 1 .*factor t of sparse",
    ),
    "sign of a delay": ({"dw": "u0 * sgn(d)"}, ValueError, r"dw, term 1 .*factor d of sparse"),
    "no synapses": ({"dw": PAIR, "none": True}, AttributeError, "weights: nothing is stored"),
    "no tags given": ({"dt": "x0"}, TypeError, "tag_1: dtype float64, which dt changes"),
}


@pytest.mark.filterwarnings("ignore:Comparing a sparse matrix")
@pytest.mark.parametrize("case", FAILING)
def test_from_lava__refuses_sparse_learning_that_fails_in_lava(case):
    given, error, message = FAILING[case]
    fields = dict(given)
    rng = np.random.default_rng(3)
    weights = matrix(rng, 1, 150)
    if fields.pop("none", None):
        weights = csr_matrix((N_POST, N_PRE))
    if fields.pop("tags", None):
        fields |= {"tag_1": matrix(rng, -256, 256), "tag_2": matrix(rng, 0, 256)}
    synapses, _, processes = program(rng, weights, **fields)
    with pytest.raises(ConversionError, match=f"LearningSparse .*{message}"):
        from_lava(synapses)
    direct = DirectRun(processes)
    direct.step()
    with pytest.raises(error):
        direct.step()
