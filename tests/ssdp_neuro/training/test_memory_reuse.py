import platform
import subprocess
import sys

PROGRAM = """
import resource, torch
from ssdp_neuro.training.memory_reuse import reuse_memory
def faults():
    for turn in range(2):  # the second may still take its place anew
        torch.zeros(2**24)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for turn in range(10):
        torch.zeros(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults(), int(reuse_memory()), faults())
"""


def test_reuse_memory__pages_are_not_zeroed_anew():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    before, took_effect, after = map(int, done.stdout.split())
    assert took_effect == (platform.libc_ver()[0] == "glibc")
    if took_effect:  # 64 MiB in each of ten turns are 163840 pages, unless pages are large
        assert before > 10 * after + 100
