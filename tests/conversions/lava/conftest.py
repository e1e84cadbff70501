import pytest


@pytest.fixture(autouse=True, scope="session")
def _lava_is_importable():
    import hw_models.lava_processes  # noqa: F401 before a test imports lava
