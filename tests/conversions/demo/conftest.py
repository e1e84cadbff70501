import pytest

from conversions.demo.demonstration import run_demo
from conversions.demo.settings import DemoSettings

TINY = DemoSettings(
    seed=3,
    n_hidden=48,
    epochs=3,
    n_calibration=30,
    shots=(2, 8),
    amplitudes=(255, 128),
    learning_epochs=2,
    n_lava_runtime=1,
    n_lava_models=3,
    n_latency_seeds=2,
)


@pytest.fixture(scope="package")
def tiny_demo(tmp_path_factory):
    """One small demo from beginning to end: its result, what it said, what it saved."""
    folder = tmp_path_factory.mktemp("demo") / "saved"
    said = []
    return run_demo(TINY, say=said.append, save_to=folder), said, folder
