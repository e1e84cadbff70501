"""Networks of our own in netx's format: the same in netx's Lava network and in the engine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import NetxMeaning, from_netx, to_netx
from conversions.netx.loaded_weights import loaded_by_netx
from hw_models import ConversionError, same_record
from ssdp_neuro import simulate
from tests.conversions.netx.networks import chain, images
from tests.conversions.netx.netx_run import loaded, run_netx
from tests.conversions.slayer_import import import_slayer

NETWORKS = {
    "feedback": chain,
    "delays": lambda: chain(1, delays=True, recurrent=False),
    "bias": lambda: chain(2, bias_mantissa=[3, -40, 0, 9], bias_exponent=[6, 4, 2, 7]),
    "images": images,
}


def spikes_for(network, n_steps=30, rate=0.4):
    shape = (n_steps, *network.inputs[0].shape)
    return np.random.default_rng(1).random(shape) < rate


@pytest.mark.parametrize("name", NETWORKS)
def test_to_netx__spikes_the_same_in_netx(name, tmp_path):
    network = NETWORKS[name]()
    assert to_netx(network, tmp_path / "x.net") == ()
    for meaning in NetxMeaning:
        again, report = from_netx(tmp_path / "x.net", meaning=meaning)
        assert same_record(again, network)
        others = [note for note in report.notes[1:] if not note.startswith("Does not fit Loihi 2")]
        assert others == []
    spikes = spikes_for(network)
    run = simulate(network, spikes[None], n_steps=len(spikes))
    layers = sorted(
        network.neurons, key=lambda one: ("hidden", "maps", "small", "out").index(one.name)
    )
    for population, raster in zip(layers, run_netx(tmp_path / "x.net", spikes), strict=True):
        assert raster.any()
        assert (run.raster(population.name)[0] == raster).all()


MATRICES = st.integers(0, 2**32 - 1).map(np.random.default_rng).flatmap(
    lambda rng: st.tuples(
        st.sampled_from(
            [(-256, 254), (-64, 0), (-256, 0), (-128, -1), (0, 255), (1, 7), (-3, 200)]
        ),
        st.integers(0, 4),
    ).map(lambda drawn: _matrix(rng, *drawn))
)  # fmt: skip


def _matrix(rng, limits, shift):
    low, high = limits
    weights = rng.integers(low, high + 1, (3, 4)) >> shift << shift
    weights.flat[rng.integers(12)] = low  # where netx's number format has its corner
    return weights


@given(weights=MATRICES)
@settings(max_examples=40, deadline=None)
def test_loaded_by_netx__is_what_lava_holds(weights):
    import_slayer()
    from lava.lib.dl.netx.utils import optimize_weight_bits
    from lava.utils.weightutils import clip_weights, determine_sign_mode, truncate_weights

    if not weights.any():
        with pytest.raises(ConversionError, match="all weights are 0"):
            loaded_by_netx("w", [weights])
        return
    with np.errstate(divide="ignore"):  # netx divides by a largest weight of 0
        shifted, bits, exponent, _ = optimize_weight_bits(weights)
    mode = determine_sign_mode(shifted)
    held = truncate_weights(clip_weights(shifted, mode, num_bits=8), mode, bits)
    (made,) = loaded_by_netx("w", [weights])
    assert (np.ldexp(made.values, made.exponent) == np.ldexp(held, exponent)).all()


def test_from_netx__weights_that_netx_changes(tmp_path):
    """The least weight, a power of two, is not in Lava's register for negative weights."""
    weights = np.array([[-64, -10], [-8, -2]])
    network = chain(weights=[[90, 90], [90, 90]], recurrent=False)
    to_netx(network, tmp_path / "x.net")
    _overwrite(tmp_path / "x.net", "layer/1/weight", weights)
    changed, report = from_netx(tmp_path / "x.net", meaning=NetxMeaning.AS_LOADED)
    words = "1 of 4 weights as others, the first at (0, 0): -64 as -62."
    assert any(words in note for note in report.notes)
    kept, report = from_netx(tmp_path / "x.net")
    assert (kept.projection("in").weights == weights).all()
    assert (changed.projection("in").weights != weights).any()
    held = loaded(tmp_path / "x.net").layers[0].synapse
    assert held.weights.init.min() == -256
    with pytest.raises(ConversionError, match=r"in: netx would load weight -64 at \(0, 0\)"):
        to_netx(kept, tmp_path / "y.net")


def _overwrite(path, name, value):
    import h5py

    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = value
