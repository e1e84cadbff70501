import json

import numpy as np
import pytest

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    NetworkFileError,
    SpikeCode,
    SsdpError,
    load,
    load_code,
    same_record,
    save,
)

CODE = SpikeCode(
    n_steps=20,
    encoding="latency",
    parameters={"window": 12, "darkest": 0.1},
    class_names=("shirt", "ankle boot"),
)
NETWORK = FixedPointNetwork(
    populations=[
        InputPopulation(name="in", shape=(2,)),
        LifPopulation(name="out", shape=(1,), current_decay=4095, voltage_decay=0, threshold=9),
    ],
    projections=[DenseProjection(source="in", target="out", weights=[[2, 4]])],
)


def test_spike_code__text_gives_it_again():
    assert SpikeCode.from_text(CODE.to_text()) == CODE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_steps": 0}, "n_steps: 0"),
        ({"n_steps": 2.5}, "n_steps"),
        ({"encoding": 3}, "encoding: 3"),
        ({"encoding": "a\nb"}, "encoding"),
        ({"parameters": [1]}, "parameters"),
        ({"parameters": {"window": "12"}}, "window: '12'; a number"),
        ({"parameters": {"window": True}}, "window: True"),
        ({"parameters": {"window": float("inf")}}, "window: inf"),
        ({"parameters": {str(i): i for i in range(65)}}, "at most 64"),
        ({"class_names": "ab"}, "class_names: 'ab'"),
        ({"class_names": [1]}, "class_names: 1"),
        ({"decision": "first spike"}, "decision: 'first spike'; one of"),
        ({"more": 1}, "the fields"),
    ],
)
def test_spike_code__text_of_something_else_is_refused(change, words):
    text = json.dumps({**json.loads(CODE.to_text()), **change})
    with pytest.raises(SsdpError, match=words):
        SpikeCode.from_text(text)


@pytest.mark.parametrize("text", [None, b"{}", "{", "[" * 100_000, "[]", "x" * 2**21])
def test_spike_code__what_is_no_json_object_is_refused(text):
    with pytest.raises(SsdpError, match="spike code"):
        SpikeCode.from_text(text)


def test_spike_code__says_what_differs():
    other = SpikeCode(n_steps=10, encoding="latency", parameters={"window": 9, "pool": 2})
    assert CODE.differences(other) == [
        "n_steps was 20 and is 10",
        "darkest was 0.1 and is not given",
        "pool was not given and is 2",
        "window was 12 and is 9",
    ]
    rate = SpikeCode(n_steps=20, encoding="rate", parameters={"max_rate": 1.0})
    assert CODE.differences(rate) == ["encoding was latency and is rate"]
    assert CODE.differences(CODE) == []


def test_save__keeps_the_code_beside_the_network(tmp_path):
    save(NETWORK, tmp_path / "with.h5", code=CODE)
    save(NETWORK, tmp_path / "without.h5")
    assert load_code(tmp_path / "with.h5") == CODE
    assert load_code(tmp_path / "without.h5") is None
    assert same_record(load(tmp_path / "with.h5"), NETWORK)


def test_load_code__refuses_a_damaged_one(tmp_path):
    import h5py

    path = tmp_path / "net.h5"
    for text in ("{}", CODE.to_text().replace("20", "-1"), np.arange(3)):
        save(NETWORK, path)
        with h5py.File(path, "r+") as file:
            file.attrs["code"] = text
        with pytest.raises(NetworkFileError, match=r"net\.h5"):
            load_code(path)
