"""A real number of a config file, within its bounds."""

from __future__ import annotations

import math

from hw_models import RangeError


def number(
    where: str,
    value: float,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
) -> None:
    """Refuse a number that is not finite or out of bounds; ``where`` names it.

    Raises
    ------
    RangeError
    """
    if math.isfinite(value) and least <= value <= most and above < value < below:
        return
    bounds = {"from": least, "above": above, "to": most, "below": below}
    allowed = ", ".join(f"{word} {x:g}" for word, x in bounds.items() if math.isfinite(x))
    raise RangeError(f"{where}: {value}; allowed {allowed or 'finite numbers'}")
