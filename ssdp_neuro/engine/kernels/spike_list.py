"""Bytes that flag spikes, to the list of who fired: 64 at a time and without branches.

A branch on whether a neuron fired cannot be predicted. So the flags of a block become the
bits of a word, and eight of its bits pick the places of up to eight spikes from a table;
all eight are written, and as many kept as there are. Numba has no such vectors.
"""

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.engine.kernels.tables import BLOCK, BLOCK_BITS

_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
PLACES = np.argsort(1 - _BITS, axis=1, kind="stable").astype(np.uint8)  # set bits first

BYTE, WORD = cgutils.ir.IntType(8), cgutils.ir.IntType(64)


@intrinsic
def _block_bits(typing_context, flags, start):
    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        block = cgutils.ir.VectorType(BYTE, BLOCK)
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), block.as_pointer())
        fired = builder.icmp_signed("!=", builder.load(place, align=1), block(None))
        return builder.bitcast(fired, WORD)

    return types.uint64(flags, types.int64), generate


@intrinsic
def _append(typing_context, bits, first, places, indices, n):
    def generate(context, builder, signature, arguments):
        bits, first, _, _, n = arguments
        places, indices = (
            context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (2, 3)
        )
        entry = cgutils.ir.IntType(signature.args[3].dtype.bitwidth)
        eight_bytes, eight_words = (cgutils.ir.VectorType(kind, 8) for kind in (BYTE, entry))
        if entry.width < WORD.width:
            first = builder.trunc(first, entry)
        zeros = cgutils.ir.VectorType(cgutils.ir.IntType(32), 8)(None)
        for shift in range(0, BLOCK, 8):
            eight = builder.and_(builder.lshr(bits, WORD(shift)), WORD(255))
            row = builder.gep(places.data, [builder.shl(eight, WORD(3))])
            chosen = builder.load(builder.bitcast(row, eight_bytes.as_pointer()), align=1)
            start = builder.insert_element(
                eight_words(None), builder.add(first, entry(shift)), zeros.type.element(0)
            )
            start = builder.shuffle_vector(start, start, zeros)
            listed = builder.add(builder.zext(chosen, eight_words), start)
            target = builder.gep(indices.data, [n])
            builder.store(
                listed, builder.bitcast(target, eight_words.as_pointer()), align=entry.width // 8
            )
            n = builder.add(n, builder.ctpop(eight))
        return n

    return types.int64(types.uint64, types.int64, places, indices, types.int64), generate


@part
def _block_bits_one_by_one(flags, start):
    """The same, as an interpreter or a check of bounds can follow it."""
    bits = np.uint64(0)
    for i in range(BLOCK):
        bits |= np.uint64(flags[start + i]) << np.uint64(i)
    return bits


@part
def _append_one_by_one(bits, first, places, indices, n):
    for i in range(BLOCK):
        if bits >> np.uint64(i) & np.uint64(1):
            indices[n] = first + i
            n += 1
    return n


ONE_BY_ONE = numba.config.DISABLE_JIT or numba.config.BOUNDSCHECK
block_bits = _block_bits_one_by_one if ONE_BY_ONE else _block_bits
append = _append_one_by_one if ONE_BY_ONE else _append


@part
def list_spikes(flags, first, marked, indices, n):
    """Append ``first + i`` of every set flag to ``indices`` at ``n``; return the new ``n``.

    ``flags`` are whole blocks; ``marked`` is scratch with one entry for each and one more;
    ``indices`` has SPARE entries behind the spikes.
    """
    n_marked = 0
    for block in range(flags.shape[0] >> BLOCK_BITS):
        marked[n_marked] = block
        n_marked += np.int64(block_bits(flags, block << BLOCK_BITS) != 0)
    for k in range(n_marked):
        start = marked[k] << BLOCK_BITS
        n = append(block_bits(flags, start), first + start, PLACES, indices, n)
    return n


@part
def list_flags(flags, marked, indices, n):
    """The same of flags of any number, in their place; not so fast for less than a block."""
    size = flags.shape[0]
    whole, rest = size >> BLOCK_BITS << BLOCK_BITS, size & (BLOCK - 1)
    n = list_spikes(flags[:whole], 0, marked, indices, n)
    if rest == 0:
        return n
    bits = np.uint64(0)
    if whole > 0:  # the last block, of which the other flags are through
        bits = block_bits(flags, size - BLOCK) >> np.uint64(BLOCK - rest)
    else:
        for i in range(size):
            bits |= np.uint64(flags[i]) << np.uint64(i)
    return append(bits, whole, PLACES, indices, n)
