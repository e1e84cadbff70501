"""Training by e-prop from a config: it learns, by another gradient, and refuses what it cannot."""

import pytest

from hw_models import InputError
from ssdp_neuro.training.run.choices import GradientKind
from tests.ssdp_neuro.training.run.made_runs import toy_config
from tests.ssdp_neuro.training.run.test_fit import trained

PLAIN = {"rule__kind": "none", "model__quantize_from_epoch": None}
EPROP = {**PLAIN, "training__gradient": "e-prop"}


@pytest.mark.parametrize("kind", ["feed-forward", "recurrent"])
def test_fit__learns_by_eprop(kind):
    config = toy_config(**EPROP, model__kind=kind, training__epochs=8)
    assert config.training.gradient is GradientKind.E_PROP
    history = trained(config).history
    assert history[-1].loss < 0.8 * history[0].loss
    other = trained(toy_config(**PLAIN, model__kind=kind, training__epochs=1)).history
    assert other[0].loss != history[0].loss


def test_fit__learns_through_feedback_that_is_not_the_weights():
    losses = {}
    for kind in ("symmetric", "random", "adaptive"):
        config = toy_config(**EPROP, training__feedback=kind, training__epochs=8)
        losses[kind] = [record.loss for record in trained(config).history]
        assert losses[kind][-1] < 0.9 * losses[kind][0]
    assert len({rows[-1] for rows in losses.values()}) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__quantize_from_epoch": 2}, "quantize_from_epoch"),
        ({"training__compile": True}, "compile"),
        ({"training__amp": True}, "amp"),
        ({"training__gradient": "surrogate", "training__feedback": "random"}, "feedback: random"),
        ({"model__learn_decays": True}, "gradient: e-prop: .* learned decays"),
        ({"training__psi_refractory": -0.1}, "gradient: e-prop: .* a psi_refractory needs"),
        (
            {"training__gradient": "surrogate", "training__reset_eligibility": "exact"},
            "reset_eligibility and psi_refractory",
        ),
    ],
)
def test_fit__refuses_what_eprop_cannot(changes, message):
    with pytest.raises(InputError, match=message):
        trained(toy_config(**{**EPROP, **changes}))
