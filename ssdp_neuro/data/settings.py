"""Which data, in which code and in which parts: plain values that fit in a TOML table."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hw_models import InputError, RangeError, TypeMismatchError
from hw_models.choices import member
from hw_models.errors import brief
from hw_models.integers import integer, real

MOST = 2**31 - 1
MOST_STEPS = 2**20


class Encoding(enum.Enum):
    """How samples become spikes; ``AUTO`` is what suits the data set."""

    AUTO = "auto"
    LATENCY = "latency"
    RATE = "rate"
    REGULAR = "regular"
    BIT_PLANES = "bit-planes"
    THRESHOLD = "threshold"
    LEVELS = "levels"
    SACCADES = "saccades"
    EVENTS = "events"
    DELTA = "delta"
    COCHLEA = "cochlea"
    SPECTROGRAM = "spectrogram"


class ValidationBy(enum.Enum):
    """What the validation part keeps whole; ``AUTO``: groups if the test has groups of its own."""

    AUTO = "auto"
    CLASS = "class"
    GROUP = "group"


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """The ``[data]`` table of a config file.

    Parameters
    ----------
    name
        ``digits``, ``mnist``, ``fashion-mnist``, ``idx``, ``cifar10``, ``nmnist``,
        ``dvs-gesture``, ``shd``, ``cifar10-dvs``, ``fsdd``, ``mit-bih`` or ``npz``;
        see ``ssdp_neuro.data.DATA_SETS`` for the files of each.
    folder
        Where its files are: a folder, or for some the file. ``digits`` needs none.
    n_steps
        Steps of a sample.
    encoding
        A member of :class:`Encoding` or its word: ``auto``, or for images ``latency`` (one
        spike, the earlier the brighter), ``rate`` (random, anew in every epoch), ``regular``
        (evenly spaced), ``bit-planes``, ``threshold``, ``levels`` (a channel for each
        threshold) or ``saccades`` (events of a simulated camera that moves as N-MNIST's did, in
        its shape); ``events`` for event cameras and spike arrays; ``delta`` for signals;
        ``cochlea`` for sound, or ``spectrogram``: an image of bands by columns of time, with a
        channel for each threshold of loudness.
    validation
        Share of the training samples kept for validation, 0 to below 1; 0 for none.
    validation_by
        ``class`` (in equal proportions), ``group`` (whole speakers or patients), ``auto``.
    test
        Share of the samples that is the test where the data set brings no test of its own.
    held_out
        Groups (speakers, patients) that make up the test instead of the data set's own.
    classes
        Names of the classes to keep, label 0 first; if empty all, of ``mit-bih`` N, S and V.
    train_from
        So many samples that are not the test are left out, the first in the data set's order.
    train_limit, validation_limit, test_limit
        At most so many samples of a part, classes in proportion; 0 for all. Those of the
        test do not depend on ``seed``.
    seed
        Of the choice of samples and of random encodings.
    pool
        So many rows and columns of pixels become one.
    mirror
        Whether training images are mirrored left to right, with a chance of one half.
    affine
        Training images, recordings of event cameras too, are turned, sheared, stretched and
        zoomed by chance: to each entry of the identity matrix a number of at most this is added,
        0..0.5; the nearest pixel is taken.
    shift
        Training images are shifted by up to so many pixels in both directions, by chance.
    window
        ``latency``: spikes fall into so many steps from the first; 0 for all steps.
    darkest
        ``latency``: pixels below this brightness (0..1) stay silent.
    max_rate
        ``rate``, ``regular``: spikes per step of the brightest pixel, above 0 to 1.
    step_us
        Microseconds of a recording, or of ``saccades``, in a step; what comes after the last
        step is left out. 0 lets the data set's usual length fill ``n_steps``, and every word of
        ``fsdd``.
    channels
        ``cochlea``: bands, spaced evenly on the mel scale; 3 neurons each. ``spectrogram``: as
        many rows.
    columns
        ``spectrogram``: equal parts of a word's time.
    warp
        Sound: in training each recording is, anew in every epoch, heard with the
        frequencies of all bands times ``e**(-warp)``, ``e**(-warp / 2)``, 1, ``e**(warp / 2)`` or
        ``e**warp``, as other vocal tracts would have said it; 0 for none, up to 0.5.
    speaker_db
        ``fsdd``: each step of a band is heard above or below the mean of all recordings of the
        speaker, whichever part they are in, with a spike for so many decibels, added up; neurons
        for both, 4 a band in all. 0: as loud as it is.
    range_db
        Sound: so many decibels below its loudest a recording is silent, 6..90.
    levels
        ``delta``: step sizes, each double the one before, with an up and a down channel each.
        ``levels``: even thresholds of brightness, with a channel each. ``saccades``: events of
        a pixel from black to white. ``spectrogram``: thresholds of loudness; with
        ``speaker_db`` as many above as below the mean, the first half of it away, each further
        one by all of it.
    delta
        ``delta``: the smallest step size, in units of the signal; 0 for the data set's own.
    rhythm
        ``mit-bih``: channels that say how early the beat came after the one before, in
        relation to the mean of up to 8 before it; 0 for none.
    usual
        ``mit-bih``: levels of each of five comparisons with what is usual of the patient: the
        intervals before and after the beat, the second with the first, how far its QRS complex is
        from the patient's typical beat, and how wide it is; 0 for none. A level has two channels,
        one for reached, one for not. It takes the whole record to judge a beat.
    spans
        Each channel is as many, one for each of so many equal spans of a sample's time.
    download
        Let tonic download ``nmnist``, ``dvs-gesture``, ``shd`` or ``cifar10-dvs``.
    cache
        Folder in which tonic keeps what it has made of those recordings; empty for none.

    Raises
    ------
    InputError, RangeError, TypeMismatchError
        If a value is not one of those, naming the field.
    """

    name: str = "digits"
    folder: str = ""
    n_steps: int = 20
    encoding: str = "auto"
    validation: float = 0.1
    validation_by: str = "auto"
    test: float = 0.2
    held_out: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    train_from: int = 0
    train_limit: int = 0
    validation_limit: int = 0
    test_limit: int = 0
    seed: int = 0
    pool: int = 1
    mirror: bool = False
    affine: float = 0.0
    shift: int = 0
    window: int = 0
    darkest: float = 0.1
    max_rate: float = 1.0
    step_us: int = 0
    channels: int = 32
    columns: int = 24
    warp: float = 0.0
    speaker_db: int = 0
    range_db: int = 36
    levels: int = 4
    delta: int = 0
    rhythm: int = 8
    usual: int = 0
    spans: int = 1
    download: bool = False
    cache: str = ""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (Encoding, ValidationBy)) and field.name in _CHOICES:
                value = member(f"data.{field.name}", value, _CHOICES[field.name]).value
            object.__setattr__(self, field.name, _checked(f"data.{field.name}", field, value))
        for name, low, high in _RANGES:
            integer(f"data.{name}", getattr(self, name), low, high)
        for name, kind in _CHOICES.items():
            allowed = [member.value for member in kind]
            if getattr(self, name) not in allowed:
                raise InputError(f"data.{name}: {getattr(self, name)!r}; one of {allowed}")
        for name, fits, allowed_text in (
            ("validation", 0 <= self.validation < 1, "0 to below 1"),
            ("test", 0 < self.test < 1, "above 0 to below 1"),
            ("darkest", 0 <= self.darkest <= 1, "0..1"),
            ("affine", 0 <= self.affine <= 0.5, "0..0.5"),
            ("warp", 0 <= self.warp <= 0.5, "0..0.5"),
            ("max_rate", 0 < self.max_rate <= 1, "above 0 to 1"),
        ):
            if not fits:
                raise RangeError(f"data.{name}: {getattr(self, name)}; allowed {allowed_text}")
        if self.window > self.n_steps:
            raise RangeError(f"data.window: {self.window}; allowed 0..{self.n_steps} (n_steps)")

    @property
    def code(self) -> Encoding:
        """The encoding as a member."""
        return Encoding(self.encoding)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> DataSettings:
        """Settings of a TOML table; lists are taken as tuples.

        Raises
        ------
        InputError
            If a field is unknown; names it and those that there are.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(table) - set(known))
        if unknown:
            raise InputError(f"data: unknown field {unknown[0]!r}; there are {known}")
        return cls(**table)

    def to_table(self) -> dict[str, Any]:
        """The same as plain values, for TOML or JSON."""
        table = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in table.items()}


