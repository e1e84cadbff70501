"""Weights of Lava's models in the form that compiled loops need, kept until they change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def when_set(model: Any, forget: Callable[[], None]) -> None:
    """Forget what was made of a model's Vars whenever a user sets one."""
    tell = model.on_var_update

    def on_var_update() -> None:
        forget()
        tell()

    model.__dict__["on_var_update"] = on_var_update


class Stored:
    """Vars in another form, made again when they change.

    Parameters
    ----------
    model
        Whose Vars they are.
    form
        ``form(*vars, dtype)`` makes it; None of Vars that have none.
    names
        Of the Vars.
    """

    def __init__(
        self, model: Any, form: Callable[..., Any], names: tuple[str, ...] = ("weights",)
    ) -> None:
        self._model, self._form, self._names = model, form, names
        self._of: tuple[tuple[str, Any], ...] = ()
        self.made: Any = None
        when_set(model, self._forget)

    def _forget(self) -> None:
        self._of = ()

    def are_usable(self, dtype: Any) -> bool:
        """Whether :attr:`made` holds what the Vars are now."""
        for name, value in self._of:
            if getattr(self._model, name) is not value:
                break
        else:
            if self._of:
                return self.made is not None
        self._of = tuple((name, getattr(self._model, name)) for name in self._names)
        self.made = self._form(*(value for _, value in self._of), dtype)
        return self.made is not None
