"""The contract of a target model.

class Tiny(TorchModel):
    '''One hidden layer with 16 units.'''
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
from privbench.data import Data, DataSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from privbench.engine import Augmentation, Recipe


class Estimator(Protocol):
    """A fitted model that is not a torch module."""

    def predict_proba(self, x: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return class probabilities (n, n_classes) for records (n, *shape)."""
        ...


class TargetModel(Component, ABC):
    """An architecture with its training recipe; subclass TorchModel or EstimatorModel."""

    kind: ClassVar[str] = "model"

    def skip(self, spec: DataSpec) -> str:
        """Return why the model cannot be trained on such data; empty if it can."""
        return ""


class TorchModel(TargetModel):
    """A torch module. The engine trains a whole population as one batched computation."""

    seedless: ClassVar[frozenset[str]] = frozenset({"precision"})

    optimizer: Literal["sgd", "adam", "adamw"] = Field("sgd", description="the optimizer")
    lr: float = Field(0.1, gt=0, description="learning rate")
    momentum: float = Field(
        0.9, ge=0, lt=1, description="momentum of sgd; other optimizers ignore it"
    )
    weight_decay: float = Field(0.0, ge=0, description="L2 penalty (adamw: decoupled)")
    epochs: int = Field(20, ge=1, description="passes over the training set")
    batch_size: int = Field(64, ge=1, description="records per step")
    precision: Literal["float32", "tf32", "bf16"] = Field(
        "float32",
        description="precision of the forward and backward pass; weights, optimizer and losses stay"
        " float32. tf32 needs a GPU",
    )

    @abstractmethod
    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Return a freshly initialised module.

        It maps records (batch, *shape) to logits (batch, n_classes), and draws its initial weights from
        torch's default generator, which the engine seeds.
        """

    def augmentation(self) -> Augmentation | None:
        """Return the random augmentation of records during training; None, the default, for none."""
        return None

    def recipe(self) -> Recipe:
        """Return the optimizer, epochs, batch size and precision for the engine."""
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
    """Any other model. The models of a population are fitted one after another.

    Fitted models are not stored, only their outputs are, those of each model as soon as it is fitted.
    A run that is killed goes on with the models that are done. Attacks that query models share the
    answers, unless these are random.
    """

    @abstractmethod
    def fit(
        self,
        x: NDArray[np.float32],
        y: NDArray[np.int64],
        n_classes: int,
        rng: np.random.Generator,
    ) -> Estimator:
        """Fit one model on records (n, *shape) with labels (n,).

        All randomness must come from ``rng``. The estimator must return a probability for each of
        ``n_classes``, including classes without records in ``y``.
        """

    def fit_data(self, data: Data, rng: np.random.Generator) -> Estimator:
        """Fit one model on records whose ``data.spec`` says what the features mean.

        The harness calls this method; by default it calls ``fit``. Override it if the model treats
        categorical columns of tables in its own way.
        """
        return self.fit(data.x, data.y, data.spec.n_classes, rng)
