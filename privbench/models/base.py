"""The contract of a target model.

class Tiny(TorchModel):
    '''One hidden layer of 16.'''
    name = "tiny"

    def build(self, shape, n_classes):
        body = nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), 16), nn.ReLU())
        return nn.Sequential(body, nn.Linear(16, n_classes))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from pydantic import Field

from privbench.components import Component
from privbench.data import DataSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from privbench.engine import Augmentation, Recipe


class Estimator(Protocol):
    """A fitted model that is not a torch module."""

    def predict_proba(self, x: NDArray[np.float32]) -> NDArray[np.floating]:
        """Class probabilities (n, n_classes) of records (n, *shape)."""
        ...


class TargetModel(Component, ABC):
    """An architecture with its training recipe: subclass TorchModel or EstimatorModel."""

    kind: ClassVar[str] = "model"

    def skip(self, spec: DataSpec) -> str:
        """Why this model cannot be trained on such data; empty if it can."""
        return ""


class TorchModel(TargetModel):
    """A torch module, trained by the engine: a whole population as one batched computation."""

    seedless: ClassVar[frozenset[str]] = frozenset({"precision"})

    optimizer: Literal["sgd", "adam", "adamw"] = Field("sgd", description="the optimizer")
    lr: float = Field(0.1, gt=0, description="learning rate")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of sgd; the others ignore it")
    weight_decay: float = Field(0.0, ge=0, description="L2 penalty (adamw: decoupled)")
    epochs: int = Field(20, ge=1, description="passes over the training set")
    batch_size: int = Field(64, ge=1, description="records a step")
    precision: Literal["float32", "tf32", "bf16"] = Field(
        "float32",
        description="of the forward and backward pass; weights, optimizer and losses stay float32."
        " tf32 needs a GPU",
    )

    @abstractmethod
    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """A freshly initialised module: records (batch, *shape) to logits (batch, n_classes).

        It draws its initial weights from torch's default generator, which the engine seeds.
        """

    def augmentation(self) -> Augmentation | None:
        """How records are altered at random, each time that they are trained on; None for not at all."""
        return None

    def recipe(self) -> Recipe:
        """How the engine trains it."""
        from privbench.engine import Recipe

        return Recipe(
            optimizer=self.optimizer,
            lr=self.lr,
            momentum=self.momentum if self.optimizer == "sgd" else 0.0,
            weight_decay=self.weight_decay,
            epochs=self.epochs,
            batch_size=self.batch_size,
            precision=self.precision,
        )


class EstimatorModel(TargetModel):
    """Any other model: fitted one after another, and never stored, only its answers are."""

    @abstractmethod
    def fit(
        self,
        x: NDArray[np.float32],
        y: NDArray[np.int64],
        n_classes: int,
        rng: np.random.Generator,
    ) -> Estimator:
        """Fit one model on records (n, *shape) with labels (n,); all randomness comes from ``rng``.

        The returned estimator must give a probability to each of ``n_classes``, also to a class that
        is not in ``y``.
        """
