import time

import numba
import pytest

from ssdp_neuro import compile_notice

SOURCE = """
def inner(x):
    return x + 1

def outer(x):
    total = 0.0
    for i in range(x):
        total += inner(i) ** 0.5
    return total
"""


def compile_once(module):
    names = {"__name__": module}
    exec(SOURCE, names)
    names["inner"] = numba.njit(names["inner"])
    return numba.njit(names["outer"])(4)


@pytest.fixture
def announced(monkeypatch, capsys):
    """What is printed when every compilation takes too long."""
    if numba.config.DISABLE_JIT:
        pytest.skip("nothing is compiled")
    monkeypatch.setattr(compile_notice, "SLOW_SECONDS", 0.0)
    compile_notice.announce_compiling()
    compile_notice.announce_compiling()

    def told(module):
        compile_once(module)
        time.sleep(0.05)
        return capsys.readouterr().err

    return told


def test_compile_notice__names_our_kernel_in_one_line(announced):
    assert announced("ssdp_neuro.made_up") == (
        "ssdp_neuro: compiling outer for this processor, which later runs find in the cache ...\n"
    )


def test_compile_notice__says_nothing_of_other_people_s_functions(announced):
    assert announced("elsewhere") == ""
    assert announced(None) == ""


def test_compile_notice__says_nothing_of_what_is_quick(announced, monkeypatch):
    monkeypatch.setattr(compile_notice, "SLOW_SECONDS", 60.0)
    assert announced("ssdp_neuro.made_up") == ""
