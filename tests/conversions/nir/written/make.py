"""Train small networks on digits and let each framework's own writer export them to NIR.

Run by hand: the writers need different releases of nir, so one environment cannot have all.

    uv run --with 'nir>=1.0.8' --with 'nirtorch==2.6' \
        python -m tests.conversions.nir.written.make snntorch spikingjelly
    uv run --with 'nir==1.0.4' \
        python -m tests.conversions.nir.written.make norse sinabs_leaky

No release writes what Sinabs makes of a convolution (its shapes stay open), so that graph is
made anew in its test. Every other network gets ``NAME.nir`` and ``NAME.npz``, in which are

- ``inputs``, spikes as packed bits of (B, T, 64), and ``labels`` (B,),
- what the source computed of them: spikes of its layers, packed bits of (B, T, N) under the
  names of their NIR nodes, and ``potentials`` (B, T, N) if it ends in a readout.
"""

import sys
from pathlib import Path
from unittest import mock

import nir
import numpy as np
import torch
from torch import nn

from tests.digits_parts import digits_parts

FOLDER = Path(__file__).parent
N_STEPS = 8
N_KEPT = 128  # held-out samples that go into the file


def digits():
    """Spikes (B, T, 64) and labels, to learn from and held out."""
    split, generator = digits_parts(), np.random.default_rng(0)
    parts = []
    for part in (split.train, split.held_out):
        rates = part.images.reshape(len(part), 1, 64)
        parts.append((generator.random((len(part), N_STEPS, 64)) < rates, part.labels))
    return parts


def train(parameters, score, *, epochs):
    """``score(spikes (B, T, 64)) -> (B, 10)`` learns the digits."""
    (spikes, labels), _ = digits()
    spikes, labels = torch.tensor(spikes, dtype=torch.float32), torch.tensor(labels)
    optimizer = torch.optim.Adam(parameters, lr=5e-3)
    for _ in range(epochs):
        for part in torch.randperm(len(labels)).split(64):
            if len(part) == 64:
                optimizer.zero_grad()
                nn.functional.cross_entropy(score(spikes[part]), labels[part]).backward()
                optimizer.step()


def chosen(networks, names):
    """Those of these names, or of names that begin like this."""
    return [item for item in networks.items() if item[0].startswith(names)]


def computed(run, model):
    """Held-out spikes and labels, and what ``run(spikes) -> {node: (B, T, N)}`` gives.

    In double precision, so that sums near a threshold do not depend on their order.
    """
    _, (spikes, labels) = digits()
    spikes, labels = spikes[:N_KEPT], labels[:N_KEPT]
    model.double()
    single = mock.patch.object(torch.Tensor, "float", torch.Tensor.double)  # as spikes are made
    with torch.no_grad(), single:
        made = run(torch.tensor(spikes, dtype=torch.float64))
    return spikes, labels, made


def keep(name, graph, run, model):
    """Write the graph and what the source computes."""
    nir.write(FOLDER / f"{name}.nir", graph)
    spikes, labels, made = computed(run, model)
    arrays = {"inputs": np.packbits(spikes), "labels": labels}
    last = None
    for node, values in made.items():
        values = last = values.reshape(N_KEPT, N_STEPS, -1).numpy()
        arrays[node] = values if node == "potentials" else np.packbits(values > 0)
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)
    right = (last.sum(1).argmax(1) == labels).mean()
    print(f"{name}: {right:.3f} of {N_KEPT}, written by nir {nir.version}")


