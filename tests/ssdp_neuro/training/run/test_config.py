import dataclasses
import sys

import pytest

from hw_models import InputError, RangeError, ResetMode, SsdpError, TypeMismatchError
from ssdp_neuro.rules.names import RuleName
from ssdp_neuro.training import (
    LossChoice,
    Positions,
    Preset,
    RuleSettings,
    SpikeChoice,
    config_of,
    read_config,
)
from ssdp_neuro.training.run.choices import ModelKind
from ssdp_neuro.training.run.config import SECTIONS, described_fields, example_config
from ssdp_neuro.training.run.section import field_notes, plain, read_section
from ssdp_neuro.training.run.settings.rule import RuleSection

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def written(tmp_path, text):
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_read_config__reads_every_kind_of_value(tmp_path):
    text = """
    [data]
    name = "fashion-mnist"
    held_out = ["théo \\\\ \\" x"]
    [model]
    kind = "feed-forward"
    hidden = [100, 50]
    threshold = 2
    reset = "zero"
    [rule]
    kind = "da-ssdp"
    scale_by_learning_rate = true
    """
    config = read_config(written(tmp_path, text))
    assert config.data.held_out == ('théo \\ " x',)
    assert (config.model.kind, config.model.reset) == (ModelKind.FEED_FORWARD, ResetMode.ZERO)
    assert config.model.hidden == (100, 50)
    assert (config.model.threshold, type(config.model.threshold)) == (2.0, float)
    assert config.rule.kind is RuleName.DA_SSDP
    assert config.rule.changes() == {"scale_by_learning_rate": True}
    assert read_config(written(tmp_path, config.to_toml())) == config


def test_read_config__changes_of_the_command_line(tmp_path):
    path = written(tmp_path, "[data]\nname = 'digits'\n[training]\nepochs = 3")
    changes = ("training.epochs=5", "data.folder = some/where", "model.hidden=[7]")
    config = read_config(path, changes)
    assert (config.training.epochs, config.data.folder, config.model.hidden) == (
        5,
        "some/where",
        (7,),
    )


def test_rule__takes_every_setting_of_the_rule():
    table = {
        "kind": "da-ssdp",
        "preset": "paper",
        "positions": "each",
        "spike": "last",
        "loss": "batch-mean",
        "trend_steps": 0,
        "significance": 1,
        "minimum_spread": 0.5,
        "sigma": 2,
    }
    section = read_section(RuleSection, table, "[rule]")
    made = dataclasses.replace(Preset.CORRECTED.value, **section.changes())
    assert made == RuleSettings(
        positions=Positions.EACH,
        spike=SpikeChoice.LAST,
        loss=LossChoice.BATCH_MEAN,
        trend_steps=None,
        significance=None,
        minimum_spread=0.5,
        sigma=2.0,
    )
    assert {f.name for f in dataclasses.fields(RuleSettings)} < {
        f.name for f in dataclasses.fields(RuleSection)
    }


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("[modle]", InputError, "no section 'modle'; did you mean 'model'"),
        ("[model]\nhiden = [3]", InputError, r"\[model\]: no field 'hiden'; did you mean 'hidden'"),
        ("[model]\nhidden = 3", TypeMismatchError, r"\[model\] hidden: 3; list of integer"),
        ("[model]\nhidden = [3, 'a']", TypeMismatchError, r"hidden\[1\]: \"a\"; integer"),
        ("[model]\nhidden = [0]", RangeError, "hidden: 0"),
        ("[model]\nkind = 'recurent'", InputError, "did you mean 'recurrent'"),
        ("[model]\nthreshold = nan", RangeError, "threshold: nan"),
        ("[training]\nepochs = 3.0", TypeMismatchError, r"epochs: 3.0; integer is needed"),
        ("[training]\nepochs = true", TypeMismatchError, "epochs: true; integer"),
        ("[training]\namp = 1", TypeMismatchError, "amp: 1; true"),
        ("[training]\nepochs = 0", RangeError, "epochs: 0"),
        ("[training]\ndropped_spikes = 1.0", RangeError, "dropped_spikes: 1.0; allowed from 0"),
        ("[optimizer]\nlearning_rate = -1", RangeError, "learning_rate: -1.0; allowed above 0"),
        ("[optimizer]\nlearning_rate = 1e38", RangeError, r"1e\+38; allowed above 0, to 1e\+30"),
        ("[model]\nkind = 'transformer'\nhidden = [8, 8]", RangeError, "takes one number"),
        ("[model]\nkind = 'transformer'\nrefractory = 2", RangeError, "refractory: 2; .* left out"),
        ("[rule]\nsigma = 0", RangeError, "sigma"),
        ("[rule]\nsignificance = 2", RangeError, "significance: 2"),
        ('[rule]\npositions = "all"', InputError, "positions: 'all'"),
        ("[data]\nn_steps = 0", RangeError, "n_steps"),
        ("training = 3", TypeMismatchError, "a section with fields"),
        ("epochs = 3", InputError, "no section 'epochs'"),
        ("[training]\nthreads = 100000", RangeError, r"threads: 100000; allowed 0\.\.1024"),
        (f"[training]\nepochs = {'9' * 400}", InputError, "epochs: an integer of 1330 bits"),
        (f"[training]\nepochs = {'9' * 5000}", InputError, "not TOML"),
        (f"[optimizer]\nlearning_rate = {'9' * 400}", InputError, "1330 bits"),
        (f"[model]\nhidden = {'[' * 20000}", InputError, "not TOML: nested more than 32 deep"),
        (f"[model]\nhidden = {'[' * 99}{']' * 99}", InputError, "nested more than 32 deep"),
        (f"a{'.a' * 99} = 3", InputError, "nested more than 32 deep"),
        ("#" * 2**21, InputError, "larger than 1048576 bytes"),
        ("[training\n", InputError, "run.toml: not TOML"),
        ("[training]\nepochs = 1\nepochs = 2", InputError, "not TOML"),
    ],
)
def test_read_config__refuses_naming_place_and_what_is_allowed(tmp_path, text, error, words):
    with pytest.raises(error, match=words):
        read_config(written(tmp_path, text))


