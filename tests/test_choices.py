"""Choices of every public call are checked at its door: a wrong one never passes for another."""

import dataclasses
import enum
import functools
import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import conversions
from conversions.decision_rule import StepWeights
from conversions.nir.discretization import WRITERS
from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
)
from hw_models import (
    LOIHI1,
    LOIHI2,
    FixedPointNetwork,
    LearningRule,
    ResetMode,
    TypeMismatchError,
)
from hw_models.chips import chip_of
from hw_models.choices import choice, member, word

PUBLIC = (
    "hw_models",
    "ssdp_neuro",
    "ssdp_neuro.data",
    "ssdp_neuro.rules",
    "ssdp_neuro.rules.eprop",
    "ssdp_neuro.training",
    "ssdp_neuro.training.run.config",
    "conversions",
    "conversions.nir",
    "conversions.netx",
    "conversions.quantization",
    "conversions.real_network",
)
# what the library makes and a caller only reads
RESULTS = {"Difference", "Verification", "LayerReport", "Comparison", "ComparedRun"}


def networks():
    """A network of one neuron, in integers and in real numbers."""
    dynamics = NeuronDynamics(voltage_kept=0.5, threshold=1.0)
    real = RealNetwork(
        populations=[
            RealInput(name="in", shape=(1,)),
            RealNeurons(name="out", shape=(1,), dynamics=dynamics),
        ],
        projections=[RealProjection(source="in", target="out", map=RealDense(weights=[[1.0]]))],
    )
    return FixedPointNetwork(populations=[RealInput(name="in", shape=(1,))], projections=[]), real


def arguments():
    """What else each public callable with a choice needs, by its name."""
    from torch import nn

    from ssdp_neuro.rules import da_ssdp

    network, real = networks()
    kernel = {"latency_bits": 3, "silent_latency": 7, "kernel": np.zeros(8, int)}
    amounts = {"potentiation": 1, "depression": 1, "shift": 0}
    neuron = {"current_decay": 0, "voltage_decay": 0}
    lif = {"name": "a", "shape": (1,), **neuron, "threshold": 1}
    rule = da_ssdp.DaSsdp(a_plus=0.1, a_baseline=0.1, sigma=1.0, n_steps=5)
    return {
        "LifPopulation": lif,
        "LearningRule": {"dw": "x0 * y0"},
        "check_rule": {"rule": LearningRule(dw="x0 * y0")},
        "FixedFormat": {"bits": 8},
        "DaSsdpParams": {**kernel, **amounts},
        "check": {"network": network},
        "CubaLif": neuron,
        "DelayedLinear": {"in_features": 1, "out_features": 1, "delays": 0},
        "Lif": {"beta": 0.5},
        "SSDP": {"connections": []},
        "DASSDP": {"connections": [], "warm_up_steps": 2},
        "quantize": {"model": nn.Sequential()},
        "fit": {"config": None},
        "to_fixed": {"latency_bits": 3, "weight_unit": 0.1, "self": rule},
        "from_torch": {"model": nn.Sequential()},
        "from_nir": {"source": "missing.nir"},
        "from_netx": {"path": "missing.net"},
        "to_fixed_point": {"real": real},
        "Calibration": {"spikes": np.zeros((1, 1, 1), bool)},
        "NeuronDynamics": {"voltage_kept": 0.5, "threshold": 1.0},
        "verify": {"network": network, "spikes": None, "n_steps": 1},
        "run_lava": {"network": network, "spikes": None, "n_steps": 1},
        "learn_lava": {"network": network, "spikes": None, "n_steps": 1},
        "to_lava": {"network": network, "spikes": None, "n_steps": 1},
        "compare": {"models": "missing.safetensors", "data": []},
        "NeuronReading": {"dynamics": NeuronDynamics(voltage_kept=0.5, threshold=1.0)},
        "Discretization": {"dt": 1.0},
        "EpropParams": {"shift": 1},
        "SadpParams": {"potentiation": 1, "depression": 1, "shift": 0},
        "from_lava_rule": {"rule": None},
        "feedback_weights": {"readout": [[1.0]]},
        "DecisionRule": {"n_classes": 1, "terms": (), "constant": np.zeros(1)},
    }


def enumerations():
    """Every enumeration of the three packages, by its name."""
    for package in ("hw_models", "ssdp_neuro", "conversions"):
        for found in pkgutil.walk_packages(
            importlib.import_module(package).__path__, f"{package}."
        ):
            if "lava_processes" not in found.name and "lava.child" not in found.name:
                importlib.import_module(found.name)

    def under(kind):
        for one in kind.__subclasses__():
            yield from under(one)
            if one.__module__.split(".")[0] in {"hw_models", "ssdp_neuro", "conversions"}:
                yield one.__name__

    return {"Chip", *under(enum.Enum)}


