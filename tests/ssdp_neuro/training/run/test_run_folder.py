"""The folder of a run: damage is seen, what is not the run's own stays, nothing half is left."""

import copy
import hashlib
import json
import warnings
from pathlib import Path

import pytest
from torch import nn

from hw_models import InputError, NetworkFileError
from ssdp_neuro.training import fit
from ssdp_neuro.training.run.circumstances import OtherCircumstancesWarning
from ssdp_neuro.training.run.run_folder import DamagedCheckpointWarning, RunFolder
from tests.ssdp_neuro.training.run.made_runs import OwnNetwork, toy_config, toy_split
from tests.ssdp_neuro.training.run.test_resume import best, same, stopped_at, trained

SHORT = {"rule__kind": "none", "training__epochs": 2, "model__quantize_from_epoch": None}


@pytest.fixture(scope="module")
def whole():
    """The run that nothing happens to."""
    return trained(config=toy_config(**SHORT))


def leaves(value, path=()):
    """Every number, text and ``None`` in nested JSON, with the way to it; and every container."""
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        if isinstance(inner, (dict, list)):
            yield from leaves(inner, (*path, key))
        else:
            yield (*path, key)


def changed(described, path, change):
    """A copy in which one place is another."""
    if not path:
        return change(described)
    made = copy.deepcopy(described)
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = change(place[path[-1]])
    return made


def other(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None if value else "x"
    return value + 1


def test_newest__any_change_of_the_json_is_seen(tmp_path):
    trained(tmp_path, config=toy_config(**SHORT))
    folder = RunFolder(tmp_path)
    earlier, step = folder.steps()
    file = folder.checkpoints / f"step-{step:09d}.json"
    described = json.loads(file.read_text())
    places = list(leaves(described))
    assert ("progress", "epoch") in places
    assert len(places) > 100
    damaged = [json.dumps(changed(described, path, other)) for path in places]
    damaged += [
        json.dumps({name: value for name, value in described.items() if name != left_out})
        for left_out in described
    ]
    damaged += ["", "{}", "[]", "3", "\x00", '{"format": 3', "[" * 100_000, '{"a":' * 100_000]
    damaged += ['{"step": ' + "9" * 5000 + "}", file.read_text()[:-30]]
    for text in damaged:
        file.write_text(text)
        with pytest.warns(DamagedCheckpointWarning, match=file.name):
            _, rest = folder.newest()
        assert rest["step"] == earlier
    # laid out in another way it says the same
    file.write_text(json.dumps(described, sort_keys=True))
    assert folder.newest()[1]["step"] == step


@pytest.mark.parametrize("what", ["renamed", "folder", "binary", "without tensors"])
def test_newest__files_that_are_no_checkpoint_are_left_out(tmp_path, what, whole):
    trained(tmp_path, config=toy_config(**SHORT))
    checkpoints = tmp_path / "checkpoints"
    newest = sorted(checkpoints.glob("*.json"))[-1]
    if what == "renamed":
        for file in list(checkpoints.glob(f"{newest.stem}.*")):
            file.rename(file.with_stem("step-000000099"))
    elif what == "folder":
        (checkpoints / "step-000000099.json").mkdir()
    elif what == "binary":
        newest.write_bytes(b"\xff\xfe" + newest.read_bytes())
    else:
        newest.with_suffix(".safetensors").unlink()
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        same(trained(tmp_path, config=toy_config(**SHORT), resume=True), whole)
    said = any(issubclass(w.category, DamagedCheckpointWarning) for w in noted)
    assert said == (what != "folder")
    assert (checkpoints / "step-000000099.json").exists() == (what == "folder")


def test_newest__all_damaged_is_an_error_that_says_so(tmp_path):
    trained(tmp_path, config=toy_config(**SHORT))
    for file in (tmp_path / "checkpoints").glob("*.json"):
        file.write_text(file.read_text().replace('"epoch"', '"epohc"', 1))
    with (
        pytest.warns(DamagedCheckpointWarning),
        pytest.raises(NetworkFileError, match=r"no checkpoint is whole: .*damaged"),
    ):
        trained(tmp_path, config=toy_config(**SHORT), resume=True)


def test_remove_old__a_damaged_later_checkpoint_does_not_push_out_whole_ones(tmp_path, whole):
    config = toy_config(**SHORT, training__keep=1)

    def stop(record):
        if record.epoch == 0:
            newest = RunFolder(tmp_path).steps()[-1]
            for ending in ("json", "safetensors"):
                damaged = tmp_path / "checkpoints" / f"step-{newest + 1000:09d}.{ending}"
                damaged.write_text("{}")
            stopped_at(0)(record)

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, config=config, on_epoch=stop)
    assert max(RunFolder(tmp_path).steps()) < 1000  # it has gone, the whole one is there
    same(trained(tmp_path, config=config, resume=True), whole)


