"""The learning rules of the chip's learning engine: sums of products over traces, as records.

Nothing is executed here: ``ssdp_neuro.oracle.learning_connection`` says what a rule does.
"""

from hw_models.learning_engine.learning_rule import (
    RULE_STATE,
    GradedSpikes,
    LearningRule,
    PostTraces,
    RandomStream,
    SignMode,
    TraceConfiguration,
    learning_names,
)
from hw_models.learning_engine.rule_equation import equation_text, parse_equation
from hw_models.learning_engine.rule_product import Dependency, Factor, Product, Variable

__all__ = [
    "RULE_STATE",
    "Dependency",
    "Factor",
    "GradedSpikes",
    "LearningRule",
    "PostTraces",
    "Product",
    "RandomStream",
    "SignMode",
    "TraceConfiguration",
    "Variable",
    "equation_text",
    "learning_names",
    "parse_equation",
]