def snntorch(*names):
    """Scalars as betas would leave the nodes without a shape, which the writer refuses."""
    import snntorch as snn
    from snntorch import surrogate
    from snntorch.export_nir import export_to_nir

    step = surrogate.fast_sigmoid(slope=25)

    def of(kind, n, beta, **settings):
        shape = n if isinstance(n, tuple) else (n,)
        ready = {"beta": torch.full(shape, beta), "threshold": torch.ones(shape)}
        return kind(**ready, spike_grad=step, init_hidden=True, **settings)

    networks = {
        "snntorch_dense": lambda: [
            nn.Linear(64, 32), of(snn.Leaky, 32, 0.9),
            nn.Linear(32, 10), of(snn.Leaky, 10, 0.8, output=True),
        ],
        "snntorch_zero": lambda: [
            nn.Linear(64, 32), of(snn.Synaptic, 32, 0.8, alpha=torch.full((32,), 0.5),
                                  reset_mechanism="zero"),
            nn.Linear(32, 10), of(snn.Leaky, 10, 0.8, output=True, reset_mechanism="zero"),
        ],
        "snntorch_recurrent": lambda: [
            nn.Linear(64, 32), of(snn.RLeaky, 32, 0.9, linear_features=32),
            nn.Linear(32, 10), of(snn.RSynaptic, 10, 0.7, alpha=torch.full((10,), 0.6),
                                  all_to_all=False, V=torch.full((10,), -0.5), output=True),
        ],
        "snntorch_conv": lambda: [
            nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 4, 3, padding=1),
            of(snn.Leaky, (4, 8, 8), 0.7), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(64, 10), of(snn.Leaky, 10, 0.9, output=True),
        ],
    }  # fmt: skip
    for name, layers in chosen(networks, names):
        torch.manual_seed(0)
        model = nn.Sequential(*layers())
        neurons = [
            place for place, module in enumerate(model) if isinstance(module, snn.SpikingNeuron)
        ]

        def run(spikes, model=model, neurons=neurons):
            for place in neurons:
                model[place].reset_mem()
            made = {place: [] for place in neurons}
            for t in range(N_STEPS):
                x = spikes[:, t]
                for place, module in enumerate(model):
                    x = module(x.to(spikes.dtype))
                    if place in neurons:
                        x = x[0] if isinstance(x, tuple) else x
                        made[place].append(x)
            return {place: torch.stack(steps, 1) for place, steps in made.items()}

        train(model.parameters(), lambda x, run=run: list(run(x).values())[-1].sum(1), epochs=16)
        sample = torch.zeros(1, 64)
        written = model
        if isinstance(model[0], nn.Unflatten):  # the writer does not know it
            written, sample = nn.Sequential(*list(model)[1:]), torch.zeros(1, 1, 8, 8)
            neurons_out = {place: str(place - 1) for place in neurons}
        else:
            neurons_out = {place: str(place) for place in neurons}
        for place in neurons:
            model[place].reset_mem()
        with torch.no_grad():
            graph = export_to_nir(written, sample, ignore_dims=[0])
        nodes = {}
        for place, node in neurons_out.items():
            nodes[place] = node if node in graph.nodes else f"{node}.lif"
        named = lambda x, run=run, nodes=nodes: {nodes[p]: v for p, v in run(x).items()}  # noqa: E731
        yield name, graph, named, model


def spikingjelly(*names):
    """Hard resets only; the writer refuses the others."""
    from spikingjelly.activation_based import functional, neuron, surrogate
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    step = {"surrogate_function": surrogate.ATan()}
    networks = {
        "spikingjelly_dense": lambda: [
            nn.Linear(64, 32), neuron.LIFNode(tau=2.0, **step),
            nn.Linear(32, 10, bias=False), neuron.ParametricLIFNode(decay_input=False, **step),
        ],
        "spikingjelly_conv": lambda: [
            nn.Conv2d(1, 4, 3, padding=1), neuron.IFNode(**step), nn.AvgPool2d(2),
            nn.Conv2d(4, 4, 3, padding=1), neuron.LIFNode(decay_input=False, v_reset=-0.1, **step),
            nn.Flatten(), nn.Linear(64, 10),
            neuron.CUBALIFNode(c_decay=0.5, v_decay=0.75, **step),
        ],
    }  # fmt: skip
    for name, layers in chosen(networks, names):
        torch.manual_seed(0)
        model = nn.Sequential(*layers())
        shape = (1, 8, 8) if "conv" in name else (64,)
        neurons = [place for place, m in enumerate(model) if isinstance(m, neuron.BaseNode)]

        def run(spikes, model=model, neurons=neurons, shape=shape):
            functional.reset_net(model)
            made = {place: [] for place in neurons}
            for t in range(N_STEPS):
                x = spikes[:, t].reshape(-1, *shape)
                for place, module in enumerate(model):
                    x = module(x.to(spikes.dtype))
                    if place in neurons:
                        made[place].append(x)
            return {f"_{place}": torch.stack(steps, 1) for place, steps in made.items()}

        train(model.parameters(), lambda x, run=run: list(run(x).values())[-1].sum(1), epochs=16)
        functional.reset_net(model)
        model.eval()
        yield name, export_to_nir(model, torch.zeros(1, *shape)), run, model


