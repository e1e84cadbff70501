"""Lava programs, each run by whatever run configuration makes it run.

    python -m tests.conversions.lava.runtime_programs results.npz

runs them all in Lava's own runtime.
"""

# ruff: noqa: NPY002 programs use the global generator
import sys

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi1SimCfg, Loihi2SimCfg
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sdn.process import Delta, Sigma, SigmaDelta

from tests.conversions.lava.fixed_programs import fixed_point
from tests.conversions.lava.float_programs import floating_point
from tests.conversions.lava.library_programs import LIBRARY
from tests.conversions.lava.netx_programs import small_pilotnet
from tests.conversions.lava.third_party.programs import PROGRAMS as OF_THIRD_PARTIES
from tests.conversions.lava.user_program.processes import Controller, Layer, Noise, Phases


def own_models(run, rng):
    """Own models in a loop with Lava's: phases, learning guards, a pause that a model asks for."""
    first, second = Phases(25, every=3), Phases(25, every=4)
    dense = Dense(weights=np.array([[2, -4], [6, 2]]))
    back = Dense(weights=np.array([[2, 2], [-2, 4]]))
    first.s_out.connect(dense.s_in)
    dense.a_out.connect(second.a_in)
    second.s_out.connect(back.s_in)
    back.a_out.connect(first.a_in)
    noise = Noise()
    noise.s_out.connect(first.a_in)
    run(first, 20, Loihi1SimCfg(select_tag="fixed_pt"))  # ends after step 17
    first.scale.set(np.array([2]))
    run(first, 5)
    values = [each.get() for p in (first, second) for each in (p.total, p.ran)]
    first.stop()
    return values


def random_numbers(run, rng):
    """Two models draw from one seed, as copies of the program do; the program goes on."""
    np.random.seed(5)
    sinks = []
    for _ in range(2):
        noise, sink = Noise(), Sink(shape=(2,), buffer=12)
        noise.s_out.connect(sink.a_in)
        sinks.append(sink)
        tie = Phases(12)
        noise.s_out.connect(tie.a_in)
    sinks[0].a_in.connect_from(tie.s_out)
    sinks[1].a_in.connect_from(tie.s_out)
    run(sinks[0], 12, Loihi2SimCfg())
    after = np.random.random(2)
    values = [sink.data.get() for sink in sinks]
    sinks[0].stop()
    return [*values, after]


def hierarchy(run, rng):
    """Layers in layers, with Vars of the inner ones, monitored and set."""
    source = Source(data=rng.integers(0, 2, (6, 10)))
    first = Layer(weights=2 * rng.integers(-20, 40, (8, 6)))
    second = Layer(weights=2 * rng.integers(-20, 60, (4, 8)))
    sink = Sink(shape=(4,), buffer=30)
    source.s_out.connect(first.s_in)
    first.s_out.connect(second.s_in)
    second.s_out.connect(sink.a_in)
    run(second, 10, Loihi2SimCfg(select_tag="fixed_pt", select_sub_proc_model=True))
    seen = second.v.get()
    second.v.set(seen + 5)
    run(second, 20)
    values = [sink.data.get(), first.v.get(), second.v.get(), seen]
    second.stop()
    return values


def balanced(run, rng):
    """An excitatory-inhibitory network in floating point, no tag in the configuration."""
    n, n_excitatory = 40, 32
    weights = np.abs(rng.normal(0, 1, (n, n)) * (rng.random((n, n)) < 0.3))
    weights[:, n_excitatory:] *= -4
    neurons = LIF(
        shape=(n,), du=0.7, dv=0.25, vth=1.0, bias_mant=rng.uniform(0.1, 0.4, n), v=rng.random(n)
    )
    dense = Dense(weights=0.2 * weights)
    neurons.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    monitors = [Monitor(), Monitor()]
    monitors[0].probe(neurons.v, 40)
    monitors[1].probe(neurons.s_out, 40)
    run(neurons, 40, Loihi2SimCfg())
    values = [next(iter(monitor.get_data()[neurons.name].values())) for monitor in monitors]
    neurons.stop()
    return values


