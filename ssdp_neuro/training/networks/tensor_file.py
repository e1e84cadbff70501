"""Safetensors files whose bytes depend on nothing but what is in them."""

from __future__ import annotations

import json

from torch import Tensor

LENGTH_BYTES, ALIGNMENT = 8, 8


def tensor_file(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """The content of a safetensors file; the same for the same tensors and metadata.

    Parameters
    ----------
    tensors
        By name; contiguous.
    metadata
        By name; written in the order of the names, which the library leaves to chance.
    """
    from safetensors.torch import save

    data = save(tensors, metadata=metadata)
    end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
    header = json.loads(data[LENGTH_BYTES:end])
    header["__metadata__"] = dict(sorted(metadata.items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)  # the tensors begin at a multiple of 8
    return len(text).to_bytes(LENGTH_BYTES, "little") + text + data[end:]
