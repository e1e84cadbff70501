"""The kernel of a GPU on a CPU, by Triton's interpreter: a child of test_synchrony_gpu.py runs it.

The interpreter is chosen for a whole process, before Triton is imported.
"""

import pytest
import torch

from ssdp_neuro.training.plasticity import synchrony_update
from tests.ssdp_neuro.training.plasticity.test_synchrony_update import RULE, gap, sides


@pytest.fixture(autouse=True)
def by_gpu_kernel(monkeypatch):
    def by_kernel(table, post, pre, share):
        n_steps = len(table) // 2 - 1
        dtype, kind = table.dtype, table.device
        kernel = synchrony_update._kernel(RULE["sigma"], n_steps, dtype, kind)
        amplitudes = torch.tensor([RULE["a_plus"], -RULE["a_baseline"]], dtype=dtype)
        return synchrony_update.by_gpu_kernel(kernel, amplitudes, post, pre, share, n_steps)

    monkeypatch.setattr(synchrony_update, "_by_lookup", by_kernel)
    monkeypatch.setattr(synchrony_update, "PRODUCT_UP_TO", {"cpu": 0})


@pytest.mark.parametrize("n_steps", [1, 100, 1000])
@pytest.mark.parametrize("sizes", [(1, 3, 2), (5, 70, 40)])
def test_da_ssdp_update__by_the_kernel_equals_the_formula(sizes, n_steps):
    n_samples, n_pre, n_post = sizes
    given, gate = sides(n_samples, n_pre, n_post, n_steps)
    assert gap(given, gate, n_steps)[0] < 1e-14
    assert gap(given, gate.float(), n_steps)[0] < 4e-6


def test_da_ssdp_update__a_latency_out_of_range_makes_nan_and_nothing_else():
    kernel = torch.ones(9, dtype=torch.float64)
    post, pre = 2 * torch.tensor([[0, 2]]), 2 * torch.tensor([[1, 7, 3]])
    amplitudes, share = torch.tensor([1.0, -0.5], dtype=torch.float64), torch.ones(1).double()
    made = synchrony_update.by_gpu_kernel(kernel, amplitudes, post, pre, share, 4)
    wanted = torch.tensor([[-0.5, float("nan"), -0.5], [-0.5, float("nan"), -0.5]])
    assert torch.equal(made.isnan(), wanted.isnan())
    assert made.nan_to_num().equal(wanted.nan_to_num().double())
