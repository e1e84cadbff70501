import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.random_bits import random_bits
from ssdp_neuro.engine.kernels import random_words
from tests.interpreted import interpreted

BOTH = pytest.mark.parametrize(
    "kernels", [random_words, interpreted(random_words)], ids=["compiled", "python"]
)
words = st.one_of(st.integers(0, 2**32 - 1), st.integers(-(2**31), -1), st.just(2**40 + 5))
indices = st.integers(0, 2**32 - 1)


@pytest.mark.kernel
@BOTH
@given(seed=words, sample=words, post=indices, pre=indices)
@settings(deadline=None, max_examples=60)
def test_absorb__equals_random_bits_of_the_same_key(kernels, seed, sample, post, pre):
    offset = kernels.key_offset(seed, sample)
    offset = kernels.next_offset(kernels.absorb(offset, np.uint32(post)))
    assert int(kernels.absorb(offset, np.uint32(pre))) == int(random_bits(seed, sample, post, pre))
