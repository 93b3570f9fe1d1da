"""The context in which a component states its guarantee."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from privbench.data import DataSpec


@dataclass(frozen=True)
class GuaranteeContext:
    """What a guarantee may depend on besides the component's parameters."""

    spec: DataSpec
    n_train: int
    """Number of records in each training set."""
    model: object
    """The target model component."""
    generator_fitted_on: Literal["private", "reference", "dp-sgd", "none"]
    """The records that the pipeline's generator is fitted on; ``dp-sgd`` are the private ones."""
    facts: Mapping[str, float] = field(default_factory=dict)
    """What training reported of itself, by name (`TrainingLoop.train`); empty if it reported nothing."""
