"""The stages of a plan: what each is made of (its key) and how it is computed.

    setting -> fit -> population -> outputs -> observations -> scores -> metrics
                                                            -> utility
                  -> release -> scores -> metrics
                             -> fidelity -> utility

A stage's key is the sha256 of its own components, details and its inputs' keys; nothing else decides
whether a stored artifact is used. Its ``names`` are the same without versions, code and the number of
models: they seed its random draws, so that a new release or a larger population changes no draw.
"""

from privbench.stages.answers import DefendedOutputsStage, OutputsStage, UtilityStage
from privbench.stages.attacking import MetricsStage, ScoresStage, outputs_of
from privbench.stages.base import Context, Stage, walk
from privbench.stages.releasing import FidelityStage, ReleaseStage, SyntheticScoresStage
from privbench.stages.training import FitStage, PopulationStage, SettingStage

__all__ = [
    "Context",
    "DefendedOutputsStage",
    "FidelityStage",
    "FitStage",
    "MetricsStage",
    "OutputsStage",
    "PopulationStage",
    "ReleaseStage",
    "ScoresStage",
    "SettingStage",
    "Stage",
    "SyntheticScoresStage",
    "UtilityStage",
    "outputs_of",
    "walk",
]
