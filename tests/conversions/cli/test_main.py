import importlib
import os
import re
import signal
import subprocess
import sys
import time
import typing
from importlib import metadata

import pytest
import typer

from conversions.cli import main as cli
from tests.fresh_python import without_notice

HEAVY = ("torch", "lava", "numba", "h5py", "matplotlib", "tonic", "sklearn")


def examples(name):
    """The example lines in a command's help."""
    text = cli.command_of(name, cli.COMMANDS[name]).help or ""
    return re.findall(r"^\s*(ssdp-neuro .*)$", text, re.MULTILINE)


# the examples of the other commands need files that their own tests make
@pytest.mark.parametrize("name", ["data", "info", "learn", "simulate", "train"])
def test_help__examples_run_as_printed(command, name):
    lines = examples(name)
    assert lines
    for line in lines:
        ran = command(line.removeprefix("ssdp-neuro "))
        assert (ran.status, without_notice(ran.err)) == (0, ""), line
        assert ran.out


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_help__every_command_has_an_example(command, name):
    assert all(line.startswith(f"ssdp-neuro {name}") for line in examples(name))
    assert examples(name)
    ran = command(f"{name} --help")
    assert ran.status == 0
    assert f"ssdp-neuro {name}" in ran.out


def test_help__lists_every_command(command):
    ran = command("--help")
    assert ran.status == 0
    for name in ("convert", "demo", "info", "learn", "simulate", "verify"):
        assert name in ran.out


def test_help__imports_nothing_heavy():
    program = (
        "import sys\nfrom conversions.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        f"heavy = sorted(set({HEAVY!r}) & set(sys.modules))\nassert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60)


def test_version__is_the_installed_one(command):
    assert command("--version").out == f"ssdp-neuro {metadata.version('ssdp-neuro')}\n"


def test_unknown_command__is_a_user_error(command):
    ran = command("simulat")
    assert ran.status == 2
    assert "simulat" in ran.err


def test_command__that_cannot_be_imported_is_listed_and_says_why(command, monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "broken", "no_such_module_of_ours:run")
    assert "broken" in command("--help").out
    ran = command("broken --any option")
    assert ran.status == 2
    assert ran.err == (
        "error: command 'broken' cannot be loaded: No module named 'no_such_module_of_ours'\n"
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "No such file or directory", "x.npy"), "x.npy: No such file"),
        (MemoryError("Unable to allocate 9 TiB"), "not enough memory: Unable to allocate 9 TiB"),
    ],
)
def test_main__turns_the_machines_refusals_into_messages(command, monkeypatch, error, message):
    def fail():
        raise error

    app = typer.Typer()
    app.command()(fail)
    monkeypatch.setattr(cli, "app", app)
    ran = command("")
    assert ran.status == 2
    assert ran.err.startswith(f"error: {message}")


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send SIGINT to one child process")
def test_ctrl_c__stops_without_a_traceback(command):
    line = ["simulate", "net.h5", "--steps", "100000000", "--rate", "0"]
    # a shell lets what it starts in the background ignore SIGINT, and children inherit that
    program = """
import signal
from conversions.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)
print("ready", flush=True)
main()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, *line], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"ready\n"
        time.sleep(1.0)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert child.returncode not in (0, 2)
    assert b"Traceback" not in err
    assert b"error" not in err
    assert out == b""


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_help__cuts_no_word_at_80_columns(command, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    shown = command(f"{name} --help").out
    made = cli.command_of(name, cli.COMMANDS[name])
    module, _, function = cli.COMMANDS[name].partition(":")
    hints = typing.get_type_hints(getattr(importlib.import_module(module), function))
    for option in made.params:
        words = [word for word in option.opts if word.startswith("-")]
        for word in (*words, *cli._choices(hints.get(option.name))):
            assert word in shown, word
    assert max(map(len, shown.splitlines())) <= 80


def test_unknown_command__names_the_one_that_was_meant(command):
    ran = command("dmeo")
    assert ran.status == 2
    assert "Did you mean 'demo'?" in ran.err


def test_completion__knows_the_commands():
    said = {
        "_SSDP_NEURO_COMPLETE": "complete_bash",
        "COMP_WORDS": "ssdp-neuro co",
        "COMP_CWORD": "1",
    }
    program = "from conversions.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **said}, capture_output=True, text=True
    )
    assert done.stdout.split() == ["compare", "convert"]
