"""The stages of a plan, one file each: what a stage depends on (its key) and how it is computed.

    setting -> fit -> release -> population -> outputs -> defended outputs -> scores -> metrics
                                                                           -> utility
                              -> scores -> metrics
                              -> fidelity -> utility
                              -> split scores -> audit

Besides these, ``output-traits``, ``warnings`` and ``comparison`` say what may be wrong with a row.

A stage's key is the sha256 of its own components, details and its inputs' keys; nothing else decides
whether a stored artifact is used. Its ``names`` are the same without versions, code and the number of
models: they seed its random draws, so that a new version or a larger population changes no draw.
"""

from privbench.stages.audit import AuditStage
from privbench.stages.base import Context, Stage, walk
from privbench.stages.fit import FitStage
from privbench.stages.outputs import DefendedOutputsStage, OutputsStage
from privbench.stages.population import PopulationStage
from privbench.stages.release import ReleaseStage
from privbench.stages.results import FidelityStage, MetricsStage, UtilityStage
from privbench.stages.scores import AnyOutputsStage, ReleaseScoresStage, ScoresStage
from privbench.stages.setting import SettingStage
from privbench.stages.split import SplitScoresStage, shadows_needed
from privbench.stages.warnings import ComparisonStage, OutputTraitsStage, WarningsStage

__all__ = [
    "AnyOutputsStage",
    "AuditStage",
    "ComparisonStage",
    "Context",
    "DefendedOutputsStage",
    "FidelityStage",
    "FitStage",
    "MetricsStage",
    "OutputTraitsStage",
    "OutputsStage",
    "PopulationStage",
    "ReleaseScoresStage",
    "ReleaseStage",
    "ScoresStage",
    "SettingStage",
    "SplitScoresStage",
    "Stage",
    "UtilityStage",
    "WarningsStage",
    "shadows_needed",
    "walk",
]
