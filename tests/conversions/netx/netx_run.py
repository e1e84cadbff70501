"""lava-dl's netx network, computed by Lava's own models."""

import warnings

import numpy as np

from hw_models.lava_processes.direct_run import DirectRun
from tests.conversions.netx.slayer_models import netx


def run_netx(path, spikes, input_shape=None):
    """Spikes (T, N) of every layer, in C order of (C, H, W), for spikes (T, *input shape)."""
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source

    network = loaded(path, input_shape)
    shape = network.in_layer.inp.shape
    in_netx = np.moveaxis(spikes, 0, -1)
    if len(shape) == 3:
        in_netx = in_netx.transpose(2, 1, 0, 3)
    source = Source(data=in_netx.reshape(*shape, len(spikes)).astype(np.int32))
    source.s_out.connect(network.in_layer.inp)
    leaves, sinks = [source], []
    for layer in network.layers:
        sink = Sink(shape=layer.neuron.s_out.shape, buffer=len(spikes))
        sent = network.out if layer is network.layers[-1] else layer.neuron.s_out
        sent.connect(sink.a_in)
        feedback = [layer.synapse_rec] if hasattr(layer, "synapse_rec") else []
        leaves += [layer.synapse, *feedback, layer.neuron]
        sinks.append(sink)
    run = DirectRun([*leaves, *sinks])
    for _ in spikes:
        run.step()
    return [run.model(sink).data.T.reshape(len(spikes), -1) != 0 for sink in sinks]


def loaded(path, input_shape=None):
    """The network as netx builds it; its code warns."""
    shape = None if input_shape is None else input_shape[::-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return netx.hdf5.Network(net_config=str(path), input_shape=shape)
