"""Between the settings of a data set and the code that is kept with a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hw_models import InputError
from hw_models.spike_code import SpikeCode
from ssdp_neuro.data.settings import DataSettings, Encoding

# the fields of [data] that say what a spike means, by encoding; n_steps always does
PARAMETERS: dict[Encoding, tuple[str, ...]] = {
    Encoding.LATENCY: ("pool", "window", "darkest", "spans"),
    Encoding.RATE: ("pool", "max_rate", "spans"),
    Encoding.REGULAR: ("pool", "max_rate", "seed", "spans"),  # of the phases of the pixels
    Encoding.BIT_PLANES: ("pool", "spans"),
    Encoding.THRESHOLD: ("pool", "spans"),
    Encoding.LEVELS: ("pool", "levels", "spans"),
    Encoding.SACCADES: ("pool", "levels", "step_us", "spans"),
    Encoding.EVENTS: ("pool", "step_us", "spans"),
    Encoding.DELTA: ("levels", "delta", "rhythm", "usual", "spans"),
    Encoding.COCHLEA: ("channels", "step_us", "speaker_db", "range_db", "spans"),
    Encoding.SPECTROGRAM: ("channels", "columns", "levels", "speaker_db", "range_db", "spans"),
}

# kept only where they do something: codes stored before there were such fields say the same
WITHOUT_EFFECT = {"spans": 1, "usual": 0, "speaker_db": 0, "range_db": 36}


def spike_code(
    settings: DataSettings, usual: Encoding, class_names: tuple[str, ...] = ()
) -> SpikeCode:
    """The code that the settings give.

    Parameters
    ----------
    settings
        Of the data set.
    usual
        What ``auto`` is there.
    class_names
        One for each label.
    """
    encoding = usual if settings.code is Encoding.AUTO else settings.code
    parameters = {
        name: value
        for name in PARAMETERS[encoding]
        if (value := getattr(settings, name)) != WITHOUT_EFFECT.get(name)
    }
    if parameters.get("window") == 0:
        parameters["window"] = settings.n_steps
    return SpikeCode(
        n_steps=settings.n_steps,
        encoding=encoding.value,
        parameters=parameters,
        class_names=class_names,
    )


def in_code(code: SpikeCode | None, table: Mapping[str, Any]) -> dict[str, Any]:
    """A ``[data]`` table in which what is left out is as a network was trained.

    Parameters
    ----------
    code
        Of the network; None if it is not known.
    table
        What is asked for; it has the last word.

    Raises
    ------
    InputError
        If the code is of no known encoding, or has a parameter that is none of it.
    """
    if code is None:
        return dict(table)
    known = {encoding.value: names for encoding, names in PARAMETERS.items()}
    if code.encoding not in known:
        raise InputError(f"the network's encoding {code.encoding!r}; known are {sorted(known)}")
    unknown = sorted(set(code.parameters) - set(known[code.encoding]))
    if unknown:
        raise InputError(f"the network's encoding {code.encoding!r} has no {unknown[0]!r}")
    stored: dict[str, Any] = {"n_steps": code.n_steps, "encoding": code.encoding}
    asked = table.get("encoding", "auto")
    if asked in ("auto", code.encoding):
        stored.update(code.parameters)
        table = {name: value for name, value in table.items() if name != "encoding"}
        if "window" in stored and "n_steps" in table:  # a longer sample keeps the window
            stored["window"] = min(stored["window"], table["n_steps"])
    return {**stored, **table}
