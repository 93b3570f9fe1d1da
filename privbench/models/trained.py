"""Trained models of a population: their log-probabilities and, for torch models, their modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from privbench.components import Bound
from privbench.components.checks import checked_array, checked_method, checked_probabilities
from privbench.components.faults import calling
from privbench.errors import Incompatible
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from privbench.data import DataSpec
    from privbench.engine import Population


class TrainedModel(Protocol):
    """One model of a population."""

    def log_probs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities (n, n_classes) for records (n, *shape)."""
        ...

    def module(self) -> nn.Module:
        """Return the torch module. Raises Incompatible for a model without one."""
        ...


def load_models(population: Artifact, model: Bound, spec: DataSpec) -> list[TrainedModel]:
    """Return the torch models of a population from its artifact; ``model`` is their target model."""
    from privbench.engine import Population

    def build() -> nn.Module:
        module: nn.Module = model.component.build(spec.shape, spec.n_classes)
        return module

    with calling(model):
        stacked = Population.from_state(build, population.arrays)
    return [_Network(stacked, i, model, spec.n_classes) for i in range(len(stacked))]


@dataclass(frozen=True)
class _Network:
    population: Population
    index: int
    model: Bound
    n_classes: int

    def log_probs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        with calling(self.model):
            logits = self.population.predict_one(self.index, x)
        shape = (len(x), self.n_classes)
        checked_array(logits, shape, f"{self.model.name}: its module returned")
        log_probs: NDArray[np.float32] = torch.from_numpy(logits).log_softmax(-1).numpy()
        return log_probs

    def module(self) -> nn.Module:
        return self.population.module(self.index)


@dataclass
class FittedEstimator:
    """A model that is no torch module. It is fitted when it is asked for the first time."""

    fit: Callable[[], Any]
    """Fits it, the same whenever it is called."""
    model: Bound
    n_classes: int

    @cached_property
    def _fitted(self) -> Any:
        with calling(self.model):
            estimator = self.fit()
        return checked_method(estimator, "predict_proba", f"{self.model.name}: fit returned")

    def log_probs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities (n, n_classes) for records (n, *shape)."""
        given = x.copy() if self.model.entry.third_party else x.view()
        given.setflags(write=False)
        fitted = self._fitted
        with calling(self.model):
            returned = fitted.predict_proba(given)
        shape, what = (len(x), self.n_classes), f"{self.model.name}: predict_proba returned"
        return to_log_probs(checked_probabilities(returned, shape, what))

    def module(self) -> nn.Module:
        """Raise Incompatible."""
        raise Incompatible(f"{self.model.name} is no torch module: it has no gradients")


def to_log_probs(probabilities: NDArray[np.floating], floor: float = 1e-12) -> NDArray[np.float32]:
    """Return log-probabilities (..., n_classes) of probabilities that are clipped to ``floor`` below.

    Rows are normalised.
    """
    import numpy as np

    floored = np.maximum(np.asarray(probabilities, dtype=np.float64), floor)
    log_probs: NDArray[np.float32] = np.log(floored / floored.sum(axis=-1, keepdims=True)).astype(
        np.float32
    )
    return log_probs