@functools.cache
def public_choices():
    """``(name, callable, parameter)`` of every public parameter that is a choice."""
    kinds = re.compile(rf"\b({'|'.join(sorted(enumerations()))})\b")
    choices = []
    for package in PUBLIC:
        module = importlib.import_module(package)
        names = getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"]
        for name in names:
            one = getattr(module, name)
            if not callable(one) or name in RESULTS or inspect.ismodule(one):
                continue
            if isinstance(one, type) and issubclass(one, enum.Enum):
                continue
            try:
                signature = inspect.signature(one)
            except (TypeError, ValueError):
                continue
            for parameter in signature.parameters.values():
                if kinds.search(str(parameter.annotation)):
                    choices.append((name, one, parameter.name))
    return choices


def sections():
    """Sections of a run's config; their choices are words in TOML and members in Python."""
    from ssdp_neuro.training.run.settings.model import ModelSettings
    from ssdp_neuro.training.run.settings.optimizer import OptimizerSettings
    from ssdp_neuro.training.run.settings.rule import RuleSection
    from ssdp_neuro.training.run.settings.training import TrainingSettings

    return ModelSettings, OptimizerSettings, RuleSection, TrainingSettings


WRONG = st.one_of(
    st.integers(),
    st.floats(allow_nan=False),
    st.text(alphabet="QXZ", min_size=1),
    st.binary(),
    st.sampled_from([(), {}, object(), StepWeights.ALL, type]),
)
TAKES_WORDS = {"meaning", "chip", "learning", "discretization"}


@settings(deadline=None)  # the first one imports all that is public
@given(wrong=WRONG)
def test_choices__wrong_one_is_refused_by_every_public_call(wrong):
    needed = arguments()
    for name, one, parameter in public_choices():
        value = [wrong] if parameter == "executors" else wrong
        with pytest.raises(TypeMismatchError, match=parameter):
            one(**{**needed.get(name, {}), parameter: value})


@settings(deadline=None)  # the first one imports all that is public
@given(wrong=WRONG)
def test_choices__wrong_one_is_refused_by_every_section_of_a_config(wrong):
    for section in sections():
        for field in dataclasses.fields(section):
            if isinstance(field.default, enum.Enum):
                with pytest.raises(TypeMismatchError, match=field.name):
                    section(**{field.name: wrong})
    if wrong != {}:  # a mapping from names, of which there are none
        with pytest.raises(TypeMismatchError, match="reset"):
            conversions.from_nir("missing.nir", reset=wrong)
    if not isinstance(wrong, str):
        with pytest.raises(TypeMismatchError, match="encoding"):
            importlib.import_module("ssdp_neuro.data").DataSettings(encoding=wrong)


def test_choices__test_knows_every_public_call():
    found = {(name, parameter) for name, _, parameter in public_choices()}
    assert {"check", "from_torch", "to_fixed_point", "LifPopulation", "SSDP"} <= {
        n for n, _ in found
    }
    assert {parameter for name, parameter in found if name == "from_torch"} == {
        "bias",
        "chip",
        "pooling",
        "scales",
        "time_axis",
    }


@pytest.mark.parametrize("wrong", ["layer", "register", "last", 1])
def test_choices__word_is_no_member_where_the_command_line_has_none(wrong):
    _, real = networks()
    for call in (
        lambda: conversions.to_fixed_point(real, scales=wrong),
        lambda: conversions.to_fixed_point(real, bias=wrong),
        lambda: conversions.Calibration(spikes=np.zeros((1, 1, 1), bool), decision=wrong),
    ):
        with pytest.raises(TypeMismatchError, match=re.escape(repr(wrong))):
            call()


def test_choices__words_of_the_command_line_are_members():
    from conversions.nir.spike_reset import SpikeReset, spike_reset

    assert [chip_of("chip", text) for text in ("loihi1", "loihi2")] == [LOIHI1, LOIHI2]
    assert spike_reset("delayed-subtract") is SpikeReset.DELAYED_SUBTRACT
    assert [choice("reset", word(one), ResetMode) for one in ResetMode] == list(ResetMode)
    with pytest.raises(TypeMismatchError, match="reset: 'zero'; a ResetMode is needed: "):
        member("reset", "zero", ResetMode)
    with pytest.raises(TypeMismatchError, match="or one of 'zero', 'subtract'"):
        choice("reset", "ZERO", ResetMode)
    assert "sinabs-unscaled" in WRITERS


def test_choices__words_give_the_network_that_members_give():
    _, real = networks()
    by_word, report = conversions.to_fixed_point(real, chip="loihi1")
    by_record, _ = conversions.to_fixed_point(real, chip=LOIHI1)
    assert report.chip == "Loihi 1"
    assert by_word.population("out").threshold == by_record.population("out").threshold


@pytest.mark.parametrize(
    ("kind", "does"), [(3, len), (int, len), ("no.such.Class", 4), (None, len)]
)
def test_choices__layers_are_taught_by_class_and_function(kind, does):
    for teach in (conversions.register_neuron, conversions.register_synapse):
        with pytest.raises(TypeMismatchError, match=re.escape(repr(kind))):
            teach(kind, does)


def test_choices__compare_says_what_models_may_be():
    data = (np.zeros((1, 2, 1), dtype=bool), np.zeros(1, dtype=int))
    with pytest.raises(TypeMismatchError, match=r"compare.models: .*; a PyTorch model, a Fixed"):
        conversions.compare({"weights": 3}, data)
