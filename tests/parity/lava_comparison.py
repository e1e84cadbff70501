"""Programs in plain Lava: Lava's models, and the engine by from_lava, value by value."""

import numpy as np

from conversions import from_lava


def run_in_lava(graph, n_steps):
    """u, v of all neurons after each step, and what the sinks hold in the end."""
    from hw_models.lava_processes.direct_run import DirectRun

    run = DirectRun(graph.processes)
    states = {
        (neurons.id, variable): np.empty((n_steps, neurons.s_out.size), dtype=np.int64)
        for neurons in graph.neurons
        for variable in "uv"
    }
    for step in range(n_steps):
        run.step()
        for neurons in graph.neurons:
            for variable in "uv":
                state = getattr(run.model(neurons), variable)
                states[neurons.id, variable][step] = state.reshape(-1)
    return states, {sink.id: run.model(sink).data for sink in graph.sinks}


def assert_same_as_lava(graph, n_steps, any_process=None):
    program = from_lava(any_process or graph.neurons[-1])
    probes = [(program.name_of(neurons), v) for neurons in graph.neurons for v in "uv"]
    run = program.run(n_steps, probes=probes)
    states, kept = run_in_lava(graph, n_steps)
    for neurons in graph.neurons:
        for variable in "uv":
            np.testing.assert_array_equal(
                run.result.probe(program.name_of(neurons), variable), states[neurons.id, variable]
            )
    for sink in graph.sinks:
        np.testing.assert_array_equal(run.data(sink), kept[sink.id])
    return run
