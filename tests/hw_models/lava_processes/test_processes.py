"""Which Process stands for what, and that Lava computes it with Lava's own model."""

import numpy as np
import pytest

from hw_models import (
    ConvProjection,
    DenseProjection,
    InputPopulation,
    LifPopulation,
    PoolProjection,
    ResetMode,
    SparseProjection,
)

pytestmark = pytest.mark.lava

OURS = "hw_models.lava_processes.extended_lif.lif_process.ExtendedLIF"
PLAIN = {"shape": (3,), "current_decay": 400, "voltage_decay": 128, "threshold": 10}


def neurons(**fields):
    from hw_models.lava_processes.neurons import neuron_process

    return neuron_process(LifPopulation(name="out", **{**PLAIN, **fields}))


def synapses(projection, shape=(3,), target=(3,)):
    from hw_models.lava_processes.synapses import synapse_process

    return synapse_process(
        projection,
        InputPopulation(name="in", shape=shape),
        LifPopulation(name="out", **{**PLAIN, "shape": target}),
    )


def dense(weights, **fields):
    return DenseProjection(source="in", target="out", weights=weights, **fields)


def conv(shape, **fields):
    weights = np.ones(shape, dtype=int)
    return ConvProjection(source="in", target="out", weights=weights, **fields)


@pytest.mark.parametrize(
    ("fields", "home"),
    [
        ({}, "lava.proc.lif.process.LIF"),
        ({"threshold": [7, 7, 7]}, "lava.proc.lif.process.LIF"),
        ({"threshold": -7}, "lava.proc.lif.process.LIF"),
        ({"bias_mantissa": [1, 2, 3]}, "lava.proc.lif.process.LIF"),
        ({"reset_interval": 4, "reset_offset": 1}, "lava.proc.lif.process.LIFReset"),
        ({"threshold": [7, 8, 7]}, OURS),
        ({"current_decay": [7, 8, 7]}, OURS),
        ({"voltage_decay": [7, 8, 7]}, OURS),
        ({"refractory": 1}, OURS),
        ({"reset": ResetMode.SUBTRACT}, OURS),
    ],
    ids=str,
)
def test_neuron_process__is_lavas_own_where_it_can(fields, home):
    kind = type(neurons(**fields))
    assert f"{kind.__module__}.{kind.__name__}" == home


@pytest.mark.parametrize(
    ("weights", "sign_mode", "bits"),
    [
        ([[0, 1, 255]], "EXCITATORY", 8),
        ([[0, -1, -255]], "INHIBITORY", 8),
        ([[0, 0, 0]], "EXCITATORY", 8),
        ([[-256, 254, 2]], "MIXED", 8),
        ([[-256, 0, 0]], "MIXED", 8),
        ([[-256, -1, 0]], "MIXED", 9),
        ([[-1, 2, 255]], "MIXED", 9),
    ],
)
def test_synapse_process__has_lava_keep_every_weight(weights, sign_mode, bits):
    from hw_models.lava_processes.direct_run import DirectRun

    pre = np.arange(3)
    for projection in (
        dense(weights),
        dense(weights, delays=[[0, 3, 1]]),
        SparseProjection(source="in", target="out", pre=pre, post=pre * 0, weights=weights[0]),
        SparseProjection(
            source="in", target="out", pre=pre, post=pre * 0, weights=weights[0], delays=[3, 0, 1]
        ),
    ):
        process = synapses(projection, target=(1,))
        assert process.proc_params["sign_mode"].name == sign_mode
        assert process.proc_params["num_weight_bits"] == bits
        run = DirectRun([process])
        run.step()  # in its first step Lava clips and truncates weights
        kept = run.model(process).weights
        kept = kept if isinstance(kept, np.ndarray) else kept.toarray()
        assert kept.tolist() == weights


@pytest.mark.parametrize(
    ("projection", "home"),
    [
        (dense([[1, 2, 3]]), "lava.proc.dense.process.Dense"),
        (dense([[1, 2, 3]], delays=[[0, 0, 0]]), "lava.proc.dense.process.Dense"),
        (dense([[1, 2, 3]], delays=[[0, 1, 0]]), "lava.proc.dense.process.DelayDense"),
        (
            SparseProjection(source="in", target="out", pre=[0], post=[0], weights=[1]),
            "lava.proc.sparse.process.Sparse",
        ),
        (
            SparseProjection(source="in", target="out", pre=[0], post=[0], weights=[1], delays=[1]),
            "lava.proc.sparse.process.DelaySparse",
        ),
        (
            SparseProjection(source="in", target="out", pre=[], post=[], weights=[]),
            "lava.proc.sparse.process.Sparse",
        ),
    ],
    ids=str,
)
def test_synapse_process__is_lavas_own(projection, home):
    kind = type(synapses(projection, target=(1,)))
    assert f"{kind.__module__}.{kind.__name__}" == home


@pytest.mark.parametrize(
    ("projection", "shape", "name"),
    [
        (conv((2, 1, 3, 3)), (1, 8, 8), "Conv"),
        (conv((2, 1, 3, 3), weight_exponent=4), (1, 8, 8), "Conv"),
        (conv((2, 1, 3, 3), weight_exponent=-1), (1, 8, 8), "Sparse"),
        (conv((1, 1, 1, 1)), (1, 1, 127), "Conv"),
        (conv((1, 1, 1, 1)), (1, 1, 128), "Sparse"),
        (conv((1, 1, 1, 1), padding=(0, 1)), (1, 1, 126), "Sparse"),
        (conv((1, 1, 3, 1), dilation=(64, 1), padding=(64, 0)), (1, 1, 1), "Sparse"),
        (conv((128, 1, 1, 1)), (1, 1, 1), "Sparse"),
        (conv((127, 1, 1, 1), groups=127), (127, 1, 1), "Conv"),
        (conv((128, 1, 1, 1), groups=128), (128, 1, 1), "Sparse"),
        (PoolProjection(source="in", target="out", kernel_size=2), (3, 4, 4), "Conv"),
    ],
    ids=str,
)
def test_synapse_process__avoids_what_overflows_in_lavas_conv(projection, shape, name):
    target = projection.output_shape(shape)
    assert type(synapses(projection, shape, target)).__name__ == name
