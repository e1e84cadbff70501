"""lava-dl where torchvision's compiled operators are missing."""

import importlib
import sys
import warnings

import torch

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# lava-dl imports its object detection, and with it torchvision, whose own import registers
# shapes for two operators of its C++ library. That library is built for one release of PyTorch;
# beside another one (the CPU wheels) it is not loaded and the import fails. Declaring the two
# operators is enough; nothing here calls them.
OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared = []


def _import_torchvision():
    try:
        importlib.import_module("torchvision")
        return
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in OPERATORS:
        library.define(schema)
    _declared.append(library)  # they are gone with it
    importlib.import_module("torchvision")


def import_slayer():
    """``lava.lib.dl.slayer`` and ``lava.lib.dl.netx``; whatever they import may warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "torchvision" not in sys.modules:
            _import_torchvision()
        return (
            importlib.import_module("lava.lib.dl.slayer"),
            importlib.import_module("lava.lib.dl.netx"),
        )
