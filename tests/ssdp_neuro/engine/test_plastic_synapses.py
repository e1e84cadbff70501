import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    Dependency,
    Factor,
    InputError,
    LearningRule,
    PostTraces,
    Product,
    RandomStream,
    RangeError,
    ShapeError,
    SignMode,
    TraceConfiguration,
    TypeMismatchError,
    Variable,
)
from ssdp_neuro.engine import plastic_synapses
from ssdp_neuro.engine.kernels import (
    fading_rows,
    masked_rows,
    narrow_blocks,
    prefetch,
    random_planes,
    rule_epoch,
    rule_fading,
    rule_steps,
    rule_waiting,
    spike_list,
    table_view,
)
from ssdp_neuro.engine.plastic_synapses import PlasticSynapses
from ssdp_neuro.engine.rule_log import SLOTS
from ssdp_neuro.engine.rule_program import rule_program
from ssdp_neuro.engine.rule_state import listed_state
from ssdp_neuro.oracle.learning_connection import LearningConnection
from tests.interpreted import interpreted
from tests.learning_rule_strategies import TRACE, learning_rules

pytestmark = pytest.mark.kernel
TRACES = ("x1", "x2", "y1", "y2", "y3")


def case_of(rule, rng, n_steps, rate, n_pre=5, n_post=4):
    shape = (n_post, n_pre)
    state = (
        rng.integers(rule.weight_low, rule.weight_high + 1, shape),
        rng.integers(-256, 256, shape),
        rng.integers(0, 256, shape),
    )
    spikes = [rng.random((n_steps, size)) < rate for size in (n_pre, n_post)]
    if rule.takes_numbers:
        spikes[0] = spikes[0] * rng.integers(1, rng.choice([2, 60, 511]), spikes[0].shape)
    sent = rng.integers(-140, 140, (n_steps, 3, n_post))
    return state, spikes, sent if rule.post_traces is PostTraces.SENT else None


def state_of(synapses):
    names = ("weights", "tag_1", "tag_2")
    return {name: getattr(synapses, name) for name in names} | {
        name: synapses.trace(name) for name in TRACES
    }


def assert_equals_oracle(rule, rng, n_steps, rate):
    """In every step, and once more in one run of all steps."""
    state, (pre, post), sent = case_of(rule, rng, n_steps, rate)
    oracle, stepped, whole = (
        kind(rule, *state) for kind in (LearningConnection, PlasticSynapses, PlasticSynapses)
    )
    for step in range(n_steps):
        numbers = None if sent is None else sent[step : step + 1]
        stepped.run(pre[step : step + 1], post[step : step + 1], numbers)
        oracle.step(pre[step], post[step], None if sent is None else sent[step].tolist())
        found = state_of(stepped)
        for name, values in oracle.state().items():
            np.testing.assert_array_equal(found[name], values, f"{name} after step {step + 1}")
    whole.run(pre, post, sent)
    for name, values in state_of(whole).items():
        np.testing.assert_array_equal(values, found[name], name)
    return whole


RATES = st.sampled_from([0.02, 0.1, 0.5])


@pytest.mark.parametrize("stream", RandomStream)
@given(data=st.data(), seed=st.integers(0, 2**32), rate=RATES)
@settings(deadline=None, max_examples=50)
def test_plastic_synapses__equal_the_oracle_in_every_step(stream, data, seed, rate):
    rule = data.draw(learning_rules(random_stream=stream))
    assert_equals_oracle(rule, np.random.default_rng(seed), 40, rate)


@pytest.mark.parametrize("stream", RandomStream)
@given(data=st.data(), seed=st.integers(0, 2**32), rate=RATES)
@settings(deadline=None, max_examples=8)
def test_plastic_synapses__stay_equal_in_long_runs(stream, data, seed, rate):
    rule = data.draw(learning_rules(highest_exponent=-3, random_stream=stream))
    assert_equals_oracle(rule, np.random.default_rng(seed), 400, rate)


@pytest.mark.parametrize("stream", RandomStream)
@given(data=st.data(), seed=st.integers(0, 2**32), rate=RATES)
@settings(deadline=None, max_examples=40)
def test_listed_state__has_the_numbers_of_a_matrix(stream, data, seed, rate):
    rule = data.draw(learning_rules(random_stream=stream))
    rng = np.random.default_rng(seed)
    state, (pre_spikes, post_spikes), sent = case_of(rule, rng, 40, rate, n_pre=37, n_post=34)
    dense = PlasticSynapses(rule, *state)
    dense.run(pre_spikes, post_spikes, sent)
    pre, post = np.nonzero(rng.random((37, 34)) < rng.choice([0.02, 0.3, 1]))
    program = rule_program(rule, waits=False)
    given = [values[post, pre] for values in (state[0], state[2], state[1])]
    listed = listed_state(program, (34, 37), pre, post, given)
    other = PlasticSynapses(rule, *state)
    other._state, other._program = listed, program
    other.run(pre_spikes, post_spikes, sent)
    for place, name in zip(program.place, ("weights", "tag_2", "tag_1"), strict=True):
        if place >= 0:
            found = listed.variables[place, : len(pre)]
            np.testing.assert_array_equal(found, getattr(dense, name)[post, pre], name)
    for name in TRACES:
        np.testing.assert_array_equal(other.trace(name), dense.trace(name), name)


