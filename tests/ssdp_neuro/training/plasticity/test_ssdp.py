import copy

import pytest
import torch
from torch import nn

from hw_models import ConversionError, InputError, RangeError, ShapeError
from ssdp_neuro.training import (
    DASSDP,
    SSDP,
    DelayedLinear,
    GateAtOne,
    InputOf,
    Positions,
    SpikeChoice,
    da_ssdp_update,
    first_spike,
    quantize,
)
from ssdp_neuro.training.plasticity.first_spike import last_spike
from tests.ssdp_neuro.training.models import dense_model
from tests.ssdp_neuro.training.plasticity.rule_steps import (
    RULE,
    Pass,
    change_of,
    same,
    spikes,
    wanted_change,
)


@pytest.mark.parametrize("pick", [first_spike, last_spike])
def test_step__adds_the_update_of_the_true_spikes(pick):
    model, x = dense_model(), spikes(6, 10, 12)
    choice = SpikeChoice.FIRST if pick is first_spike else SpikeChoice.LAST
    triples = [(model.hidden, model.to_output, model.output)]
    triples.append((InputOf(model), model.to_hidden, model.hidden))
    with SSDP(triples, spike=choice, **RULE) as rule:
        recorded = model.record(x)  # calls the modules, not the model: no input is seen
        rule.forget()
        model(x)
        made = [
            change_of(model.to_output.weight, lambda: None),
            model.to_hidden.weight.detach().clone(),
        ]
        output_before = model.to_output.weight.detach().clone()
        assert rule.step() is True
    assert not made[0].any()
    hidden, output = recorded["hidden"], recorded["output"]
    assert hidden.any()
    assert output.any()
    assert same(model.to_output.weight - output_before, wanted_change(hidden, output, pick))
    assert same(model.to_hidden.weight - made[1], wanted_change(x, hidden, pick))


def test_step__leaves_gradients_and_graph_alone():
    model, x = dense_model(), spikes(6, 10, 12)
    twin = copy.deepcopy(model)
    twin(x).sum().backward()
    with SSDP([(model.hidden, model.to_output, model.output)], **RULE) as rule:
        model(x).sum().backward()
        gradients = [parameter.grad.clone() for parameter in model.parameters()]
        rule.step()
    for parameter, gradient, plain in zip(
        model.parameters(), gradients, twin.parameters(), strict=True
    ):
        assert torch.equal(parameter.grad, gradient)
        assert torch.equal(parameter.grad, plain.grad)
        assert parameter.requires_grad
        assert parameter.is_leaf


def test_step__sees_training_only_and_what_is_enabled():
    model = dense_model()
    rule = SSDP([(model.hidden, model.to_output, model.output)], **RULE)
    model.eval()(spikes(5, 10, 12))
    model.train()
    rule.enabled = False
    model(spikes(5, 10, 12))
    assert not rule.enabled
    rule.enabled = True
    with pytest.raises(InputError, match="not called in training mode"):
        rule.step()
    model(spikes(5, 10, 12))
    rule.forget()
    with pytest.raises(InputError, match="not called in training mode"):
        rule.step()


def test_remove__takes_off_every_hook():
    model = dense_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    modules = (model, *model.children())
    hooks = [m._forward_hooks for m in modules] + [model._forward_pre_hooks]
    triples = [(InputOf(model), model.to_hidden, model.hidden)]
    triples.append((model.hidden, model.to_output, model.output))
    with SSDP(triples, optimizer=optimizer):
        # the hidden neurons are read by two connections in the same way: one hook
        assert [len(kept) for kept in hooks] == [0, 0, 1, 0, 1, 1]
        assert len(optimizer._optimizer_step_post_hooks) == 1
    assert not any(hooks)
    assert not optimizer._optimizer_step_post_hooks


def test_step__takes_all_passes_since_the_last_one_as_one_batch():
    model, x = dense_model(), spikes(6, 10, 12)
    twin = copy.deepcopy(model)
    for network, parts in ((model, [x]), (twin, [x[:2], x[2:]])):
        with SSDP([(network.hidden, network.to_output, network.output)], **RULE) as rule:
            for part in parts:
                network(part)
            rule.step()
    assert torch.equal(model.to_output.weight, twin.to_output.weight)


@pytest.mark.parametrize("fused", [False, True])  # a fused one looks for overflows itself
def test_step__does_nothing_where_the_optimizer_made_no_step(fused):
    model, x = dense_model(), spikes(6, 10, 12)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    with SSDP([(model.hidden, model.to_output, model.output)], optimizer=optimizer, **RULE) as rule:
        for overflow in (True, False, True):
            optimizer.zero_grad()
            loss = model(x).sum() * (float("inf") if overflow else 1.0)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            before = model.to_output.weight.detach().clone()
            assert rule.step() is not overflow
            assert torch.equal(model.to_output.weight, before) is overflow
        assert rule.steps == 1


def test_step__waits_for_the_warm_up():
    model, x = dense_model(), spikes(6, 10, 12)
    with SSDP([(model.hidden, model.to_output, model.output)], warm_up_steps=2, **RULE) as rule:
        changed = []
        for _ in range(4):
            model(x)
            changed.append(bool(change_of(model.to_output.weight, rule.step).any()))
    assert changed == [False, False, True, True]


