import os
import threading

import numpy as np
import pytest

from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
from ssdp_neuro import simulate
from ssdp_neuro.engine import core_use, simulator
from ssdp_neuro.engine.core_use import available_cores


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/a/b\n", {}, 8),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000"}, 8),
        ("0::/a/b\n", {"a/b/cpu.max": "350000 100000"}, 3),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "200000 100000"}, 2),
        ("0::/a/b\n", {"a/b/cpu.max": "1600000 100000", "cpu.max": "50000 100000"}, 1),
        (
            "4:memory:/x\n3:cpu,cpuacct:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "400000", "cpu/a/cpu.cfs_period_us": "100000"},
            4,
        ),
        (
            "3:cpu,cpuacct:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"},
            8,
        ),
        (None, {}, 8),
    ],
)
def test_available_cores__follows_the_control_group(eight_cores, tmp_path, groups, files, expected):
    if groups is not None:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert available_cores(tmp_path) == expected


def test_available_cores__are_those_that_the_process_may_run_on(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 7}, raising=False)
    assert available_cores(tmp_path) == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert available_cores(tmp_path) == os.cpu_count()


@pytest.mark.kernel
def test_simulate__keeps_its_threads():
    clock = LifPopulation(
        name="clock",
        shape=(1,),
        current_decay=4095,
        voltage_decay=0,
        threshold=2,
        bias_mantissa=64,
    )
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(3,)), clock],
        projections=[DenseProjection(source="in", target="clock", weights=np.ones((1, 3), int))],
    )
    spikes = np.ones((9, 5, 3), dtype=bool)
    alone = simulate(network, spikes, n_steps=5, n_threads=1)
    before = None
    for _ in range(20):
        run = simulate(network, spikes, n_steps=5, n_threads=3)
        np.testing.assert_array_equal(run.events("clock"), alone.events("clock"))
        names = {t.name for t in threading.enumerate() if t.name.startswith("ssdp_neuro")}
        assert 1 <= len(names) < 20
        assert before is None or before <= names
        before = names


def test_available_cores__looks_at_the_control_group_now_and_then(
    eight_cores, monkeypatch, tmp_path
):
    """Not in every run: reading its files takes longer than many of them."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    limit = tmp_path / "sys/fs/cgroup/cpu.max"
    limit.parent.mkdir(parents=True)
    found = []
    for second, text in ((0.0, "200000 100000"), (0.5, "300000 100000"), (60.0, "400000 100000")):
        monkeypatch.setattr(core_use.time, "monotonic", lambda second=second: second)
        limit.write_text(text)
        found.append(available_cores(tmp_path))
    assert found == [2, 2, 4]


def test_is_overloaded__tells_by_the_load_of_a_minute(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    for load, expected in ((0.3, False), (8.0, False), (8.1, True)):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, 0.0, 0.0), raising=False)
        assert core_use.is_overloaded() == expected
    monkeypatch.delattr(os, "getloadavg")
    assert not core_use.is_overloaded()


@pytest.mark.kernel
@pytest.mark.parametrize(("n_threads", "expected"), [(None, 1), (2, 2)])
def test_simulate__keeps_one_sample_to_one_thread_on_an_overloaded_machine(
    eight_cores, monkeypatch, n_threads, expected
):
    seen = []
    job = simulator.Job
    monkeypatch.setattr(simulator, "is_overloaded", lambda: True)
    monkeypatch.setattr(simulator, "Job", lambda *given: seen.append(given[2]) or job(*given))
    cell = LifPopulation(name="c", shape=(1,), current_decay=9, voltage_decay=9, threshold=9)
    network = FixedPointNetwork(populations=[cell], projections=[])
    simulate(network, None, n_steps=3, n_threads=n_threads)
    assert seen == [expected]
