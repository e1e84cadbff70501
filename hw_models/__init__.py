"""What the chip can do: number formats, limits and the one network description.

Knows no training and no framework; importing it needs NumPy only.
"""

from hw_models.chips import LOIHI1, LOIHI2, Chip, Figure
from hw_models.constraints import Violation, check, check_rule
from hw_models.dopamine import DopamineFit, SynchronyStatistics
from hw_models.energy import LOIHI1_ENERGY, EnergyEstimate, EnergyTable, estimate_energy
from hw_models.eprop import EpropParams, ResetEligibility
from hw_models.errors import (
    ConversionError,
    ExecutorError,
    InputError,
    LearningRuleError,
    MissingExtraError,
    MissingFileError,
    NameClashError,
    NetworkFileError,
    RangeError,
    ShapeError,
    SsdpError,
    TypeMismatchError,
    UnknownNameError,
)
from hw_models.formats import FixedFormat, Overflow, Rounding
from hw_models.learning_engine import (
    Dependency,
    Factor,
    GradedSpikes,
    LearningRule,
    PostTraces,
    Product,
    RandomStream,
    SignMode,
    TraceConfiguration,
    Variable,
)
from hw_models.learning_schedule import LearningForm
from hw_models.network import FixedPointNetwork, same_record
from hw_models.network_file import load, load_code, save
from hw_models.plasticity import DaSsdpParams, ThirdFactor
from hw_models.populations import InputPopulation, LifPopulation, ResetMode
from hw_models.projections import (
    ConvProjection,
    DenseProjection,
    PoolProjection,
    SparseProjection,
)
from hw_models.spike_code import SpikeCode

__all__ = [
    "LOIHI1",
    "LOIHI1_ENERGY",
    "LOIHI2",
    "Chip",
    "ConvProjection",
    "ConversionError",
    "DaSsdpParams",
    "DenseProjection",
    "Dependency",
    "DopamineFit",
    "EnergyEstimate",
    "EnergyTable",
    "EpropParams",
    "ExecutorError",
    "Factor",
    "Figure",
    "FixedFormat",
    "FixedPointNetwork",
    "GradedSpikes",
    "InputError",
    "InputPopulation",
    "LearningForm",
    "LearningRule",
    "LearningRuleError",
    "LifPopulation",
    "MissingExtraError",
    "MissingFileError",
    "NameClashError",
    "NetworkFileError",
    "Overflow",
    "PoolProjection",
    "PostTraces",
    "Product",
    "RandomStream",
    "RangeError",
    "ResetEligibility",
    "ResetMode",
    "Rounding",
    "ShapeError",
    "SignMode",
    "SparseProjection",
    "SpikeCode",
    "SsdpError",
    "SynchronyStatistics",
    "ThirdFactor",
    "TraceConfiguration",
    "TypeMismatchError",
    "UnknownNameError",
    "Variable",
    "Violation",
    "check",
    "check_rule",
    "estimate_energy",
    "load",
    "load_code",
    "same_record",
    "save",
]