def without_synapses(run, rng):
    """LIF straight into LIF, and a convolution into reshaped and transposed ports."""
    first = LIF(shape=(4, 4, 2), du=4095, dv=0, vth=5, bias_mant=rng.integers(50, 300, (4, 4, 2)))
    second = LIF(shape=(4, 4, 2), du=2000, dv=100, vth=1)
    first.s_out.connect(second.a_in)
    conv = Conv(weight=2 * rng.integers(-9, 9, (3, 3, 3, 2)), padding=1, input_shape=(4, 4, 2))
    third = LIF(shape=conv.output_shape, du=2000, dv=100, vth=3)
    dense = Dense(weights=2 * rng.integers(-9, 9, (5, 48)))
    fourth = LIF(shape=(5,), du=2000, dv=100, vth=3)
    second.s_out.transpose([1, 0, 2]).reshape((4, 4, 2)).connect(conv.s_in)
    conv.a_out.connect(third.a_in)
    third.s_out.flatten().connect(dense.s_in)
    dense.a_out.connect(fourth.a_in)
    run(fourth, 15, Loihi2SimCfg(select_tag="fixed_pt"))
    values = [each.get() for p in (second, third, fourth) for each in (p.u, p.v)]
    fourth.stop()
    return values


def wide_image(run, rng):
    """A convolution by Lava's own model of an image whose width is no number of 8 bits."""
    source = Source(data=rng.integers(0, 9, (200, 2, 1, 4)))
    conv = Conv(
        weight=2 * rng.integers(-9, 9, (3, 2, 2, 1)), input_shape=(200, 2, 1), num_message_bits=8
    )
    sink = Sink(shape=conv.output_shape, buffer=4)
    source.s_out.connect(conv.s_in)
    conv.a_out.connect(sink.a_in)
    run(sink, 4, Loihi2SimCfg(select_tag="fixed_pt"))
    values = [sink.data.get()]
    sink.stop()
    return values


def sigma_delta(run, rng):
    """Graded differences instead of spikes."""
    source = Source(data=rng.integers(-400, 400, (6, 12)))
    delta = Delta(shape=(6,), vth=20)
    dense = Dense(weights=2 * rng.integers(-20, 20, (3, 6)), num_message_bits=24)
    neurons = SigmaDelta(shape=(3,), vth=30, state_exp=0, spike_exp=0)
    after = Dense(weights=2 * rng.integers(-20, 20, (3, 3)), num_message_bits=24)
    sigma, sink = Sigma(shape=(3,)), Sink(shape=(3,), buffer=12)
    source.s_out.connect(delta.a_in)
    delta.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    neurons.s_out.connect(after.s_in)
    after.a_out.connect(sigma.a_in)
    sigma.s_out.connect(sink.a_in)
    run(sink, 12, Loihi1SimCfg(select_tag="fixed_pt"))
    values = [sink.data.get(), sigma.sigma.get(), neurons.act.get()]
    sink.stop()
    return values


def references(run, rng):
    """A model that reads and writes a Var of another."""
    noise, phases, controller = Noise(), Phases(20), Controller(20)
    noise.s_out.connect(phases.a_in)
    controller.ref.connect_var(phases.total)
    run(controller, 20, Loihi2SimCfg())
    values = [controller.seen.get(), phases.total.get()]
    controller.stop()
    return values


def monitored_management(run, rng):
    """A Monitor, made before the Process whose Var it reads, which changes in this phase too."""
    monitor, phases, noise = Monitor(), Phases(12), Noise()
    monitor.probe(phases.ran, 12)
    noise.s_out.connect(phases.a_in)
    run(phases, 12, Loihi2SimCfg())
    values = [monitor.get_data()[phases.name]["ran"]]
    phases.stop()
    return values


PROGRAMS = (
    floating_point,
    fixed_point,
    own_models,
    random_numbers,
    hierarchy,
    balanced,
    without_synapses,
    sigma_delta,
    references,
    wide_image,
    monitored_management,
    small_pilotnet,
    *LIBRARY,
    *OF_THIRD_PARTIES,
)


def results(program, configuration):
    """What a program computes, as arrays."""

    def run(process, n_steps, run_cfg=None):
        process.run(condition=RunSteps(n_steps), run_cfg=run_cfg and configuration(run_cfg))

    np.random.seed(11)
    return program(run, np.random.default_rng(3))


def main():
    by_name = {}
    for program in PROGRAMS:
        for number, values in enumerate(results(program, lambda run_cfg: run_cfg)):
            by_name[f"{program.__name__}-{number}"] = values
    np.savez(sys.argv[1], **by_name)


if __name__ == "__main__":
    main()
