import numpy as np
import pytest

from hw_models import InputError, SpikeCode
from ssdp_neuro.data import DataSettings, load
from ssdp_neuro.data.code import PARAMETERS, in_code
from ssdp_neuro.data.settings import Encoding
from tests.ssdp_neuro.data.made_files import mnist_like

LATENCY = SpikeCode(
    n_steps=20, encoding="latency", parameters={"pool": 2, "window": 12, "darkest": 0.2}
)


def test_load__says_the_code_whatever_auto_is(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0))
    spikes = np.zeros((8, 5, 3), dtype=bool)
    np.savez(tmp_path / "s.npz", spikes=spikes, labels=np.arange(8) % 2)
    signals = np.arange(160).reshape(8, 20)
    np.savez(tmp_path / "d.npz", signals=signals, labels=np.arange(8) % 2)
    common = {"n_steps": 5, "validation": 0}
    for table, encoding in (
        ({"name": "idx", "folder": str(tmp_path)}, "latency"),
        ({"name": "idx", "folder": str(tmp_path), "encoding": "rate"}, "rate"),
        ({"name": "npz", "folder": str(tmp_path / "s.npz")}, "events"),
        ({"name": "npz", "folder": str(tmp_path / "d.npz"), "delta": 2}, "delta"),
    ):
        code = load(DataSettings(**common, **table)).code
        assert (code.encoding, code.n_steps) == (encoding, 5)
        names = set(PARAMETERS[Encoding(encoding)])
        assert set(code.parameters) == names - {"spans", "usual", "speaker_db", "range_db"}
        apart = load(DataSettings(**common, **table, spans=2)).code
        assert set(apart.parameters) == set(code.parameters) | {"spans"}
        assert code.differences(apart) == ["spans was not given and is 2"]


def test_parameters__every_encoding_has_its_own():
    assert set(PARAMETERS) == set(Encoding) - {Encoding.AUTO}
    for names in PARAMETERS.values():
        assert set(names) <= set(DataSettings().to_table())


def test_in_code__what_is_left_out_is_as_the_network_was_trained():
    settings = DataSettings.from_table(in_code(LATENCY, {"name": "mnist", "folder": "x"}))
    assert (settings.n_steps, settings.encoding, settings.pool) == (20, "latency", 2)
    assert (settings.window, settings.darkest) == (12, 0.2)


def test_in_code__what_is_asked_for_has_the_last_word():
    table = in_code(LATENCY, {"n_steps": 8, "darkest": 0.5, "encoding": "auto"})
    assert (table["n_steps"], table["darkest"], table["encoding"]) == (8, 0.5, "latency")
    assert DataSettings.from_table(table).window == 8  # no more than there are steps
    assert in_code(LATENCY, {"encoding": "rate"}) == {"n_steps": 20, "encoding": "rate"}
    assert in_code(None, {"n_steps": 8}) == {"n_steps": 8}


def test_in_code__refuses_a_code_that_is_none_of_ours():
    with pytest.raises(InputError, match="encoding 'phase'; known are"):
        in_code(SpikeCode(n_steps=5, encoding="phase"), {})
    with pytest.raises(InputError, match="'rate' has no 'window'"):
        in_code(SpikeCode(n_steps=5, encoding="rate", parameters={"window": 3}), {})
