"""Safetensors files whose bytes depend on nothing but what is in them."""

from __future__ import annotations

import json
import os

from torch import Tensor

from hw_models import MissingFileError, NetworkFileError

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


def read_tensors(
    path: str | os.PathLike[str],
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors, on the CPU, of a safetensors file; nothing in it is executed.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NetworkFileError
        If it cannot be read, or is damaged.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {
                name: file.get_tensor(name)
                for name in file.keys()  # noqa: SIM118
            }
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except Exception as error:  # safetensors and PyTorch report damage by errors of many kinds
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise NetworkFileError(f"{path}: not a readable safetensors file: {reason}") from None
