import pytest

from conversions.demo.settings import DemoSettings, quick_settings
from hw_models import RangeError


def test_demo_settings__the_rule_changes_a_weight_by_at_most_eight():
    rule = DemoSettings().rule(255)
    assert int(rule.kernel.max()) * rule.potentiation * 128 / 2**rule.shift < 8
    assert rule.kernel[0] == 255
    assert (rule.kernel[1:] <= rule.kernel[:-1]).all()


def test_quick_settings__do_less():
    quick, whole = quick_settings(5), DemoSettings()
    assert quick.seed == 5
    assert quick.n_hidden < whole.n_hidden
    assert quick.epochs < whole.epochs
    assert quick.n_lava_runtime < whole.n_lava_runtime


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("n_trained_classes", 10),
        ("n_steps", 32),
        ("window", 21),
        ("shots", ()),
        ("shots", (0,)),
        ("amplitudes", (256,)),
    ],
)
def test_demo_settings__refuses_what_the_demo_cannot_do(field, value):
    with pytest.raises(RangeError, match=f"DemoSettings.{field}"):
        DemoSettings(**{field: value})