def norse(*names):
    """With biases, of neurons with Norse's own constants."""
    import norse.torch as norse

    layers = {
        "norse_box": lambda: [
            nn.Linear(64, 32), norse.LIFBoxCell(), nn.Linear(32, 10), norse.LIBoxCell(),
        ],
        "norse_current": lambda: [
            nn.Linear(64, 32), norse.LIFCell(), nn.Linear(32, 10), norse.IAFCell(),
        ],
    }  # fmt: skip
    for name, made in chosen(layers, names):
        torch.manual_seed(0)
        modules = made()
        with torch.no_grad():
            modules[0].weight *= 4

        def run(spikes, modules=modules, name=name):
            states, outs = [None] * 4, {1: [], 3: []}
            for t in range(N_STEPS):
                x = spikes[:, t]
                for place, module in enumerate(modules):
                    if place % 2:
                        x, states[place] = module(x.to(spikes.dtype), states[place])
                        outs[place].append(x)
                    else:
                        x = module(x.to(spikes.dtype))
            last = "potentials" if name == "norse_box" else "3"
            return {"1": torch.stack(outs[1], 1), last: torch.stack(outs[3], 1)}

        parameters = [*modules[0].parameters(), *modules[2].parameters()]
        train(parameters, lambda x, run=run: list(run(x).values())[-1].sum(1), epochs=16)
        model = norse.SequentialState(*modules)
        yield name, norse.to_nir(model, torch.zeros(1, 64)), run, model


def sinabs(*names, epochs=16):
    """One spike a step at most; two and more, the default, are not for the chip."""
    import sinabs.layers as sl
    from sinabs.activation import MembraneReset, SingleSpike
    from sinabs.nir import to_nir

    one = {"num_timesteps": N_STEPS, "spike_fn": SingleSpike}
    networks = {
        "sinabs_conv": lambda: [
            nn.Conv2d(1, 4, 3, padding=1, bias=False), sl.IAFSqueeze(**one), sl.SumPool2d(2),
            nn.Flatten(), nn.Linear(64, 10), sl.IAFSqueeze(**one),
        ],
        "sinabs_leaky": lambda: [
            nn.Linear(64, 32), sl.LIFSqueeze(tau_mem=6.0, reset_fn=MembraneReset(), **one),
            nn.Linear(32, 10), sl.ExpLeakSqueeze(tau_mem=4.0, num_timesteps=N_STEPS),
        ],
    }  # fmt: skip
    for name, layers in chosen(networks, names):
        torch.manual_seed(0)
        model = nn.Sequential(*layers())
        shape = (1, 8, 8) if "conv" in name else (64,)
        neurons = [place for place, m in enumerate(model) if isinstance(m, sl.StatefulLayer)]

        def run(spikes, model=model, neurons=neurons, shape=shape, name=name):
            for place in neurons:
                model[place].reset_states()
                model[place].zero_grad()
            x, made = spikes.reshape(-1, *shape), {}
            for place, module in enumerate(model):
                x = module(x.to(spikes.dtype))
                if place in neurons:
                    node = "potentials" if name == "sinabs_leaky" and place == 3 else str(place)
                    made[node] = x.reshape(-1, N_STEPS, x[0].numel())
            return made

        train(
            model.parameters(), lambda x, run=run: list(run(x).values())[-1].sum(1), epochs=epochs
        )
        with torch.no_grad():
            graph = to_nir(model, torch.zeros(N_STEPS, *shape))
        yield name, graph, run, model


if __name__ == "__main__":
    for framework in (snntorch, spikingjelly, norse, sinabs):
        names = tuple(name for name in sys.argv[1:] if name.startswith(framework.__name__))
        for made in framework(*names) if names else ():
            keep(*made)
