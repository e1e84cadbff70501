"""One LIF step of neurons ``low..high - 1`` of one population, by kind of population."""

from ssdp_neuro.compilation.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.lif import (
    update_adaptive,
    update_general,
    update_memoryless,
    update_uniform,
    update_wide,
)
from ssdp_neuro.engine.kernels.table_view import open_tables, section


@part
def drive_of(p, step, low, high, populations, state):
    """Input that neurons ``low..high - 1`` of population ``p`` take in this step."""
    slot = step % populations.ring[p]
    start = populations.drive_offset[p] + slot * populations.stride[p]
    return section(state.drive, start + low, start + high)


@step_kernel
def step_uniform(p, step, low, high, handle):
    """Neurons that share their parameters."""
    tables = open_tables(handle)
    populations, state = tables.populations, tables.state
    drive = drive_of(p, step, low, high, populations, state)
    start, end = populations.offset[p] + low, populations.offset[p] + high
    u, v = section(state.u, start, end), section(state.v, start, end)
    flags = section(state.flags, start, end)
    keep_u, keep_v = populations.keep_u[p], populations.keep_v[p]
    bias, threshold = populations.bias[p], populations.threshold[p]
    if keep_u == 0 and tables.probes.population.shape[0] == 0:
        update_memoryless(v, drive, flags, keep_v, bias, threshold)
    else:
        update_uniform(u, v, drive, flags, keep_u, keep_v, bias, threshold)
    return 0


@step_kernel
def step_general(p, step, low, high, handle):
    """Neurons with parameters of their own."""
    tables = open_tables(handle)
    populations, state = tables.populations, tables.state
    start, end = populations.offset[p] + low, populations.offset[p] + high
    first, last = populations.row[p] + low, populations.row[p] + high
    update_general(
        section(state.u, start, end),
        section(state.v, start, end),
        section(state.wait, first, last),
        drive_of(p, step, low, high, populations, state),
        section(state.flags, start, end),
        section(populations.each_keep_u, first, last),
        section(populations.each_keep_v, first, last),
        section(populations.each_bias, first, last),
        section(populations.each_threshold, first, last),
        populations.refractory[p],
        populations.subtract[p],
    )
    return 0


@step_kernel
def step_wide(p, step, low, high, handle):
    """The same, with state of up to 32 bits."""
    tables = open_tables(handle)
    populations, state = tables.populations, tables.state
    start, end = populations.offset[p] + low, populations.offset[p] + high
    first, last = populations.row[p] + low, populations.row[p] + high
    update_wide(
        section(state.u, start, end),
        section(state.v, start, end),
        section(state.wait, first, last),
        drive_of(p, step, low, high, populations, state),
        section(state.flags, start, end),
        section(populations.each_keep_u, first, last),
        section(populations.each_keep_v, first, last),
        section(populations.each_bias, first, last),
        section(populations.each_threshold, first, last),
        populations.refractory[p],
        populations.subtract[p],
    )
    return 0


@step_kernel
def step_adaptive(p, step, low, high, handle):
    """The same, with thresholds that rise with a spike."""
    tables = open_tables(handle)
    populations, state = tables.populations, tables.state
    start, end = populations.offset[p] + low, populations.offset[p] + high
    first, last = populations.row[p] + low, populations.row[p] + high
    update_adaptive(
        section(state.u, start, end),
        section(state.v, start, end),
        section(state.wait, first, last),
        section(state.adapted, first, last),
        drive_of(p, step, low, high, populations, state),
        section(state.flags, start, end),
        section(populations.each_keep_u, first, last),
        section(populations.each_keep_v, first, last),
        section(populations.each_keep_rise, first, last),
        section(populations.each_bias, first, last),
        section(populations.each_threshold, first, last),
        section(populations.each_rise, first, last),
        populations.refractory[p],
        populations.subtract[p],
    )
    return 0