@st.composite
def pair_rules(draw, **fixed):
    """Rules of which spikes of targets wait for their sources."""
    products = [
        Product(
            dependency=dependency,
            factors=[Factor(draw(st.sampled_from(traces)), draw(st.sampled_from([0, 0, 3, -128])))],
            mantissa=draw(st.integers(-7, 7)),
            exponent=draw(st.integers(-7, 8)),
        )
        for dependency, traces in (
            (Dependency.POST_SPIKE, [Variable.X1, Variable.X2]),
            (Dependency.PRE_SPIKE, [Variable.Y1, Variable.Y2, Variable.Y3]),
        )
    ]
    return LearningRule(
        dw=draw(st.sampled_from([products, products[::-1], products[:1]])),
        **{name: draw(TRACE) for name in TRACES},
        sign_mode=draw(st.sampled_from(SignMode)),
        seed=draw(st.integers(0, 2**20)),
        **fixed,
    )


@st.composite
def fading_rules(draw, **fixed):
    """Rules of whose rows most are passed over once, in epochs of u products."""
    decimation, traces = draw(st.integers(0, 1)), [Variable[name.upper()] for name in TRACES]
    constants = st.sampled_from([0, 0, 0, 1, -5, 255, -256])

    def product(dependency, variables, n_most):
        of_traces = st.builds(Factor, st.sampled_from(traces), st.sampled_from([0, 0, 3, -128]))
        own = [Factor(draw(st.sampled_from(variables)), draw(constants))] if variables else []
        return Product(
            dependency=dependency,
            factors=draw(st.lists(of_traces, min_size=n_most and not own, max_size=n_most)) + own,
            mantissa=draw(st.integers(-7, 7)),
            exponent=draw(st.integers(-7, 2)),
            decimation=decimation if dependency is Dependency.EPOCH else 0,
        )

    def equation(variables, is_sure):
        found = [product(Dependency.EPOCH, variables, 1)] * (is_sure or draw(st.booleans()))
        for dependency in (Dependency.POST_SPIKE, Dependency.PRE_SPIKE):
            found += [product(dependency, [], 2)] * draw(st.booleans())
        return draw(st.permutations(found))

    return LearningRule(
        dw=equation([Variable.W, Variable.D, Variable.T], False),
        dd=equation([Variable.D, Variable.T], False),
        dt=equation([Variable.T], True),
        **{name: draw(TRACE) for name in TRACES},
        epoch=draw(st.sampled_from([1, 1, 3])),
        sign_mode=draw(st.sampled_from(SignMode)),
        seed=draw(st.integers(0, 2**20)),
        **fixed,
    )


@pytest.mark.parametrize("stream", RandomStream)
@given(data=st.data(), seed=st.integers(0, 2**32), rate=RATES)
@settings(deadline=None, max_examples=40)
def test_fading_rules__equal_the_oracle_where_rows_are_passed_over_once(stream, data, seed, rate):
    rule = data.draw(fading_rules(random_stream=stream))
    assert rule_program(rule).fades
    assert_equals_oracle(rule, np.random.default_rng(seed), 60, rate)


@pytest.mark.parametrize("stream", RandomStream)
@given(data=st.data(), seed=st.integers(0, 2**32), rate=st.sampled_from([0.02, 0.1, 0.5]))
@settings(deadline=None, max_examples=40)
def test_pair_rules__equal_the_oracle_where_spikes_wait(stream, data, seed, rate):
    rule = data.draw(pair_rules(random_stream=stream))
    assert rule_program(rule).waits
    assert_equals_oracle(rule, np.random.default_rng(seed), 60, rate)


@pytest.mark.parametrize("stream", RandomStream)
@pytest.mark.parametrize("tau", [3, 30])  # sums of 8 and of 16 bits
def test_pair_rules__make_up_for_all_when_the_log_is_full(stream, tau):
    trace = TraceConfiguration(60, tau)
    rule = LearningRule(
        dw="2^-2 * y0 * x1 - 2^-2 * x0 * y1", x1=trace, y1=trace, random_stream=stream
    )
    rng = np.random.default_rng(3)
    n_steps = 2 * SLOTS + 10
    spikes = [rng.random((n_steps, size)) < 0.1 for size in (30, 600)]
    waiting, prompt = (PlasticSynapses(rule, np.zeros((600, 30), dtype=int)) for _ in range(2))
    prompt._program = rule_program(rule, waits=False)
    waiting.run(*spikes)
    prompt.run(*spikes)
    assert waiting._program.waits
    np.testing.assert_array_equal(waiting.weights, prompt.weights)
    assert waiting.weights.std() > 5


