"""Options of the compiler for the chip, which programs set before they run.

``lava.magma.compiler.subcompilers.nc.ncproc_compiler`` belongs to an extension that only Intel
gives out. Here the options have no effect: nothing is compiled for a chip. All else that is asked
of this module is missing, as the compiler is, and is refused as a missing module is, so that
programs that look for the compiler see that there is none.
"""

from __future__ import annotations

from typing import NoReturn


class CompilerOptions:
    """Takes every option."""

    verbose = False
    log_memory_info = False
    show_resource_count = False


def __getattr__(name: str) -> NoReturn:
    if not name[:1].isupper():  # no class: whoever looks at modules in general asks for these
        raise AttributeError(name)
    raise ModuleNotFoundError(
        f"lava.magma.compiler.subcompilers.nc.ncproc_compiler.{name}: Lava's compiler for Loihi is"
        " a part of Intel's extension, which is not installed; here only CompilerOptions can be"
        " named, without an effect"
    )
