"""The configs beside the examples are read and fit their data; one of them is trained."""

from pathlib import Path

import pytest

from ssdp_neuro.training import fit, read_config

CONFIGS = sorted(Path(__file__).parents[4].joinpath("examples", "configs").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_examples__are_read(path):
    config = read_config(path)
    assert config.data is not None
    assert config.training.epochs > 1


def test_examples__digits_are_learned():
    (path,) = (path for path in CONFIGS if path.stem == "digits_da_ssdp")
    changes = ("training.epochs=8", "model.quantize_from_epoch=6", "training.threads=1")
    result = fit(read_config(path, changes), show_progress=False)
    assert result.history[-1].quantized
    assert result.test_accuracy > 0.9
