"""A short run of every reader; ``python -m tests.fuzz files --seconds 600`` is a long one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import files

BY_CHILD = ("network", "session", "netx", "nir")  # a quarter of a second each
QUICK = tuple(name for name in files.FORMATS if name not in BY_CHILD)


@pytest.mark.parametrize("name", files.FORMATS)
def test_readers__take_a_good_file(name):
    assert files.try_case(files.Case(name, files.FORMATS[name].wrap(files.good(name))))


def test_readers__refuse_what_once_went_wrong():
    cases = list(files.corpus())
    assert len(cases) > 20
    with files.limited_memory():
        for case in cases:
            taken = files.try_case(case)
            assert not taken or case.format == "npz", case  # some commands want no labels


@settings(files.ROUND, max_examples=250, derandomize=True)
@given(case=st.one_of(files.cases(QUICK), files.archives()))
def test_readers__give_a_value_or_an_error_of_ours(case):
    files.try_case(case)


@settings(files.ROUND, max_examples=12, derandomize=True)
@given(case=files.cases(BY_CHILD))
def test_hdf5_readers__give_a_value_or_an_error_of_ours(case):
    files.try_case(case)
