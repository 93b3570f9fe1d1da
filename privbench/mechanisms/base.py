"""The contract of a mechanism: one class per stage at which it acts.

class Mixing(OutputMechanism):
    '''Mix the answers with the uniform distribution.'''
    name = "mixing"
    weight: float = Field(0.1, ge=0, le=1, description="of the uniform distribution")

    def apply(self, probabilities, rng):
        return (1 - self.weight) * probabilities + self.weight / probabilities.shape[1]
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from privbench.components import Component
from privbench.data import Data, DataSpec
from privbench.privacy import Guarantee
from privbench.seeds import seed_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from privbench.engine import (
        Batch,
        Loss,
        Noise,
        Phase,
        Population,
        Recipe,
        TrainingSets,
        Validation,
    )
    from privbench.models.base import TorchModel

ActsOn = Literal["data", "latent", "training", "output"]
PIPELINE_ORDER: tuple[ActsOn, ...] = ("data", "latent", "training", "output")


@dataclass(frozen=True)
class GuaranteeContext:
    """What a guarantee may depend on beside the mechanism's parameters."""

    spec: DataSpec
    n_train: int
    model: object
    """The target model component."""
    generator_fitted_on: Literal["private", "reference", "dp-sgd", "none"]
    """The records that the pipeline's generator has learned from; ``dp-sgd`` are the private ones."""


class Mechanism(Component, ABC):
    """A privacy mechanism at one step of the pipeline; subclass one of the four below."""

    kind: ClassVar[str] = "mechanism"
    acts_on: ClassVar[ActsOn]
    record_wise: ClassVar[bool] = False
    """Of data and codes: whether each is changed without regard to the others. What is claimed of what
    follows depends on it."""

    def guarantee(self, context: GuaranteeContext) -> Guarantee | None:
        """What the mechanism claims, with its conditions; None if it claims nothing."""
        return None

    def skip(self, spec: DataSpec, model: object) -> str:
        """Why this mechanism cannot act on such data or such a model; empty if it can."""
        return ""


class DataMechanism(Mechanism):
    """Acts on the private records before anything else sees them."""

    acts_on: ClassVar[ActsOn] = "data"

    @abstractmethod
    def apply(self, data: Data, rng: np.random.Generator) -> Data:
        """The altered training set of one model."""


