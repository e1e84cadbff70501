"""netx networks as Lava programs: a file is written, read by netx, and run."""

import tempfile
from pathlib import Path

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import h5py
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.encoder import DeltaEncoder, PyDeltaEncoderModelDense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.monitor.process import Monitor

from tests.conversions.slayer_import import import_slayer

N_STEPS = 8


def small_pilotnet(run, rng):
    """Sigma-delta convolutions and dense layers, written as SLAYER writes PilotNet."""
    _, netx = import_slayer()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.net"
        _write(path, rng)
        network = netx.hdf5.Network(net_config=str(path), skip_layers=1)
    images = rng.integers(-64, 64, (*network.inp.shape, 1)) + rng.integers(
        -9, 9, (*network.inp.shape, N_STEPS)
    )
    source, encoder = Source(data=images), DeltaEncoder(shape=network.inp.shape, vth=6, spike_exp=6)
    sink, monitor = Sink(shape=network.out.shape, buffer=N_STEPS), Monitor()
    source.s_out.connect(encoder.a_in)
    encoder.s_out.connect(network.inp)
    network.out.connect(sink.a_in)
    maps = network.layers[0].neuron
    monitor.probe(maps.s_out, N_STEPS)
    models = {DeltaEncoder: PyDeltaEncoderModelDense}
    run(network, N_STEPS, Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=models))
    values = [sink.data.get(), monitor.get_data()[maps.name]["s_out"]]
    network.stop()
    return values


def _write(path, rng):
    neuron = {"type": b"SDNN", "activation": b"relu", "vThMant": 6}
    with h5py.File(path, "w") as file:
        layers = [
            {"type": [b"input"], "shape": [3, 9, 12]},
            _conv((4, 3, 3, 3), [4, 4, 5], [2, 2], [0, 0], rng),
            _conv((5, 4, 3, 3), [5, 2, 5], [2, 1], [1, 1], rng),
            {"type": [b"flatten"], "shape": [50, 1, 1]},
            _dense(7, 50, rng),
            _dense(1, 7, rng),
        ]
        del layers[-1]["bias"]  # Sigma has none
        for place, layer in enumerate(layers):
            group = file.create_group(f"layer/{place}")
            own = {**neuron, "sigma_output": True} if place == 5 else neuron
            for name, value in layer.items():
                group[name] = value
            for name, value in own.items() if place != 3 else ():
                group[f"neuron/{name}"] = value


def _conv(kernel, shape, stride, padding, rng):
    return {
        "type": [b"conv"],
        "shape": shape,
        "weight": 2.0 * rng.integers(-14, 15, kernel),
        "bias": 2.0 * rng.integers(-9, 20, kernel[0]),
        "inChannels": kernel[1],
        "outChannels": kernel[0],
        "kernelSize": kernel[2:],
        "stride": stride,
        "padding": padding,
        "dilation": [1, 1],
        "groups": 1,
    }


def _dense(n_out, n_in, rng):
    return {
        "type": [b"dense"],
        "shape": [n_out],
        "weight": 2.0 * rng.integers(-14, 15, (n_out, n_in)),
        "bias": 2.0 * rng.integers(-9, 40, n_out),
        "inFeatures": n_in,
        "outFeatures": n_out,
    }
