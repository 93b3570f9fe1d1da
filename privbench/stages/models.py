"""Trained models, as something that can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from privbench.errors import Incompatible, PrivbenchError
from privbench.store import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from privbench.data import DataSpec
    from privbench.engine import Population


class TrainedModel(Protocol):
    """One model of a population."""

    def log_probs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-probabilities (n, n_classes) of records (n, *shape)."""
        ...

    def module(self) -> nn.Module:
        """Its network. Raises Incompatible if it is none."""
        ...


def load_models(population: Artifact, component: Any, spec: DataSpec) -> list[TrainedModel]:
    """The models of a population stage's artifact, whose target model is ``component``."""
    if population.live is not None:
        return [_Estimator(one, spec.n_classes) for one in population.live]
    from privbench.engine import Population

    def build() -> nn.Module:
        module: nn.Module = component.build(spec.shape, spec.n_classes)
        return module

    stacked = Population.from_state(build, population.arrays)
    return [_Network(stacked, i) for i in range(len(stacked))]


@dataclass(frozen=True)
class _Network:
    population: Population
    index: int

    def log_probs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        logits = torch.from_numpy(self.population.predict_one(self.index, x))
        log_probs: NDArray[np.float32] = logits.log_softmax(-1).numpy()
        return log_probs

    def module(self) -> nn.Module:
        return self.population.module(self.index)


@dataclass(frozen=True)
class _Estimator:
    fitted: Any
    n_classes: int

    def log_probs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        probabilities = np.asarray(self.fitted.predict_proba(x), dtype=np.float64)
        check_probabilities(probabilities, (len(x), self.n_classes), type(self.fitted).__name__)
        return to_log_probs(probabilities)

    def module(self) -> nn.Module:
        raise Incompatible(f"{type(self.fitted).__name__} is no torch module: it has no gradients")


def to_log_probs(probabilities: NDArray[np.floating], floor: float = 1e-12) -> NDArray[np.float32]:
    """Logarithms of probabilities, raised to ``floor`` where they are smaller, and normalised."""
    import numpy as np

    floored = np.maximum(np.asarray(probabilities, dtype=np.float64), floor)
    log_probs: NDArray[np.float32] = np.log(floored / floored.sum(axis=-1, keepdims=True)).astype(
        np.float32
    )
    return log_probs


def check_probabilities(found: Any, shape: tuple[int, ...], name: str) -> None:
    """Raise PrivbenchError unless ``found`` are probabilities of this shape."""
    import numpy as np

    if getattr(found, "shape", None) != shape:
        raise PrivbenchError(
            f"{name}: probabilities have shape {np.shape(found)}, expected {shape}"
        )
    if not np.isfinite(found).all() or (found < 0).any() or abs(found.sum(-1) - 1).max() > 1e-3:
        raise PrivbenchError(
            f"{name}: probabilities must be finite, >= 0 and sum to one in each row"
        )
