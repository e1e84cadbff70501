"""Numbers of a step that the host learns without a GPU waiting for it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Reader = Callable[[list[float]], None]


class LateNumbers:
    """Hand a step's numbers to the host, one step late where the device runs ahead of it.

    A GPU computes what it was told while Python goes on. Asking it for a number empties that
    queue; so a step's numbers travel while the next step is computed, and are read after it.

    Parameters
    ----------
    late
        Whether to read them a step later; a CPU has nothing to wait for.
    """

    def __init__(self, *, late: bool) -> None:
        self.late = late
        self._on_the_way: Callable[[], None] | None = None

    def tell(self, numbers: Tensor, reader: Reader) -> None:
        """Give a step's numbers to their reader: now, or when the next step's are told.

        Parameters
        ----------
        numbers : real, shape (n,)
            On the device.
        reader
            Gets them as floats; what it raises is raised here.
        """
        if not self.late:
            reader(numbers.tolist())
            return
        arrived = _sent(numbers)
        self.settle()
        self._on_the_way = lambda: reader(arrived().tolist())

    def settle(self) -> None:
        """Wait for what is still on its way, and read it."""
        read, self._on_the_way = self._on_the_way, None
        if read is not None:
            read()


def _sent(numbers: Tensor) -> Callable[[], Tensor]:
    """Begin to copy to the host; calling waits for the end."""
    if numbers.device.type != "cuda":
        kept = numbers.clone()
        return lambda: kept
    copied = torch.empty(numbers.shape, dtype=numbers.dtype, pin_memory=True)
    copied.copy_(numbers, non_blocking=True)
    done = torch.cuda.Event()
    done.record()

    def arrived() -> Tensor:
        done.synchronize()
        return copied

    return arrived