def test_step__scales_with_the_learning_rate():
    changes = []
    for lr in (5e-4, 5e-5):
        model, x = dense_model(), spikes(6, 10, 12)
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        triple = (model.hidden, model.to_output, model.output)
        with SSDP([triple], optimizer=optimizer, scale_by_learning_rate=True, **RULE) as rule:
            model(x)
            optimizer.step()
            changes.append(change_of(model.to_output.weight, rule.step))
    assert changes[0].any()
    assert same(changes[0], 10 * changes[1]) or (changes[0] - 10 * changes[1]).abs().max() < 2e-6
    with pytest.raises(InputError, match="needs the optimizer"):
        SSDP([triple], scale_by_learning_rate=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_step__small_changes_of_low_precision_weights_add_up(dtype):
    pre, layer, post = Pass(), nn.Linear(3, 2, bias=False).to(dtype), Pass()
    with torch.no_grad():
        layer.weight.fill_(1.0)
    before, after = torch.ones(1, 4, 3), torch.ones(1, 4, 2)
    rule = SSDP([(pre, layer, post)], a_plus=2.0**-14, a_baseline=0.0)
    for step in range(1, 257):
        pre(before), post(after)
        rule.step()
        if step == 100:  # a resumed run goes on exactly
            state = copy.deepcopy(rule.state_dict())
            rule.remove()
            rule = SSDP([(pre, layer, post)], a_plus=2.0**-14, a_baseline=0.0)
            rule.load_state_dict(state)
    assert rule.steps == 256
    # each change is less than half a unit of the last place of either type at 1.0
    assert layer.weight.float().tolist() == [[1.0 + 2.0**-6] * 3] * 2


class OwnForward(nn.Linear):
    def forward(self, x):
        return super().forward(x).flip(-1)


def test_rule__refuses_weights_that_are_computed():
    pre, post = Pass(), Pass()
    for layer, why in (
        (nn.utils.parametrizations.weight_norm(nn.Linear(6, 5)), "parametrized by _WeightNorm"),
        (nn.utils.parametrizations.spectral_norm(nn.Linear(6, 5)), "_SpectralNorm"),
        (nn.utils.spectral_norm(nn.Linear(6, 5)), "computed before each pass"),
        (OwnForward(6, 5), "OwnForward: a rule needs"),
    ):
        with pytest.raises(ConversionError, match=why):
            SSDP([(pre, layer, post)])
    with pytest.warns(FutureWarning):
        layer = nn.utils.weight_norm(nn.Linear(6, 5))
    with pytest.raises(ConversionError, match="computed before each pass"):
        SSDP([(pre, layer, post)])
    with pytest.raises(RangeError, match="reflect"):
        SSDP([(pre, nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), post)])


def test_step__changes_frozen_weights_too():
    model, x = dense_model(), spikes(6, 10, 12)
    model.requires_grad_(False)
    with SSDP([(model.hidden, model.to_output, model.output)], **RULE) as rule:
        model(x)
        assert change_of(model.to_output.weight, rule.step).any()


@pytest.mark.parametrize("overflow_at", [None, 1, 3])
def test_step__small_batches_accumulate_to_one(overflow_at):
    model = dense_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)

    def cycle(x, overflow_at):
        optimizer.zero_grad()
        for part in range(4):
            loss = model(x[2 * part : 2 * part + 2]).sum()
            scaler.scale(loss * (float("inf") if part == overflow_at else 1.0)).backward()
            if part < 3:
                assert rule.step() is False
        scaler.step(optimizer)
        scaler.update()
        return change_of(model.to_output.weight, rule.step)

    with SSDP([(model.hidden, model.to_output, model.output)], optimizer=optimizer, **RULE) as rule:
        if overflow_at is not None:
            assert not cycle(spikes(8, 10, 12, seed=5), overflow_at).any()
        x = spikes(8, 10, 12)
        made = cycle(x, None)
    assert rule.steps == 1
    assert made.any()
    model.to_output.weight.data -= made  # as it was while x was shown
    recorded = model.record(x)
    assert same(made, wanted_change(recorded["hidden"], recorded["output"]))


def test_step__an_empty_batch_changes_nothing():
    for layer, room, positions in (
        (nn.Linear(6, 5), (), Positions.FIRST_ARRIVAL),
        (nn.Linear(6, 5), (3,), Positions.EACH),
        (nn.Conv2d(6, 5, 3, padding=1), (4, 4), Positions.EACH),
        (DelayedLinear(6, 5, delays=torch.arange(30).view(5, 6).numpy()), (), Positions.EACH),
    ):
        conv = isinstance(layer, nn.Conv2d)
        pre, post = Pass(), Pass()
        shapes = [(0, 4, n, *room) if conv else (0, 4, *room, n) for n in (6, 5)]
        settings = {"significance": None, "minimum_spread": 0.0, "positions": positions}
        with DASSDP([(pre, layer, post)], warm_up_steps=2, **settings) as rule:
            for n_samples, changed in ((3, False), (0, False), (0, True)):
                pre(spikes(n_samples, *shapes[0][1:])), post(spikes(n_samples, *shapes[1][1:]))
                before = layer.weight.detach().clone()
                assert rule.step(torch.rand(n_samples)) is changed
                assert torch.equal(layer.weight, before)


