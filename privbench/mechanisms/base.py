"""The contract of a mechanism: one base class for each place in the pipeline where it can act.

class Mixing(OutputMechanism):
    '''Mixes the outputs with the uniform distribution.'''
    name = "mixing"
    weight: float = Field(0.1, ge=0, le=1, description="weight of the uniform distribution")

    def apply(self, probabilities, rng):
        return (1 - self.weight) * probabilities + self.weight / probabilities.shape[1]
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from privbench.components import Component
from privbench.components.checks import checked_facts
from privbench.data import Data, DataSpec
from privbench.errors import PrivbenchError
from privbench.privacy import Guarantee, GuaranteeContext
from privbench.privacy.composition import PIPELINE_ORDER as PIPELINE_ORDER
from privbench.privacy.composition import ActsOn as ActsOn
from privbench.seeds import seed_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from privbench.engine import (
        Batch,
        Loss,
        Phase,
        Population,
        RandomInputs,
        Recipe,
        TrainingSets,
        Validation,
    )
    from privbench.models.base import TorchModel


class Mechanism(Component, ABC):
    """A privacy mechanism; subclass one of the four classes below."""

    kind: ClassVar[str] = "mechanism"
    acts_on: ClassVar[ActsOn]
    record_wise: ClassVar[bool] = False
    """For mechanisms on data or codes: whether each record is changed independently of the others.

    Then neighbouring training sets stay neighbours, which the guarantees of later mechanisms rely on.
    """

    def guarantee(self, context: GuaranteeContext) -> Guarantee | None:
        """Return what the mechanism states about its input, or None if it states nothing."""
        return None

    def skip(self, spec: DataSpec, model: object) -> str:
        """Return why the mechanism does not support such data or such a model; empty if it does."""
        return ""


class DataMechanism(Mechanism):
    """Acts on the private records before anything else reads them."""

    acts_on: ClassVar[ActsOn] = "data"
    reads_private: ClassVar[bool] = True
    """Whether it reads the private records. If not, it is handed none of them, and returns any number of
    records, the same for each model."""

    @abstractmethod
    def apply(self, data: Data, rng: np.random.Generator) -> Data:
        """Return the altered training set of one model, with as many records of the same shape."""

    def apply_with_reference(self, data: Data, reference: Data, rng: np.random.Generator) -> Data:
        """Return the altered training set of one model, given the public records.

        The harness calls this method; by default it calls ``apply``. Override it if the mechanism uses
        public records.
        """
        return self.apply(data, rng)


class LatentMechanism(Mechanism):
    """Acts on the codes of a generator."""

    acts_on: ClassVar[ActsOn] = "latent"

    @abstractmethod
    def apply(self, codes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the altered codes (n, latent_dim) of one model's training set."""

    def apply_with_reference(
        self,
        codes: NDArray[np.float32],
        reference: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Return the altered codes (n, latent_dim), given codes (k, latent_dim) of reference records.

        The harness calls this method; by default it calls ``apply``. Override it if the mechanism
        depends on the distribution of codes, which must not be estimated from the private ones.
        """
        return self.apply(codes, rng)


OutputTransform: TypeAlias = (
    "Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]"
)
"""``transform(probabilities, rng)`` returns defended outputs (n, n_classes) for bare outputs."""


@dataclass(frozen=True)
class OutputContext:
    """What an output mechanism may use to fit itself to one model.

    All outputs are probabilities (n, n_classes) of the bare model, before any output mechanism.
    """

    spec: DataSpec
    member_outputs: NDArray[np.float64]
    """Outputs on the private training records of the model."""
    member_labels: NDArray[np.int64]
    reference_outputs: NDArray[np.float64]
    """Outputs on public records: reference records that defenses may use."""
    reference_labels: NDArray[np.int64]
    query: Callable[[NDArray[np.float32]], NDArray[np.float64]]
    """Returns the outputs on any records (n, *shape)."""


class OutputMechanism(Mechanism):
    """Acts on the outputs of a model."""

    acts_on: ClassVar[ActsOn] = "output"
    needs_fit: ClassVar[bool] = False
    """Whether it depends on the model: then ``fit`` is called for each model, and ``apply`` is not."""
    reads_members: ClassVar[bool] = True
    """Whether ``fit`` reads the outputs on private records, which no earlier guarantee covers."""
    keeps_classes: ClassVar[bool] = False
    """Whether it never changes which class is most probable. An attack that queries for classes only
    then avoids the cost of the mechanism."""

    def fit(self, context: OutputContext, rng: np.random.Generator) -> OutputTransform:
        """Return the function that transforms the outputs of one model; by default ``apply``."""
        return self.apply

    @abstractmethod
    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the defended outputs (n, n_classes): non-negative, with rows that sum to one.

        Every call is a new query of the model, so randomness from ``rng`` is drawn afresh.
        """

    def queries_covered(self) -> int:
        """Return the number of queries, of all records together, that ``guarantee`` covers.

        Attacks whose scores need more outputs than that are not compared with the guarantee.
        """
        return 1

    def resolution(self) -> float:
        """Return the probability below which defended outputs carry no information.

        An adaptive adversary raises smaller probabilities to this floor. It matters where outputs are
        clipped at zero: the logarithm of a far smaller floor would be an outlier, which hides
        membership from attacks on log-probabilities and makes the defense look better than it is.
        """
        return 1e-12


@dataclass(frozen=True)
class TrainingTask:
    """One population to train. A training mechanism calls ``train``, once or several times."""

    model: TorchModel
    spec: DataSpec
    sets: TrainingSets
    """The training sets of all models."""
    reference: Data
    """Public records: reference records that defenses may use."""
    seeds: Sequence[int]
    """One seed per model. It determines initial weights, batches and random inputs."""
    device: str
    progress: Callable[[int, int], None]
    """Call it as ``progress(done, total)``."""

    def build(self) -> nn.Module:
        """Return a freshly initialised module of the target model."""
        return self.model.build(self.spec.shape, self.spec.n_classes)

    def train(
        self,
        *,
        loss: Loss | Sequence[Phase] | None = None,
        sets: TrainingSets | None = None,
        build: Callable[[], nn.Module] | None = None,
        recipe: Recipe | None = None,
        random_inputs: RandomInputs | None = None,
        validation: Validation | None = None,
        start: Population | None = None,
    ) -> Population:
        """Train one model per seed with the engine.

        Each argument replaces a part of the target model's training; what is None stays as it is.

        Args:
            loss: Per-example loss, or the phases of a step; by default cross-entropy.
            sets: Training sets of all models.
            build: Returns a freshly initialised module.
            recipe: Optimizer, epochs and batch size.
            random_inputs: Draws the random numbers that the loss receives with each batch.
            validation: Records by whose loss the best epoch of each model is chosen.
            start: The models before training; by default freshly initialised ones.
        """
        from privbench.engine import cross_entropy, train_population

        return train_population(
            build or self.build,
            sets or self.sets,
            recipe or self.model.recipe(),
            self.seeds,
            loss=loss or cross_entropy,
            random_inputs=random_inputs,
            augment=self.model.augmentation(),
            validation=validation,
            start=start,
            device=self.device,
            progress=self.progress,
        )

    def subtask(self, index: int, count: int) -> TrainingTask:
        """Return the task of one of ``count`` trainings, with its own seeds and share of progress."""
        return replace(
            self,
            seeds=[seed_of(seed, "part", index) for seed in self.seeds],
            progress=lambda done, total: self.progress(index * total + done, count * total),
        )


class TrainingMechanism(Mechanism):
    """Acts on training; subclass PerExampleLoss (fast) or TrainingLoop (plain PyTorch) if you can."""

    acts_on: ClassVar[ActsOn] = "training"

    @abstractmethod
    def train_population(self, task: TrainingTask) -> Population:
        """Train all models of the population, by ``task.train``."""

    def skip(self, spec: DataSpec, model: object) -> str:
        """Return why such a model cannot be trained; empty if it can, as torch models can."""
        from privbench.models.base import TorchModel

        if isinstance(model, TorchModel):
            return ""
        name = getattr(model, "name", type(model).__name__)
        return f"{self.name} acts on the training of torch models, and {name} is not one"


class PerExampleLoss(TrainingMechanism):
    """A loss, written for one model; the engine runs it for the whole population at once."""

    uses_reference: ClassVar[bool] = False
    """Whether each batch brings as many reference records, as ``batch.other_x`` and ``other_y``."""

    @abstractmethod
    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """Return the loss per example (batch,); ``forward`` maps records (batch, *shape) to logits.

        The engine may record the operations once and replay them. Choose between values that depend
        on examples or epochs by ``torch.where``, not by ``if``.
        """

    def random_inputs(self, rng: np.random.Generator, m: int) -> NDArray[np.float32] | None:
        """Return random numbers (m, k) for one epoch of a model; None if the loss uses none.

        The loss receives those of its batch as ``batch.random_inputs`` (batch, k).
        """
        return None

    def train_population(self, task: TrainingTask) -> Population:
        """Train all models at once with this loss."""
        import numpy as np

        other = (task.reference.x, task.reference.y) if self.uses_reference else None
        drawn = self.random_inputs(np.random.default_rng(0), 1)
        return task.train(
            loss=self.loss,
            sets=task.sets.adding(other=other),
            random_inputs=None if drawn is None else self._random_inputs,
        )

    def _random_inputs(self, rng: np.random.Generator, m: int) -> NDArray[np.float32]:
        drawn = self.random_inputs(rng, m)
        assert drawn is not None  # it was not in ``train_population``
        return drawn


class TrainingLoop(TrainingMechanism):
    """A training loop in plain PyTorch, which the engine calls for one model after another."""

    @abstractmethod
    def train(
        self, module: nn.Module, x: Tensor, y: Tensor, model: TorchModel, rng: np.random.Generator
    ) -> Mapping[str, float] | None:
        """Train ``module`` in place.

        It may return numbers about the procedure by name, such as the epsilon of its accountant. They
        must be equal for all training sets of a size. ``guarantee`` finds them in ``context.facts``.

        Args:
            module: A freshly initialised module in training mode.
            x: Records (n, *shape).
            y: Labels (n,).
            model: The target model, with its recipe (``epochs``, ``lr``, ...).
            rng: The source of all randomness. Torch's default generator is seeded as well, for modules
                that draw from it.
        """

    def skip(self, spec: DataSpec, model: object) -> str:
        """Return why the loop cannot train such a model; empty if it can.

        It has no augmentation, and trains in float32.
        """
        from privbench.models.base import TorchModel

        reason = super().skip(spec, model)
        if reason or not isinstance(model, TorchModel):
            return reason
        if model.precision != "float32":
            return f"{self.name} has its own training loop, in float32 and not in {model.precision}"
        if model.augmentation() is not None:
            return f"{self.name} has its own training loop, without augmentation (flip, crop)"
        return ""

    def train_population(self, task: TrainingTask) -> Population:
        """Train one model after another by ``train``."""
        return self._train_each(task)

    def _train_each(self, task: TrainingTask, start: Population | None = None) -> Population:
        """Train one model after another, from the models ``start`` or freshly initialised."""
        from torch import nn

        from privbench.engine import train_each

        train: Callable[..., object] = self.train

        def train_one(
            module: nn.Module, x: Tensor, y: Tensor, rng: np.random.Generator
        ) -> dict[str, float]:
            returned = train(module, x, y, task.model, rng)
            if isinstance(returned, nn.Module) and returned is not module:
                raise PrivbenchError(
                    "train returned another module; it must change the one that it is given, in place"
                )
            return checked_facts(returned, f"{self.name}: train returned")

        population = train_each(
            task.build,
            task.sets,
            task.seeds,
            train_one,
            start=start,
            device=task.device,
            progress=task.progress,
        )
        for name, values in population.facts.items():
            if (low := float(values.min())) != (high := float(values.max())):
                raise PrivbenchError(
                    f"{self.name}: train returned {name} from {low:.6g} to {high:.6g}, expected the same"
                    " for all models, whose training sets have the same size"
                )
        return population
