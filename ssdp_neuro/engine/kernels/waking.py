"""Waking: put the blocks that input is on its way to on the list of live ones."""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel
from ssdp_neuro.engine.kernels.tables import (
    ASLEEP,
    BLOCK_BITS,
    LIVE,
    NO_SYNAPSE,
    PLACES,
    WEIGHT_BITS,
)

PLACE_MASK = np.uint32(PLACES - 1)


@lean_kernel
def wake(block, step, touched, live, live_list, n_live, known_list, n_known):
    """Put a block on its population's list of live ones; return the new lengths."""
    touched[block] = step
    if live[block] != LIVE:
        if live[block] != ASLEEP:
            known_list[n_known] = block
            n_known += 1
        live[block] = LIVE
        live_list[n_live] = block
        n_live += 1
    return n_live, n_known


@lean_kernel
def wake_sparse(
    fired, row_start, target, shift, step, touched, live, live_list, n_live, known_list, n_known
):
    """Wake the block ``target >> shift`` of every synapse of the sources that fired."""
    for k in range(fired.shape[0]):
        targets = target[row_start[fired[k]] : row_start[fired[k] + 1]]
        for s in range(targets.shape[0]):
            block = np.int64(targets[s]) >> shift
            n_live, n_known = wake(
                block, step, touched, live, live_list, n_live, known_list, n_known
            )
    return n_live, n_known


@lean_kernel
def wake_group(
    fired, row_start, words, stride, step, touched, live, live_list, n_live, known_list, n_known
):
    """The same for a group of delays, whose places run over slots of ``stride``."""
    for k in range(fired.shape[0]):
        row = words[row_start[fired[k]] : row_start[fired[k] + 1]]
        slot = np.int64(0)
        for s in range(row.shape[0]):
            place = np.int64(row[s] & PLACE_MASK)
            while place >= slot + stride:  # places of a row are in order of their slots
                slot += stride
            block = (place - slot) >> BLOCK_BITS
            n_live, n_known = wake(
                block, step, touched, live, live_list, n_live, known_list, n_known
            )
    return n_live, n_known


@lean_kernel
def wake_single(fired, words, step, touched, live, live_list, n_live, known_list, n_known):
    """The same for a projection of kind SINGLE."""
    for k in range(fired.shape[0]):
        if words[fired[k]] != NO_SYNAPSE:
            block = np.int64(words[fired[k]]) >> (BLOCK_BITS + WEIGHT_BITS)
            n_live, n_known = wake(
                block, step, touched, live, live_list, n_live, known_list, n_known
            )
    return n_live, n_known
