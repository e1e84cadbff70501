import dataclasses
import importlib

import pytest

from hw_models import LOIHI1, LOIHI2, Chip, Figure, RangeError, TypeMismatchError

FIGURES = [field.name for field in dataclasses.fields(Chip)][1:]


@pytest.mark.parametrize("chip", [LOIHI1, LOIHI2], ids=["loihi1", "loihi2"])
@pytest.mark.parametrize("name", FIGURES)
def test_chips__say_where_every_figure_comes_from(chip, name):
    figure = getattr(chip, name)
    assert isinstance(figure, Figure)
    assert len(figure.source) > 5
    assert figure.value is None or isinstance(figure.value, int)


def test_chips__hold_the_published_sizes():
    assert LOIHI1.neurons == 131_072
    assert LOIHI2.neurons == 1_048_576
    assert 128 * LOIHI1.synaptic_memory_bytes_per_core.value == 16 * 2**20


@pytest.mark.lava
@pytest.mark.parametrize("chip", [LOIHI1, LOIHI2], ids=["loihi1", "loihi2"])
def test_chips__agree_with_the_registers_of_lava(chip):
    importlib.import_module("hw_models.lava_processes")  # makes Lava importable
    model = importlib.import_module("lava.proc.lif.models").PyLifModelBitAcc
    constants = importlib.import_module("lava.magma.core.learning.constants")
    figures = {
        "u": chip.state_bits,
        "v": chip.state_bits,
        "du": chip.decay_bits,
        "dv": chip.decay_bits,
        "vth": chip.threshold_bits,
        "bias_mant": chip.bias_mantissa_bits,
        "bias_exp": chip.bias_exponent_bits,
    }
    for name, figure in figures.items():
        assert getattr(model, name).precision == figure.value, name
    assert chip.weight_bits.value == constants.W_WEIGHTS_U
    assert chip.trace_bits.value == constants.W_TRACE
    assert chip.tag_bits.value == constants.W_TAG_1_U
    assert chip.epoch_bits.value == constants.W_EPOCH_TIME


@pytest.mark.parametrize(
    ("value", "source", "error"),
    [
        (8.0, "a paper", TypeMismatchError),
        (2**63, "a paper", RangeError),
        (8, "", TypeMismatchError),
        (8, None, TypeMismatchError),
    ],
)
def test_figure__refuses_what_is_not_a_number_with_a_source(value, source, error):
    with pytest.raises(error, match=r"Figure\."):
        Figure(value, source)


def test_chip__takes_figures_only():
    with pytest.raises(TypeMismatchError, match=r"Loihi 1\.state_bits: a Figure"):
        dataclasses.replace(LOIHI1, state_bits=24)
    with pytest.raises(dataclasses.FrozenInstanceError):
        LOIHI1.state_bits = Figure(32, "wishes")
    unknown = Figure(None, "not public")
    assert dataclasses.replace(LOIHI1, cores_per_chip=unknown).neurons is None


def test_chip__is_short_where_it_is_shown():
    assert repr(LOIHI2) == "<Chip Loihi 2>"
