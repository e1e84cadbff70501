import json
from importlib import metadata

import numpy as np

from hw_models import (
    LOIHI1,
    LOIHI2,
    ConvProjection,
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    GradedSpikes,
    InputPopulation,
    LearningRule,
    LifPopulation,
    PoolProjection,
    SparseProjection,
    TraceConfiguration,
    check,
    load,
    save,
)

HEBB = LearningRule(
    dw="2^-1 * y0 * x1", dt="x0 * y0", epoch=5,
    x1=TraceConfiguration(0, 10), graded_spikes=GradedSpikes.OVERWRITE,
)  # fmt: skip


def many_kinds():
    lif = {"current_decay": 0, "voltage_decay": 0, "threshold": 140000}
    rule = DaSsdpParams(
        latency_bits=5,
        silent_latency=31,
        kernel=np.zeros(32, dtype=int),
        potentiation=1,
        depression=1,
        shift=0,
    )
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="image", shape=(1, 4, 4)),
            LifPopulation(name="maps", shape=(2, 4, 4), **lif),
            LifPopulation(name="pooled", shape=(2, 2, 2), **lif),
            LifPopulation(name="out", shape=(3,), **lif),
        ],
        projections=[
            ConvProjection(
                source="image", target="maps", weights=np.full((2, 1, 3, 3), 7), padding=1
            ),
            PoolProjection(source="maps", target="pooled", kernel_size=2, weight=9),
            DenseProjection(
                source="pooled", target="out", weights=np.full((3, 8), -3), plasticity=rule
            ),
            SparseProjection(
                source="out", target="out", pre=[], post=[], weights=[], delays=[], plasticity=HEBB
            ),
        ],
    )


def test_info__names_versions_and_extras(command):
    report = json.loads(command("info --json").out)
    assert report["packages"]["numpy"] == metadata.version("numpy")
    assert set(report["extras"]) == {"train", "lava", "nir", "plot", "analysis", "cluster"}
    assert "lava-nc" in report["extras"]["lava"]
    assert "numba" in command("info").out


def test_info__describes_every_kind_of_projection(command):
    network = many_kinds()
    save(network, "many.h5")
    report = json.loads(command("info many.h5 --json").out)
    assert (report["neurons"], report["inputs"]) == (32 + 8 + 3, 16)
    stored = {p["name"]: (p["weights"], p["lowest"], p["highest"]) for p in report["projections"]}
    assert stored == {
        "image->maps": (18, 7, 7),
        "maps->pooled": (1, 9, 9),
        "pooled->out": (24, -3, -3),
        "out->out": (0, None, None),
    }
    assert report["weight_bytes"] == 18 + 1 + 24
    assert report["plasticity_state_bits"] == (8 + 3) * 6 + 3 * (3 + 7) + 3 * 3
    assert report["projections"][3]["plasticity"] == (
        "dw = 2^-1 * y0 * x1, dt = x0 * y0; epoch 5; numbers of spikes overwrite x1"
    )
    out = command("info many.h5").out
    for words in ("2 x 4 x 4", "conv", "pool", "sparse", "DA-SSDP, constant", "-3..-3"):
        assert words in out


def test_info__lists_what_a_chip_cannot_hold(command):
    save(many_kinds(), "many.h5")
    expected = [str(violation) for violation in check(load("many.h5"), LOIHI1)]
    assert expected
    report = json.loads(command("info many.h5 --chip loihi1 --json").out)
    assert report["violations"] == expected
    assert expected[0] in command("info many.h5 --chip loihi1").out
    assert f"Loihi 1: {len(expected)} violations" in command("info many.h5 --chip loihi1").out


def test_info__says_that_a_network_fits(command):
    assert not check(load("net.h5"), LOIHI2)
    assert "Loihi 2: fits" in command("info net.h5 --chip loihi2").out


def test_info__refuses_a_chip_without_a_network(command):
    ran = command("info --chip loihi2")
    assert (ran.status, ran.err) == (2, "error: --chip: only together with a network file\n")


def test_info__refuses_an_unknown_chip(command):
    ran = command("info net.h5 --chip truenorth")
    assert ran.status == 2
    assert "truenorth" in ran.err
