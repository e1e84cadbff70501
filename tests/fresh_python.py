"""Programs in an interpreter of their own, as a user starts them."""

import subprocess
import sys
import textwrap

from ssdp_neuro.progress import PREFIX


def run_program(program, *arguments, options=(), folder=None, timeout_s=120):
    """What a program printed; it has to end well."""
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(program), *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_notice(errors):
    """Standard error but for the lines that say what takes long, as a busy machine brings."""
    return "".join(line for line in errors.splitlines(True) if not line.startswith(PREFIX))
