"""The command ``ssdp-neuro``: a command is a file of this folder and a line of ``COMMANDS``."""

from __future__ import annotations

import difflib
import enum
import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hw_models import MissingExtraError, SsdpError
from hw_models.extras import EXTRAS, missing_extra

COMMANDS = {
    "compare": "conversions.cli.compare:compare",
    "convert": "conversions.cli.convert:convert",
    "data": "conversions.cli.data:data",
    "demo": "conversions.cli.demo:demo",
    "info": "conversions.cli.info:info",
    "lava": "conversions.cli.lava_program:lava",
    "learn": "conversions.cli.learn:learn",
    "simulate": "conversions.cli.simulate:simulate",
    "train": "conversions.cli.train:train",
    "verify": "conversions.cli.verify:verify",
}
USER_ERROR = 2


class LazyCommands(TyperGroup):
    """Commands that are imported when they are named, so that the others stay quick."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Name every command, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import one command; None if there is none of that name."""
        home = COMMANDS.get(cmd_name)
        if home is None:
            return None
        return command_of(cmd_name, home)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; for a name that is none, say which was probably meant."""
        if args and args[0] not in COMMANDS and not ctx.resilient_parsing:
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if close:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)


def command_of(name: str, home: str) -> Any:
    """Make a command of the function at ``home``; one that cannot be imported says so."""
    module, _, attribute = home.partition(":")
    settings: dict[str, Any] = {}
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        function = _unavailable(name, error)
        settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    maker = typer.Typer(add_completion=False, rich_markup_mode="rich")
    # \b before a paragraph keeps its lines; in a raw docstring it is two characters
    text = inspect.cleandoc(function.__doc__ or "").replace(r"\b", "\b")
    maker.command(name, help=text, context_settings=settings)(function)
    command: Any = typer.main.get_command(maker)
    hints = typing.get_type_hints(function)
    for option in command.params:
        choices = _choices(hints.get(option.name))
        if choices and option.metavar is None:
            # typer's list of choices is one long word, which narrow terminals cut anywhere
            option.metavar = "<choice>"
            option.help = f"{option.help} One of {', '.join(choices)}."
    return command


def _choices(hint: Any) -> list[str]:
    """The words of an enum that an option has; none for options of other types."""
    for kind in (hint, *typing.get_args(hint)):
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return [str(member.value) for member in kind]
    return []


def _unavailable(name: str, reason: Exception) -> Callable[[], None]:
    def command() -> None:
        if extra_of(reason):
            raise reason
        raise MissingExtraError(f"command {name!r} cannot be loaded: {reason}")

    command.__doc__ = f"Not available here: {reason}"
    return command


def extra_of(error: BaseException) -> str | None:
    """The module of an extra that could not be imported; None if it was something else."""
    module = (getattr(error, "name", None) or "").partition(".")[0]
    return module if isinstance(error, ImportError) and module in EXTRAS else None


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ssdp-neuro {metadata.version('ssdp-neuro')}")
        raise typer.Exit


app = typer.Typer(
    name="ssdp-neuro",
    cls=LazyCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def ssdp_neuro(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Fixed-point on-chip learning by spike synchrony, event-driven and exact.

    Each command explains itself: ssdp-neuro simulate --help
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit status 2 and one message for a user's mistake."""
    try:
        app(None if arguments is None else list(arguments), prog_name="ssdp-neuro")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}")
    except SsdpError as error:
        _fail(str(error))
    except MemoryError as error:
        _fail(f"not enough memory: {error}")
    except ImportError as error:
        module = extra_of(error)
        if module is None:
            raise
        _fail(str(missing_extra("this command", module)))


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(USER_ERROR)


if __name__ == "__main__":  # torchrun -m
    main()