@pytest.mark.parametrize("exponent", [-2, -4, -7])  # the upper bits of a number decide, all do
def test_counter_stream__draws_evenly_and_independently(exponent):
    """Over the synapses of a step: the share, of pairs along rows and columns, of rectangles."""
    rule = LearningRule(dw=f"2^{exponent} * u0", seed=5)
    synapses = PlasticSynapses(rule, np.zeros((256, 256), dtype=int))
    silent = np.zeros((1, 256), dtype=bool)
    ups = []
    for _ in range(40):
        before = synapses.weights
        synapses.run(silent, silent)
        ups.append(synapses.weights - before)
    share = 2.0**exponent
    spread = share * (1 - share)
    z = np.array(ups, dtype=float) - share
    assert abs(z.mean()) < 5 * np.sqrt(spread / z.size)
    far = z[:, :128] * z[:, 128:]  # the same bit of two words of a plane
    products = {
        "row": z[:, :, ::2] * z[:, :, 1::2],
        "column": z[:, ::2] * z[:, 1::2],
        "groups": far,
        "step": z[::2] * z[1::2],
        "rectangle": z[:, ::2, ::2] * z[:, 1::2, ::2] * z[:, ::2, 1::2] * z[:, 1::2, 1::2],
        "rectangle of groups": far[:, :, ::2] * far[:, :, 1::2],
    }
    for name, values in products.items():
        size = spread if "rectangle" not in name else spread**2
        assert abs(values.mean()) < 5 * size / np.sqrt(values.size), name


def full(**fields):
    traces = {name: TraceConfiguration(127, 50) for name in TRACES}
    return LearningRule(**{**traces, **fields})


@pytest.mark.parametrize("stream", RandomStream)
def test_plastic_synapses__equal_the_oracle_at_the_edges(stream):
    for rule, rate in (
        (full(dt="-7 * 2^8 * x0", random_stream=stream), 0.1),  # tags of -257
        (full(dt="-7 * 2^8 * x0 + 2^3 * y0", dw="x0 - y0", random_stream=stream), 0.1),
        (full(dw="2^2 * x0 * x1 * x2 * y1 * y2 * y3", random_stream=stream), 0.3),  # 32 bits
        (full(dw="2^2 * y0 * x1 - 2^2 * x0 * y1", random_stream=stream), 0.3),  # changes cut off
        (full(dt="u2 * w * w * w * t - u2 * sgn(d)", random_stream=stream, epoch=3), 0.3),
    ):
        assert_equals_oracle(rule, np.random.default_rng(1), 500, rate)


@pytest.mark.parametrize("stream", RandomStream)
def test_learn_trains__is_the_same_as_plain_python(stream, monkeypatch):
    dw = "2^-2 * y0 * x1 - 2^-2 * x0 * y1"
    rules = (
        full(
            dw=f"{dw} - u1 * sgn(w)",
            dt="x0 * x1 * x2 * y1 * y2 * y3",
            epoch=2,
            random_stream=stream,
        ),
        full(dw=dw, dd="y0 * t * d", epoch=2, random_stream=stream),
        full(dw=dw, random_stream=stream),
        full(dw="2^-4 * u0 * t * y2", dt=f"{dw} - 2^-3 * u0 * t", random_stream=stream),
    )
    runs = []
    for rule in rules:
        state, spikes, _ = case_of(rule, np.random.default_rng(2), 30, 0.3)
        runs.append((spikes, PlasticSynapses(rule, *state), PlasticSynapses(rule, *state)))
        runs[-1][1].run(*spikes)
    for name in ("block_bits", "append"):  # intrinsics, which have no Python body
        monkeypatch.setattr(spike_list, name, getattr(spike_list, f"_{name}_one_by_one"))
    for name in ("add_one", "add_two", "add_eight"):
        by_one = getattr(masked_rows, f"_{name.removesuffix('_one')}_one_by_one")
        monkeypatch.setattr(masked_rows, name, by_one)
        monkeypatch.setattr(masked_rows, f"small_{name}", by_one)
    blocks = ("fade_block", "fade_marked_block", "fade_fired_block")
    for name, by_one in zip(blocks, narrow_blocks.BY_ONE, strict=True):
        monkeypatch.setattr(fading_rows, name, by_one)
    for name in ("mix", "carry", "expand"):
        by_one = getattr(random_planes, f"{name}_one_by_one")
        monkeypatch.setattr(random_planes, f"{name}_block", by_one)
    monkeypatch.setattr(random_planes, "expand_upper_block", random_planes.expand_one_by_one)
    monkeypatch.setattr(random_planes, "wide_vectors", lambda: None)
    monkeypatch.setattr(prefetch, "prefetch", lambda values, place: None)
    for module in (fading_rows, rule_waiting):
        monkeypatch.setattr(module, "wide_vectors", lambda: None)
        monkeypatch.setattr(module, "section", table_view._sliced)
    for module in (rule_steps, rule_epoch, rule_fading, rule_waiting):
        monkeypatch.setattr(module, "open_learner", lambda learner: learner)
    monkeypatch.setattr(rule_epoch, "call_step", table_view._called)
    reached, waiting = interpreted(rule_epoch), interpreted(rule_waiting)
    fading = interpreted(rule_fading)

    def changes_of(program):
        change = waiting.change_waiting if program.waits else reached.change_reached
        return np.array([change, fading.fade_rows], dtype=object)

    monkeypatch.setattr(plastic_synapses, "changes_of", changes_of)
    learn_trains = interpreted(rule_steps).learn_trains
    monkeypatch.setattr(plastic_synapses, "LEARN_TRAINS", learn_trains)
    for spikes, compiled, plain in runs:
        plain.run(*spikes)
        for name, values in state_of(compiled).items():
            np.testing.assert_array_equal(values, state_of(plain)[name], name)


