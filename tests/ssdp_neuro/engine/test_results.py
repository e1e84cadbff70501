import dataclasses
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    MissingExtraError,
    UnknownNameError,
)
from ssdp_neuro.engine.results import (
    BATCH_EVENT,
    EVENT,
    EventCounts,
    RasterReader,
    RunResult,
    check_probes,
)

COUNTS = EventCounts(spikes={"out": 4}, synaptic_operations={}, neuron_updates={"out": 0})


def result_of(raster, batched, probes=None):
    return RunResult(
        sizes={"out": raster.shape[2]},
        n_steps=raster.shape[1],
        n_samples=raster.shape[0] if batched else None,
        reader=RasterReader({"out": raster}),
        probes=probes or {},
        counts=COUNTS,
        executor="oracle",
    )


@st.composite
def rasters(draw):
    shape = tuple(draw(st.integers(1, 5)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.random(shape) < draw(st.sampled_from((0.0, 0.2, 1.0)))


@settings(max_examples=40, deadline=None)
@given(raster=rasters())
def test_run_result__says_the_same_in_every_form(raster):
    n_samples, n_steps, size = raster.shape
    result = result_of(raster, batched=True)
    events = result.events("out")
    assert events.dtype == BATCH_EVENT
    assert events.tolist() == [tuple(place) for place in np.argwhere(raster)]
    assert result.raster("out").dtype == bool
    assert result.raster("out").tolist() == raster.tolist()
    assert result.spike_counts("out").tolist() == raster.sum(axis=1).tolist()
    for sample in range(n_samples):
        for neuron in range(size):
            steps = np.flatnonzero(raster[sample, :, neuron])
            first = int(steps[0]) if steps.size else n_steps
            assert int(result.first_spikes("out")[sample, neuron]) == first


@settings(max_examples=20, deadline=None)
@given(raster=rasters())
def test_run_result__without_a_batch_has_no_sample_axis(raster):
    batch, single = result_of(raster[:1], batched=True), result_of(raster[:1], batched=False)
    assert single.events("out").dtype == EVENT
    assert single.events("out").tolist() == [event[1:] for event in batch.events("out").tolist()]
    for form in ("raster", "spike_counts", "first_spikes"):
        of_single, of_batch = getattr(single, form)("out"), getattr(batch, form)("out")
        assert of_single.dtype == of_batch.dtype
        assert of_single.tolist() == of_batch[0].tolist()


def test_run_result__reads_events_once_and_keeps_them_from_being_written():
    calls = []

    class Counting(RasterReader):
        def events(self, name):
            calls.append(name)
            return super().events(name)

    reader = Counting({"out": np.ones((1, 2, 1), dtype=bool)})
    result = dataclasses.replace(result_of(np.ones((1, 2, 1), bool), True), reader=reader)
    for _ in range(2):
        result.events("out")
    assert calls == ["out"]
    with pytest.raises(ValueError, match="read-only"):
        result.events("out")["step"] = 0


def test_run_result__gives_rasters_that_are_the_callers_own():
    result = result_of(np.ones((1, 2, 1), bool), True)
    result.raster("out")[...] = False
    assert result.spike_counts("out").tolist() == [[2]]


def test_run_result__does_not_share_events_with_a_copy():
    result = result_of(np.ones((1, 2, 1), bool), True)
    assert result.events("out").size == 2
    silent = RasterReader({"out": np.zeros((1, 2, 1), dtype=bool)})
    assert dataclasses.replace(result, reader=silent).events("out").size == 0


def test_run_result__names_its_populations_and_probes():
    values = np.arange(4, dtype=np.int32).reshape(1, 2, 2)
    result = result_of(np.zeros((1, 2, 2), bool), True, {("out", "v"): values})
    assert result.populations == ("out",)
    assert result.probe("out", "v").tolist() == values.tolist()
    with pytest.raises(InputError, match=r"no probe \('out', 'u'\) in this run; there are \('out'"):
        result.probe("out", "u")
    with pytest.raises(InputError, match="there are none"):
        result_of(np.zeros((1, 2, 2), bool), True).probe("out", "v")
    for form in (result.events, result.raster, result.spike_counts, result.first_spikes):
        with pytest.raises(UnknownNameError, match="no population named 'in'; there are 'out'"):
            form("in")


def test_run_result__knows_the_versions_that_made_it():
    versions = result_of(np.zeros((1, 1, 1), bool), True).versions
    assert versions["numpy"] == np.__version__
    assert set(versions) == {"ssdp-neuro", "numba", "numpy"}


@pytest.mark.parametrize(
    ("probe", "error", "message"),
    [
        ("out", InputError, "probe 'out'; a pair such as"),
        (("out",), InputError, r"probe \('out',\); a pair"),
        (["out", "v"], InputError, "a pair such as"),
        (("out", "w"), InputError, "allowed are 'u' and 'v' of LIF populations"),
        (("in", "v"), InputError, "allowed are 'u' and 'v' of LIF populations"),
        (("hidden", "v"), UnknownNameError, "no population named 'hidden'"),
    ],
)
def test_check_probes__refuses_what_is_not_there(probe, error, message):
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=1),
            LifPopulation(name="out", shape=1, current_decay=0, voltage_decay=0, threshold=1),
        ],
        projections=[],
    )
    assert check_probes(network, [("out", "u"), ("out", "v")]) == (("out", "u"), ("out", "v"))
    with pytest.raises(error, match=message):
        check_probes(network, [("out", "u"), probe])