def test_read_config__takes_a_file_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "run.toml"
    path.write_bytes(b"\xef\xbb\xbf[training]\r\nepochs = 3\r\n")
    assert read_config(path).training.epochs == 3


def test_read_config__a_change_of_what_is_no_section(tmp_path):
    with pytest.raises(TypeMismatchError, match=r"'data\.n_steps=3': data is 3 in the file; a"):
        read_config(written(tmp_path, "data = 3"), ("data.n_steps=3",))


@pytest.mark.parametrize("change", ["training.seed=3\nepochs = 2", f"training.seed={'[' * 20000}"])
def test_read_config__a_change_is_one_value(tmp_path, change):
    with pytest.raises(TypeMismatchError, match=r"seed: .* is needed"):
        read_config(written(tmp_path, ""), (change,))
    with pytest.raises(InputError, match="1330 bits"):
        read_config(written(tmp_path, ""), (f"training.seed={'9' * 400}",))


@pytest.mark.parametrize("change", ["epochs=3", "training.epochs", "training=3"])
def test_read_config__refuses_changes_of_another_form(tmp_path, change):
    with pytest.raises(InputError, match=r"section\.field=value"):
        read_config(written(tmp_path, ""), (change,))


@pytest.mark.parametrize("name", SECTIONS)
def test_sections__every_field_is_documented_and_checked(name):
    for note in field_notes(SECTIONS[name]):
        assert len(note.meaning) > 8, note.name
        assert note.name in described_fields()
    wrong = {field: [0.5, [1]] for field in plain(SECTIONS[name]())}
    with pytest.raises(SsdpError, match=r"here .*0\.5"):
        read_section(SECTIONS[name], wrong, "here")


def test_example_config__is_the_defaults(tmp_path):
    config = read_config(written(tmp_path, example_config()))
    assert config == config_of({name: {} for name in SECTIONS})


def test_sections__are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        config_of({}).training.epochs = 3


def test_config__rules_of_the_chip_alone_are_no_rules_of_training():
    with pytest.raises(InputError, match=r"rule.*kind: 'error-ssdp'"):
        config_of({"rule": {"kind": "error-ssdp"}})
    notes = {note.name: note for note in field_notes(RuleSection)}
    assert "error-ssdp" not in notes["kind"].allowed
    assert notes["preset"].allowed == '"reference" | "paper" | "corrected"'
    assert (notes["kind"].default, notes["preset"].default) == ('"none"', '"corrected"')
    for preset in Preset:
        config = config_of({"rule": {"preset": preset.name.lower()}})
        assert config.rule.preset is preset
        assert config_of(tomllib.loads(config.to_toml())) == config
