"""The mixer of :mod:`hw_models.random_bits` in 32-bit lanes, callable from kernels.

Sums and products wrap modulo 2**32. They are written in 64 bits and masked, which the
compiler narrows again to 32-bit lanes and which raises no overflow in plain Python.
The constants are written out because compiled code is cached by the sources of this folder.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import kernel, lean_kernel

MASK32 = 0xFFFFFFFF
GOLDEN = 0x9E3779B9
MIX_A = 0x85EBCA6B
MIX_B = 0xC2B2AE35


@kernel
def mix(word):
    """Scramble one uint32: a bijection with full avalanche."""
    x = np.uint32(word ^ (word >> np.uint32(16)))
    x = np.uint32(np.uint64(x) * np.uint64(MIX_A) & np.uint64(MASK32))
    x = np.uint32(x ^ (x >> np.uint32(13)))
    x = np.uint32(np.uint64(x) * np.uint64(MIX_B) & np.uint64(MASK32))
    return np.uint32(x ^ (x >> np.uint32(16)))


@kernel
def next_offset(state):
    """Make what the next word of a key is added to: ``5 * state + GOLDEN`` as uint32."""
    return np.uint32(np.uint64(state) * np.uint64(5) + np.uint64(GOLDEN) & np.uint64(MASK32))


@kernel
def absorb(offset, word):
    """State after one more word of the key; the last state is the random number."""
    return mix(np.uint32(np.uint64(offset) + np.uint64(word) & np.uint64(MASK32)))


@kernel
def key_offset(seed, sample):
    """Make the offset after the words ``seed`` and ``sample``, each taken modulo 2**32."""
    state = absorb(next_offset(np.uint32(GOLDEN)), np.uint32(seed & MASK32))
    return next_offset(absorb(next_offset(state), np.uint32(sample & MASK32)))


@kernel
def synapse_bits(pre_word, group_word):
    """One bit for each synapse of a source to 32 targets, of the numbers of both.

    Those of any three synapses are independent if the words are; the mixing hides that a rectangle
    of four has but four words.
    """
    x = np.uint32(np.uint64(pre_word) + np.uint64(group_word) & np.uint64(MASK32))
    x = np.uint32(x ^ (x >> np.uint32(16)))
    x = np.uint32(np.uint64(x) * np.uint64(MIX_A) & np.uint64(MASK32))
    return np.uint32(x ^ (x >> np.uint32(16)))


@kernel
def carry_bits(pre_word, group_word):
    """The complement of :func:`synapse_bits`."""
    return np.uint32(synapse_bits(pre_word, group_word) ^ np.uint32(MASK32))


@lean_kernel
def fill_words(words, offset):
    """Random numbers of a key whose last word is the place."""
    for k in range(words.shape[0]):
        words[k] = absorb(offset, np.uint32(k))