@pytest.mark.parametrize("batched", [True, False])
def test_run_result__becomes_an_xarray(batched):
    raster = np.random.default_rng(4).random((3 if batched else 1, 5, 4)) < 0.4
    values = np.arange(raster.size, dtype=np.int32).reshape(raster.shape)
    probes = {("out", "v"): values if batched else values[0]}
    result = result_of(raster, batched, probes)
    data = result.to_xarray("out")
    assert data.spikes.dims == (("sample", "step", "neuron") if batched else ("step", "neuron"))
    assert data.spikes.dtype == bool
    assert data.spikes.values.tolist() == result.raster("out").tolist()
    assert data.v.values.tolist() == result.probe("out", "v").tolist()
    assert "u" not in data
    assert data.attrs == {"population": "out", "executor": "oracle", "seed": 0}
    assert result.to_xarray()["out"].to_dataset().identical(data)
    assert (
        data.v.sel(step=2, neuron=3).values.tolist() == result.probe("out", "v")[..., 2, 3].tolist()
    )
    with pytest.raises(UnknownNameError, match="no population named 'in'"):
        result.to_xarray("in")


@pytest.mark.parametrize("batched", [True, False])
def test_run_result__becomes_a_table_of_its_spikes(batched):
    rasters = np.random.default_rng(5).random((2, 3 if batched else 1, 5, 4)) < 0.4
    result = dataclasses.replace(
        result_of(rasters[0], batched),
        sizes={"mid": 4, "out": 4},
        reader=RasterReader({"mid": rasters[0], "out": rasters[1]}),
    )
    table = result.to_pandas()
    columns = ["population", *(["sample"] if batched else []), "step", "neuron"]
    assert list(table.columns) == columns
    expected = [
        (name, *place[0 if batched else 1 :])
        for name, raster in zip(("mid", "out"), rasters, strict=True)
        for place in np.argwhere(raster).tolist()
    ]
    assert list(table.itertuples(index=False, name=None)) == expected
    assert table.groupby("population", observed=False).size().to_dict() == {
        "mid": rasters[0].sum(),
        "out": rasters[1].sum(),
    }
    assert len(result.to_pandas("out")) == rasters[1].sum()
    with pytest.raises(UnknownNameError, match="no population named 'in'"):
        result.to_pandas("in")


@pytest.mark.parametrize(("form", "package"), [("to_xarray", "xarray"), ("to_pandas", "pandas")])
def test_run_result__says_which_extra_a_form_needs(form, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    message = rf"{form} needs {package}, of the extra 'analysis': pip install "
    with pytest.raises(MissingExtraError, match=message):
        getattr(result_of(np.ones((1, 2, 1), bool), True), form)()
