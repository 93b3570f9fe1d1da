"""privbench: what privacy defenses really protect, and what they cost.

``privbench.run("quickstart")`` runs a benchmark and returns its rows as a DataFrame. Plugin authors
subclass the components below and register them with the hooks in ``privbench.hookspecs``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privbench.api import run
    from privbench.attacks.base import Attack, BatchedAttack, Model, Outputs, View, Views
    from privbench.attacks.synthetic import (
        BatchedSyntheticAttack,
        SyntheticAttack,
        SyntheticView,
        SyntheticViews,
    )
    from privbench.auditing import audit
    from privbench.components import Component
    from privbench.data import Column, Data, DataSpec
    from privbench.datasets.base import Dataset
    from privbench.datasets.files import FileDataset, RemoteFile
    from privbench.errors import (
        BadInput,
        DataError,
        DatasetUnavailable,
        Incompatible,
        PrivbenchError,
    )
    from privbench.executors.base import Executor
    from privbench.generators.base import FittedGenerator, Generator
    from privbench.hookspecs import hookimpl
    from privbench.mechanisms.base import (
        DataMechanism,
        GuaranteeContext,
        LatentMechanism,
        OutputContext,
        OutputMechanism,
        PerExampleLoss,
        TrainingLoop,
        TrainingMechanism,
        TrainingTask,
    )
    from privbench.models.base import Estimator, EstimatorModel, TorchModel
    from privbench.privacy import Guarantee

__version__ = "0.1.0"

# Loaded on first use, so that the command line answers without importing what it does not need.
_HOMES = {
    "privbench.api": ("run",),
    "privbench.attacks.base": ("Outputs", "Attack", "BatchedAttack", "Model", "View", "Views"),
    "privbench.attacks.synthetic": (
        "BatchedSyntheticAttack",
        "SyntheticAttack",
        "SyntheticView",
        "SyntheticViews",
    ),
    "privbench.auditing": ("audit",),
    "privbench.components": ("Component",),
    "privbench.data": ("Column", "Data", "DataSpec"),
    "privbench.datasets.base": ("Dataset",),
    "privbench.datasets.files": ("FileDataset", "RemoteFile"),
    "privbench.errors": (
        "BadInput",
        "DataError",
        "DatasetUnavailable",
        "Incompatible",
        "PrivbenchError",
    ),
    "privbench.executors.base": ("Executor",),
    "privbench.generators.base": ("FittedGenerator", "Generator"),
    "privbench.hookspecs": ("hookimpl",),
    "privbench.mechanisms.base": (
        "DataMechanism",
        "GuaranteeContext",
        "LatentMechanism",
        "OutputContext",
        "OutputMechanism",
        "PerExampleLoss",
        "TrainingLoop",
        "TrainingMechanism",
        "TrainingTask",
    ),
    "privbench.models.base": ("Estimator", "EstimatorModel", "TorchModel"),
    "privbench.privacy": ("Guarantee",),
}

__all__ = [
    "Attack",
    "BadInput",
    "BatchedAttack",
    "BatchedSyntheticAttack",
    "Column",
    "Component",
    "Data",
    "DataError",
    "DataMechanism",
    "DataSpec",
    "Dataset",
    "DatasetUnavailable",
    "Estimator",
    "EstimatorModel",
    "Executor",
    "FileDataset",
    "FittedGenerator",
    "Generator",
    "Guarantee",
    "GuaranteeContext",
    "Incompatible",
    "LatentMechanism",
    "Model",
    "OutputContext",
    "OutputMechanism",
    "Outputs",
    "PerExampleLoss",
    "PrivbenchError",
    "RemoteFile",
    "SyntheticAttack",
    "SyntheticView",
    "SyntheticViews",
    "TorchModel",
    "TrainingLoop",
    "TrainingMechanism",
    "TrainingTask",
    "View",
    "Views",
    "audit",
    "hookimpl",
    "run",
]


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module 'privbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
