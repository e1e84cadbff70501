"""The kernels of a GPU on a CPU, by Triton's interpreter: a child of test_lif_scan_gpu.py runs it.

The interpreter is chosen for a whole process, before Triton is imported.
"""

import pytest
import torch

from ssdp_neuro.training.layers import neurons as neurons_module
from ssdp_neuro.training.layers.lif_scan_gpu import GpuScan
from tests.ssdp_neuro.training.layers.test_lif_scan import (
    CASES,
    SURROGATES,
    currents,
    gradients,
    layer,
    loop,
)


@pytest.fixture(autouse=True)
def by_gpu_kernels(monkeypatch):
    monkeypatch.setattr(neurons_module, "scan", GpuScan.apply)


@pytest.mark.parametrize("integers", [False, True], ids=["real", "integers"])
@pytest.mark.parametrize("case", CASES)
def test_gpu_scan__spikes_and_gradients_are_those_of_the_loop(case, integers):
    neurons = layer(integers, per_neuron="learned" in case, **CASES[case])
    given = currents(integers)
    fused, found = gradients(lambda n, x: n(x), neurons, given)
    stepped, expected = gradients(loop, neurons, given)
    assert 20 < fused.sum() < 200
    assert torch.equal(fused, stepped)
    for one, other in zip(found, expected, strict=True):
        assert other.abs().max() > 0
        rtol = 1e-4 if integers else 1e-9
        assert torch.allclose(one, other, rtol=rtol, atol=rtol * float(other.abs().max()))


@pytest.mark.parametrize("surrogate", SURROGATES, ids=lambda s: type(s).__name__)
def test_gpu_scan__has_the_slope_of_every_surrogate(surrogate):
    neurons = layer(False, surrogate=surrogate)
    _, found = gradients(lambda n, x: n(x), neurons, currents(False))
    _, expected = gradients(loop, neurons, currents(False))
    assert torch.allclose(found[0], expected[0], rtol=1e-9, atol=1e-12)


def test_gpu_scan__registers_wrap_and_saturate_as_those_of_the_loop():
    neurons = layer(True)
    given = torch.randint(-300_000, 300_000, (2, 9, 6)).float()
    assert torch.equal(neurons(given), loop(neurons, given))


def test_gpu_scan__of_several_blocks_in_float32_and_bfloat16():
    neurons = layer(False, n=150, per_neuron=True, learn_current_decay=True).float()
    given = currents(False, (2, 5, 150)).float()
    assert torch.equal(neurons(given), loop(neurons, given))
    half = neurons_module.scan(given.bfloat16(), *_shared(neurons), None, _settings(neurons))
    assert half.dtype == torch.bfloat16
    assert torch.equal(half.float(), loop(neurons, given.bfloat16().float()))


def _shared(neurons):
    kept = [neurons.decay_of_current.kept(), neurons.decay_of_voltage.kept()]
    each = [decay.float().expand(150).contiguous() for decay in kept]
    return *each, torch.zeros(150)


def _settings(neurons):
    return neurons_module.ScanSettings(
        threshold=neurons.threshold,
        latency=neurons.latency,
        reset=neurons.reset,
        refractory=0,
        detach_reset=False,
        surrogate=neurons.surrogate,
        integers=False,
    )