@pytest.mark.parametrize("n_post", [1, 3])
def test_plastic_synapses__give_copies_also_of_one_source(n_post):
    synapses = PlasticSynapses(LearningRule(dw="x0", dt="x0"), np.full((n_post, 1), 20))
    weights, tags = synapses.weights, synapses.tag_1
    synapses.run([[1]], [[0] * n_post])
    assert (weights == 20).all()
    assert not tags.any()
    assert (synapses.weights == 21).all()


def test_plastic_synapses__visit_what_spikes_reach():
    """Pair STDP on 60 x 50: rows of sources that fired, columns for sources with a trace."""
    trace = TraceConfiguration(16, 10)
    rule = LearningRule(dw="2^-2 * y0 * x1 - 2^-2 * x0 * y1", x1=trace, y1=trace)
    synapses = PlasticSynapses(rule, np.zeros((50, 60), dtype=int))
    pre, post = np.zeros((20, 60), dtype=bool), np.zeros((20, 50), dtype=bool)
    pre[3, :2] = True
    post[5, :7] = True
    synapses.run(pre, post)
    assert synapses.n_visited == 2 * 50 + 2 * 7
    silent = PlasticSynapses(rule, np.zeros((50, 60), dtype=int))
    silent.run(np.zeros((100, 60), dtype=bool), np.zeros((100, 50), dtype=bool))
    assert silent.n_visited == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: PlasticSynapses("x0", [[1]]), TypeMismatchError, "'x0'; a LearningRule"),
        (lambda s: PlasticSynapses(s.rule, [[-1]]), RangeError, r"weights: value -1 .* 0\.\.255"),
        (lambda s: PlasticSynapses(s.rule, [1]), ShapeError, r"weights: shape \(1,\)"),
        (lambda s: PlasticSynapses(s.rule, [[0.5]]), TypeMismatchError, "weights: dtype float64"),
        (lambda s: PlasticSynapses(s.rule, [[1]], [[-258]]), RangeError, "tag_1: value -258"),
        (lambda s: PlasticSynapses(s.rule, [[1]], None, [[1, 2]]), ShapeError, "tag_2: shape"),
        (lambda s: s.run([[1]], [[1]]), ShapeError, r"pre: shape \(1, 1\); \(T, 2\)"),
        (lambda s: s.run([[1, 0]], [[1], [0]]), ShapeError, "1 steps of pre and 2 of post"),
        (lambda s: s.run([[2, 0]], [[1]]), InputError, "pre: value 2"),
        (lambda s: s.run([[1, 0]], [[1]], [[[1], [2], [3]]]), InputError, "sent: the rule reads"),
        (lambda s: s.trace("x0"), InputError, "trace: 'x0'; one of x1"),
    ],
)
def test_plastic_synapses__refuse_what_does_not_fit(call, error, message):
    rule = LearningRule(dw="2^3 * x0", sign_mode=SignMode.EXCITATORY)
    synapses = PlasticSynapses(rule, [[1, 2]])
    with pytest.raises(error, match=message):
        call(synapses)
    np.testing.assert_array_equal(synapses.weights, [[1, 2]])
    sending = PlasticSynapses(LearningRule(dw="x0 * y1", post_traces=PostTraces.SENT), [[1, 2]])
    with pytest.raises(ShapeError, match=r"sent: shape \(1, 2, 1\); \(1, 3, 1\) is needed"):
        sending.run([[1, 0]], [[1]], [[[1], [2]]])
