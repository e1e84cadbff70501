"""A cluster that somebody else runs."""

import pytest
from distributed import LocalCluster

from conversions.comparison import workers
from hw_models import ExecutorError


@pytest.mark.filterwarnings("default")  # what dask warns of while it ends is its own
def test_map_tasks__on_a_cluster_in_order_and_not_without_workers(monkeypatch):
    with LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        monkeypatch.setattr(workers, "WAIT_FOR_WORKERS", 0.5)
        with pytest.raises(ExecutorError, match=r"no worker has joined .* in 0\.5 s"):
            workers.map_tasks(abs, [-1], cluster=address)
        monkeypatch.undo()
        cluster.scale(1)
        assert workers.map_tasks(abs, [-3, 1, -2, 0, -5], cluster=address) == [3, 1, 2, 0, 5]