def test_step__says_why_it_may_see_nothing():
    model = dense_model()
    rule = SSDP([(model.hidden, model.to_output, model.output)])
    with pytest.raises(InputError, match=r"CubaLif: not called.*torch\.compile"):
        rule.step()
    rule.remove()


def test_load_state_dict__refuses_the_state_of_another_rule():
    model = dense_model()
    one = [(model.hidden, model.to_output, model.output)]
    two = [(InputOf(model), model.to_hidden, model.hidden), *one]
    state = DASSDP(two, warm_up_steps=8).state_dict()
    for other, what in (
        (DASSDP(two, warm_up_steps=4), "warm_up_steps: 8 in the state, 4"),
        (DASSDP(one, warm_up_steps=8), "connections"),
        (DASSDP(two, warm_up_steps=8, sigma=2.0), "sigma"),
        (DASSDP(two, warm_up_steps=8, spike=SpikeChoice.LAST), "spike"),
        (GateAtOne(two, warm_up_steps=8), "kind: DASSDP"),
        (SSDP(two, warm_up_steps=8), "kind"),
    ):
        with pytest.raises(InputError, match=what):
            other.load_state_dict(state)
    with pytest.raises(InputError, match="older version"):
        SSDP(one).load_state_dict({"steps": 3, "residuals": {}})
    DASSDP(two, warm_up_steps=8).load_state_dict(state)


@pytest.mark.parametrize("kind", ["time first", "stepwise"])
def test_step__takes_other_orders_of_time(kind):
    pre, layer, post = Pass(), nn.Linear(6, 5), Pass()
    before, after = spikes(4, 7, 6), spikes(4, 7, 5, seed=1)
    order = {"time_dim": 0} if kind == "time first" else {"stepwise": True}
    with SSDP([(pre, layer, post)], **order, **RULE) as rule:
        if kind == "time first":
            pre(before.movedim(1, 0)), post(after.movedim(1, 0))
        else:
            for t in range(7):
                pre(before[:, t]), post(after[:, t])
        made = change_of(layer.weight, rule.step)
    assert same(made, wanted_change(before, after))


def test_step__of_a_quantized_layer_changes_the_real_weights():
    model, x = dense_model(), spikes(6, 10, 12)
    quantize(model)
    original = model.to_output.parametrizations.weight.original
    recorded = model.record(x)
    with SSDP([(model.hidden, model.to_output, model.output)], **RULE) as rule:
        model(x)
        made = change_of(original, rule.step)
    assert same(made, wanted_change(recorded["hidden"], recorded["output"]))


def test_rule__refuses_layers_and_spikes_that_do_not_fit():
    pre, post = Pass(), Pass()
    with pytest.raises(ConversionError, match="Conv1d"):
        SSDP([(pre, nn.Conv1d(1, 1, 1), post)])
    with pytest.raises(RangeError, match="groups 2"):
        SSDP([(pre, nn.Conv2d(2, 2, 1, groups=2), post)])
    with pytest.raises(RangeError, match="sigma"):
        SSDP([], sigma=0.0)
    with SSDP([(pre, nn.Linear(6, 5), post)]) as rule:
        with pytest.raises(ShapeError, match="6"):
            pre(spikes(4, 7, 8))
        with pytest.raises(ShapeError, match="stepwise"):
            pre(spikes(4, 6))
        pre(spikes(4, 7, 6)), post(spikes(3, 7, 5))
        with pytest.raises(InputError, match="3, 4"):
            rule.step()
        pre(spikes(4, 7, 6)), post(spikes(4, 8, 5))
        with pytest.raises(InputError, match="7 steps before"):
            rule.step()
    with SSDP([(pre, nn.Conv2d(2, 2, 1), post)], positions=Positions.EACH) as rule:
        pre(spikes(4, 7, 2, 3, 3)), post(spikes(4, 7, 2, 2, 2))
        with pytest.raises(InputError, match="9 positions before"):
            rule.step()


def test_step__gate_of_a_sample_is_that_of_its_positions(monkeypatch):
    pre, layer, post = Pass(), nn.Conv2d(2, 3, 1), Pass()
    before, after = spikes(3, 4, 2, 2, 2), spikes(3, 4, 3, 2, 2, seed=1)
    gate = torch.tensor([2.0, 0.0, 0.5])
    with SSDP([(pre, layer, post)], positions=Positions.EACH, **RULE) as rule:
        monkeypatch.setattr(rule, "_gates", lambda sides, loss: [gate])
        pre(before), post(after)
        made = change_of(layer.weight, rule.step)
    sides = [first_spike(x.flatten(3).movedim(3, 1).flatten(0, 1)) for x in (before, after)]
    wanted = da_ssdp_update(*sides[0], *sides[1], gate=gate.repeat_interleave(4), n_steps=4, **RULE)
    assert same(made, wanted[:, :, None, None])
