import re
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.random_bits import random_bits

KEYS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=0, max_size=4)


def plain_bits(*key):
    """The definition once more, in Python integers."""
    state = 0x9E3779B9
    for word in key:
        mixed = (5 * state + 0x9E3779B9 + word) % 2**32
        mixed = (mixed ^ mixed >> 16) * 0x85EBCA6B % 2**32
        mixed = (mixed ^ mixed >> 13) * 0xC2B2AE35 % 2**32
        state = mixed ^ mixed >> 16
    return state


@settings(max_examples=100, deadline=None)
@given(key=KEYS)
def test_random_bits__equals_plain_integers(key):
    assert int(random_bits(*key)) == plain_bits(*key)


def test_random_bits__stays_what_it_was():
    # stored numbers: a changed definition would change every stochastic run of every user
    bits = [int(random_bits(*key)) for key in ((0,), (1, 2, 3), (-1, 2**40))]
    assert bits == [3678440605, 3229197394, 1053003432]


def test_random_bits__is_what_its_document_defines():
    document = Path(__file__).parents[2] / "docs" / "explanation" / "fixed_point_da_ssdp.md"
    text = document.read_text(encoding="utf-8")
    defined: dict = {}
    exec(re.search(r"```python\n(def random_bits.*?)```", text, re.DOTALL)[1], defined)
    vectors = re.findall(r"^\| (\d+(?:, \d+){3}) \| (\d+) \|$", text, re.MULTILINE)
    assert len(vectors) == 3
    for words, bits in vectors:
        key = [int(word) for word in words.split(", ")]
        assert random_bits(*key) == defined["random_bits"](*key) == int(bits)


def test_random_bits__broadcasts_keys():
    table = random_bits(7, np.arange(3)[:, None], np.arange(2)[None, :])
    assert table.dtype == np.uint32
    assert table.tolist() == [[plain_bits(7, i, j) for j in range(2)] for i in range(3)]


def test_random_bits__order_of_words_matters():
    assert int(random_bits(1, 2)) != int(random_bits(2, 1))
    assert int(random_bits(0)) != int(random_bits(0, 0))


def test_random_bits__are_uniform_and_unrelated():
    """Fixed key, so no false alarm: each statistic stays within 4 standard deviations."""
    n = 40_000
    bits = random_bits(2024, np.arange(n))
    limit = 4 * np.sqrt(n) / 2
    for place in range(32):
        assert abs(int((bits >> np.uint32(place) & 1).sum()) - n / 2) < limit
    counts = np.bincount(bits >> np.uint32(24), minlength=256)
    chi_square = float(((counts - n / 256) ** 2 / (n / 256)).sum())
    assert abs(chi_square - 255) < 4 * np.sqrt(2 * 255)
    toggled = bits ^ random_bits(2024, np.arange(n) ^ 2**20)  # one bit of the key changed
    flips = sum(int((toggled >> np.uint32(place) & 1).sum()) for place in range(32))
    assert abs(flips - 16 * n) < 4 * np.sqrt(32 * n) / 2
