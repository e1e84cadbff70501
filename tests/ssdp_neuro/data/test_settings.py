import pytest

from hw_models import SsdpError
from ssdp_neuro.data.settings import DataSettings, Encoding


def test_data_settings__go_through_a_table_and_back():
    table = {"name": "fsdd", "held_out": ["theo", "nicolas"], "validation": 0, "n_steps": 50}
    settings = DataSettings.from_table(table)
    assert settings.held_out == ("theo", "nicolas")
    assert settings.validation == 0.0
    assert isinstance(settings.validation, float)
    assert settings.code is Encoding.AUTO
    plain = settings.to_table()
    assert plain["held_out"] == ["theo", "nicolas"]
    assert DataSettings.from_table(plain) == settings
    assert hash(settings) == hash(DataSettings.from_table(plain))


def test_data_settings__say_which_fields_there_are():
    with pytest.raises(SsdpError, match=r"unknown field 'nsteps'; there are \['name', 'folder'"):
        DataSettings.from_table({"nsteps": 5})


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("n_steps", 0, "allowed 1.."),
        ("n_steps", 2.0, "float"),
        ("n_steps", True, "boolean"),
        ("encoding", "poisson", "one of"),
        ("encoding", 3, "str is needed"),
        ("validation_by", "chance", "one of"),
        ("validation", 1.0, "0 to below 1"),
        ("validation", float("nan"), "finite"),
        ("validation", "0.1", "float is needed"),
        ("test", 0.0, "above 0"),
        ("darkest", 1.5, "0..1"),
        ("max_rate", 0, "above 0 to 1"),
        ("window", 21, "0..20 (n_steps)"),
        ("held_out", "theo", "a list of strings"),
        ("classes", [1], "a list of strings"),
        ("seed", -1, "allowed 0.."),
        ("pool", 0, "allowed 1.."),
        ("download", 1, "bool is needed"),
    ],
)
def test_data_settings__refuse_and_name_the_field(field, value, words):
    with pytest.raises(SsdpError) as refused:
        DataSettings(**{field: value})
    assert str(refused.value).startswith(f"data.{field}: ")
    assert words in str(refused.value)