class LatentMechanism(Mechanism):
    """Acts on a generator's codes."""

    acts_on: ClassVar[ActsOn] = "latent"

    @abstractmethod
    def apply(self, codes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """The altered codes (n, latent_dim) of one model's training set."""

    def release(
        self,
        codes: NDArray[np.float32],
        reference: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """As ``apply``; ``reference`` are the codes (k, latent_dim) of reference records.

        For what must know how codes are spread, without asking the private ones.
        """
        return self.apply(codes, rng)


OutputTransform: TypeAlias = (
    "Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]"
)
"""``answer(probabilities, rng)`` gives the answers (n, n_classes) that are given instead."""


@dataclass(frozen=True)
class OutputContext:
    """What the owner of a model knows of it: for output mechanisms that must see the model first.

    Answers are probabilities (n, n_classes) of the bare model, before any output mechanism: to its own
    private training records, to reference records that it was not trained on, and to any others.
    """

    spec: DataSpec
    members: NDArray[np.float64]
    member_labels: NDArray[np.int64]
    reference: NDArray[np.float64]
    reference_labels: NDArray[np.int64]
    query: Callable[[NDArray[np.float32]], NDArray[np.float64]]


class OutputMechanism(Mechanism):
    """Acts on what a model answers."""

    acts_on: ClassVar[ActsOn] = "output"
    fitted: ClassVar[bool] = False
    """Whether it must see the model first: then ``fit`` is called for each, and ``apply`` is not."""
    reads_members: ClassVar[bool] = True
    """Whether ``fit`` reads the answers to private records, which no guarantee before it covers."""

    def fit(self, context: OutputContext, rng: np.random.Generator) -> OutputTransform:
        """What answers in the place of one model: a function like ``apply``."""
        return self.apply

    @abstractmethod
    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """The answers (n, n_classes) given instead: non-negative, each row sums to one.

        Every call is a new query of the same model: randomness drawn from ``rng`` is fresh.
        """

    def resolution(self) -> float:
        """Probabilities below this say nothing more; an adaptive adversary raises them to it.

        It matters where answers are clipped at zero: the logarithm of a tiny floor would be an
        outlier that hides membership from attacks on log-probabilities, and flatter the defense.
        """
        return 1e-12


@dataclass(frozen=True)
class TrainingTask:
    """One population to train: what the engine needs, and how far it has come."""

    model: TorchModel
    spec: DataSpec
    sets: TrainingSets
    reference: Data
    """Records of the same distribution that no model is trained on."""
    seeds: Sequence[int]
    """One seed per model: initial weights, batches and noise follow from it."""
    device: str
    progress: Callable[[int, int], None]

    def build(self) -> nn.Module:
        """A freshly initialised module of the target model."""
        return self.model.build(self.spec.shape, self.spec.n_classes)

    def train(
        self,
        *,
        loss: Loss | Sequence[Phase] | None = None,
        sets: TrainingSets | None = None,
        build: Callable[[], nn.Module] | None = None,
        recipe: Recipe | None = None,
        noise: Noise | None = None,
        validation: Validation | None = None,
    ) -> Population:
        """Train one model per seed by the engine: as the target model is, but for what is given here."""
        from privbench.engine import cross_entropy, train_population

        return train_population(
            build or self.build,
            sets or self.sets,
            recipe or self.model.recipe(),
            self.seeds,
            loss=loss or cross_entropy,
            noise=noise,
            augment=self.model.augmentation(),
            validation=validation,
            device=self.device,
            progress=self.progress,
        )

    def part(self, number: int, of: int) -> TrainingTask:
        """One of several trainings that a mechanism makes: with draws and a share of progress."""
        return replace(
            self,
            seeds=[seed_of(seed, "part", number) for seed in self.seeds],
            progress=lambda done, total: self.progress(number * total + done, of * total),
        )


class TrainingMechanism(Mechanism):
    """Acts on how a model learns: subclass PerExampleLoss (fast) or TrainingLoop (plain PyTorch)."""

    acts_on: ClassVar[ActsOn] = "training"

    @abstractmethod
    def train_population(self, task: TrainingTask) -> Population:
        """Train all models of the population."""

    def skip(self, spec: DataSpec, model: object) -> str:
        """Training mechanisms need a torch module."""
        from privbench.models.base import TorchModel

        if isinstance(model, TorchModel):
            return ""
        name = getattr(model, "name", type(model).__name__)
        return f"{self.name} acts on the training of torch models, and {name} is no torch model"


class PerExampleLoss(TrainingMechanism):
    """Another loss. Written for one model; the engine runs it for the whole population at once."""

    uses_reference: ClassVar[bool] = False
    """Whether each step brings as many reference records, as ``batch.other_x`` and ``other_y``."""

    @abstractmethod
    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """Loss per example (batch,); ``forward`` maps records (batch, *shape) to logits.

        It may be recorded and replayed: what differs between examples or epochs is chosen by
        ``torch.where``, not by ``if``.
        """

    def noise(self, rng: np.random.Generator, m: int) -> NDArray[np.float32] | None:
        """Random numbers (m, k) for one model's epoch, which come as ``batch.noise``; None for none."""
        return None

    def train_population(self, task: TrainingTask) -> Population:
        """Train with the engine's loop."""
        import numpy as np

        other = (task.reference.x, task.reference.y) if self.uses_reference else None
        drawn = self.noise(np.random.default_rng(0), 1)
        return task.train(
            loss=self.loss,
            sets=task.sets.adding(other=other),
            noise=None if drawn is None else self._noise,
        )

    def _noise(self, rng: np.random.Generator, m: int) -> NDArray[np.float32]:
        drawn = self.noise(rng, m)
        assert drawn is not None  # it was not when it was tried
        return drawn


class TrainingLoop(TrainingMechanism):
    """A training loop of its own, in plain PyTorch; the engine calls it for one model after another."""

    @abstractmethod
    def train(
        self, module: nn.Module, x: Tensor, y: Tensor, model: TorchModel, rng: np.random.Generator
    ) -> None:
        """Train ``module`` in place on records (n, *shape) with labels (n,).

        ``model`` holds the recipe (epochs, lr, ...); all randomness comes from ``rng``. Torch's
        default generator is seeded as well, for modules that draw from it.
        """

    def skip(self, spec: DataSpec, model: object) -> str:
        """A torch module, on the records as they are, in float32: the loop is not the engine's."""
        from privbench.models.base import TorchModel

        reason = super().skip(spec, model)
        if reason or not isinstance(model, TorchModel):
            return reason
        if model.augmentation() is not None:
            return f"{self.name} has a loop of its own, without augmentation (flip, crop)"
        if model.precision != "float32":
            return f"{self.name} has a loop of its own, in float32 and not in {model.precision}"
        return ""

    def train_population(self, task: TrainingTask) -> Population:
        """Train one model after another."""
        from privbench.engine import train_each

        return train_each(
            task.build,
            task.sets,
            task.seeds,
            lambda module, x, y, rng: self.train(module, x, y, task.model, rng),
            device=task.device,
            progress=task.progress,
        )
