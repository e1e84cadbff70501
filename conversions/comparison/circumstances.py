"""Of what a comparison was made, each by its name."""

from __future__ import annotations

from typing import Any

from conversions.comparison.candidates import Candidate
from conversions.quantization import Calibration
from hw_models import Chip
from ssdp_neuro.data import SpikeDataset


def circumstances_of(
    candidates: list[Candidate],
    data: SpikeDataset,
    calibration: Any,
    drawings: list[int],
    total: int,
    chip: Chip,
) -> dict[str, str]:
    """Models, samples, drawings, calibration and chip, each by its name."""
    said = {}
    for number, candidate in enumerate(candidates):
        digest = "" if candidate.digest is None else f" (SHA-256 {candidate.digest})"
        said[f"model {number}"] = f"{candidate.name}{digest}"
    shape = " x ".join(map(str, data.input_shape))
    said["samples"] = (
        f"{total} of {len(data)}, {data.n_steps} steps of {shape} inputs, {data.n_classes} classes"
    )
    planes = candidates[0].executable.planes
    if planes is not None:
        low, high = planes.bounds
        said["input"] = f"real values from {low:.6g} to {high:.6g} in {planes.bits} binary digits"
    said["drawings of the spikes"] = ", ".join(map(str, drawings))
    said["calibration"] = "none" if calibration is None else f"{_size(calibration)} samples"
    said["decision"] = str(candidates[0].decision)
    said["chip"] = chip.name
    return said


def _size(calibration: Any) -> int:
    spikes = calibration.spikes if isinstance(calibration, Calibration) else calibration[0]
    return len(next(iter(spikes.values())) if isinstance(spikes, dict) else spikes)