_CHOICES: dict[str, type[enum.Enum]] = {"encoding": Encoding, "validation_by": ValidationBy}
_RANGES = (
    ("n_steps", 1, MOST_STEPS),
    ("train_from", 0, MOST),
    ("train_limit", 0, MOST),
    ("validation_limit", 0, MOST),
    ("test_limit", 0, MOST),
    ("seed", 0, 2**32 - 1),
    ("pool", 1, 2**15),
    ("shift", 0, 2**15),
    ("window", 0, MOST_STEPS),
    ("step_us", 0, MOST),
    ("channels", 1, 1024),
    ("columns", 1, 1024),
    ("speaker_db", 0, 36),
    ("range_db", 6, 90),
    ("levels", 1, 16),
    ("delta", 0, MOST),
    ("rhythm", 0, 64),
    ("usual", 0, 64),
    ("spans", 1, 64),
)


def _checked(where: str, field: Any, value: Any) -> Any:
    """The value in the type of the field, which is that of its default."""
    kind = type(field.default)
    if kind is tuple:
        if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
            return tuple(value)
        raise TypeMismatchError(f"{where}: {brief(value)}; a list of strings is needed")
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        number = real(where, value)
        if math.isfinite(number):
            return number
        raise RangeError(f"{where}: {value}; a finite number is needed")
    if kind is int:
        return integer(where, value, -MOST - 1, 2**32)
    if type(value) is not kind:
        raise TypeMismatchError(f"{where}: {value!r}; {kind.__name__} is needed")
    return value