def test_fit__what_the_run_did_not_write_stays(tmp_path):
    checkpoints = tmp_path / "checkpoints"
    (checkpoints / "mine").mkdir(parents=True)
    mine = ["notes.txt", "copy.safetensors", "step-7.json", "mine/step-000000001.json"]
    mine += [".notes.txt.partial", ".step-000000001.json.partial"]
    for name in mine:
        (checkpoints / name).write_text("mine")
    (checkpoints / "step-000000001.safetensors").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    trained(tmp_path, config=toy_config(**SHORT))
    for name in mine:
        assert (checkpoints / name).read_text() == "mine"
    assert (checkpoints / "step-000000001.safetensors").is_dir()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len(RunFolder(tmp_path).steps()) == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.toml", "# mine\n[training]\nepochs = 3\n"),
        ("config.toml", "[["),
        ("best.safetensors", "mine"),
        ("result.json", "mine"),
    ],
)
def test_fit__refuses_to_write_over_what_the_run_did_not_write(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="another --out"):
        trained(tmp_path, config=toy_config(**SHORT))
    assert (tmp_path / name).read_text() == text
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_fit__a_run_that_had_no_checkpoint_yet_begins_anew(tmp_path, whole):
    (tmp_path / "config.toml").write_text(toy_config(**SHORT, training__batch_size=5).to_toml())
    same(trained(tmp_path, config=toy_config(**SHORT)), whole)


@pytest.mark.parametrize("there", [False, True])
def test_fit__refuses_to_resume_where_there_is_no_run(tmp_path, there):
    folder = tmp_path / "rnu"
    if there:
        folder.mkdir()
        (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"rnu: there is no run to go on with; .*--resume"):
        trained(folder, config=toy_config(**SHORT), resume=True)
    assert folder.exists() == there


def test_fit__what_a_killed_run_had_written_half_is_removed(tmp_path):
    # test_resume__killed_while_it_writes has one of a run that was killed indeed
    names = ["config.toml", "best.safetensors", "result.json", "checkpoints/step-000000002.json"]
    (tmp_path / "checkpoints").mkdir()
    left = [(tmp_path / name).with_name(f".{Path(name).name}.{'0' * 32}.partial") for name in names]
    for file in left:
        file.write_text("{")
    trained(tmp_path, config=toy_config(**SHORT), resume=True)
    assert not [file for file in left if file.exists()]


def test_resume__says_what_else_differs(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, on_epoch=stopped_at(0))
    with pytest.warns(OtherCircumstancesWarning, match="threads was 1 and is now 2.*last bits"):
        trained(tmp_path, config=toy_config(training__threads=2), resume=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(tmp_path, config=toy_config(training__threads=0), resume=True)


@pytest.mark.parametrize("name", ["torch", "numpy", "numba", "ssdp-neuro", "processor"])
def test_resume__says_which_version_or_processor_was_another(tmp_path, name):
    trained(tmp_path, config=toy_config(**SHORT))
    folder = RunFolder(tmp_path)
    tensors, rest = folder.newest()
    step = rest.pop("step")
    rest["circumstances"][name] = "0.0"
    folder.write(step, tensors, rest)
    with pytest.warns(OtherCircumstancesWarning, match=rf"{name} was 0\.0 and is now "):
        trained(tmp_path, config=toy_config(**SHORT), resume=True)


def test_resume__refuses_another_model_or_rule_than_it_began_with(tmp_path):
    config = toy_config(**SHORT)
    began = tmp_path / "run"
    trained(began, config=config, model=OwnNetwork())
    before = hashlib.sha256(best(began)).digest()
    for model in (nn.Linear(12, 3), None):
        with pytest.raises(InputError, match="another model or rule"):
            fit(
                config,
                data=toy_split(),
                model=model,
                out=began,
                resume=True,
                show_progress=False,
            )
    ruled = toy_config(**{**SHORT, "rule__kind": "ssdp"})
    trained(tmp_path / "ruled", config=ruled)
    with pytest.raises(InputError, match="the run had a rule and is now given none"):
        trained(tmp_path / "ruled", config=ruled, rule=lambda *_: None, resume=True)
    assert hashlib.sha256(best(began)).digest() == before
