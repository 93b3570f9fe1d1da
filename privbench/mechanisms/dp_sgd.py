"""DP-SGD: Abadi et al. 2016, "Deep Learning with Differential Privacy", arXiv 1607.00133, algorithm 1.

Each step

1. draws each record independently with probability q = batch_size / n (Poisson sampling);
2. clips the gradient of each example to the norm ``max_grad_norm``;
3. adds Gaussian noise with standard deviation ``noise_multiplier * max_grad_norm`` to their sum;
4. divides by the expected batch size, and passes the result to the optimizer.

What is a good recipe without noise is mostly a bad one with it: large batches and few, large steps
average the noise out. So ``lr``, ``momentum``, ``epochs`` and ``batch_size`` can differ from the target
model's (``recipes/`` has the search that chose those of the shipped benchmarks).

With ``pretrained_on = "reference"`` each model is first trained on the reference records without noise.
Its weights before DP-SGD are then independent of the private records, as freshly drawn ones are, so the
guarantee is the same. So it is if all models start from the weights of one of them (``same_start``): an
adversary who knows the initial weights has one thing less to guess (Annamalai, De Cristofaro 2024, arXiv
2405.14106).

With ``augment_multiplicity`` an example's gradient is the average over augmented copies of it (De et al.
2022, arXiv 2204.13650). The average is clipped, so that an example still moves the sum by
``max_grad_norm`` at most, and the guarantee is the same.

An epoch is floor(n / batch_size) steps, as in Opacus. A batch size above n means q = 1. A step with an
empty batch adds noise like any other.

The engine trains all models of a population at once where it supports the module. Opacus trains the
others, such as modules with dropout, one after another. Both use the same batches and noise, so their
models agree up to floating point.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from privbench.data import DataSpec
from privbench.errors import Incompatible
from privbench.mechanisms.base import TrainingLoop, TrainingTask
from privbench.mechanisms.private_steps import poisson_batches, private_steps, unsupported
from privbench.privacy import Guarantee, GuaranteeContext
from privbench.privacy.profile import SMALLEST_DELTA
from privbench.privacy.sampled_gaussian import (
    SampledGaussianSteps,
    guarantee_of,
    noise_multiplier_for,
)

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from privbench.engine import Population, Recipe
    from privbench.models.base import TorchModel


class DpSgd(TrainingLoop):
    """DP-SGD: clipped per-example gradients with Gaussian noise."""

    name: ClassVar[str] = "dp-sgd"
    seedless: ClassVar[frozenset[str]] = frozenset(
        {
            "lr",
            "momentum",
            "epochs",
            "batch_size",
            "augment_multiplicity",
            "pretrained_on",
            "same_start",
        }
    )
    paper: ClassVar[str] = "Abadi et al. 2016, arXiv 1607.00133"

    epsilon: float | None = Field(
        None, gt=0, description="largest epsilon of the training, which determines the noise"
    )
    noise_multiplier: float | None = Field(
        None, gt=0, description="standard deviation of the noise, as a multiple of max_grad_norm"
    )
    delta: float = Field(1e-5, ge=SMALLEST_DELTA, lt=1, description="delta of the guarantee")
    max_grad_norm: float = Field(1.0, gt=0, description="norm to which each gradient is clipped")
    lr: float | None = Field(None, gt=0, description="learning rate; default the model's")
    momentum: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="momentum of sgd, which other optimizers ignore; default the model's",
    )
    epochs: int | None = Field(
        None, ge=1, description="expected passes over the training set; default the model's"
    )
    batch_size: int | None = Field(
        None, ge=1, description="expected records per step; default the model's"
    )
    augment_multiplicity: int | None = Field(
        None,
        ge=1,
        description="augmented copies of each example, over which its gradient is averaged before it is"
        " clipped; for models with augmentation (flip, crop)",
    )
    pretrained_on: Literal["none", "reference"] = Field(
        "none",
        description="records on which each model is trained before, without noise and by the target"
        " model's recipe",
    )
    same_start: bool = Field(
        False,
        description="whether all models start from the same weights, which adversaries may know;"
        ' only with pretrained_on = "reference"',
    )
    engine: Literal["auto", "batched", "opacus"] = Field(
        "auto",
        description="batched trains all models at once, opacus one after another; auto prefers batched",
    )

    @model_validator(mode="after")
    def _check_noise(self) -> DpSgd:
        if (self.epsilon is None) == (self.noise_multiplier is None):
            both = f"{self.epsilon} and {self.noise_multiplier}"
            raise ValueError(
                f"epsilon and noise_multiplier: {'neither' if self.epsilon is None else both}"
                " (allowed: exactly one of epsilon and noise_multiplier)"
            )
        if self.same_start and self.pretrained_on == "none":
            raise ValueError('same_start: true needs pretrained_on = "reference" (here: "none")')
        return self

    def train_population(self, task: TrainingTask) -> Population:
        """Train all models at once if the engine supports the module, else in turn by Opacus."""
        if self.pretrained_on == "none":
            return self._train_privately(task, None)
        start = self._start(task.subtask(0, 2))
        return self._train_privately(replace(task, progress=task.subtask(1, 2).progress), start)

    def _start(self, task: TrainingTask) -> Population:
        """Return the models before DP-SGD, of which all are alike with ``same_start``."""
        if not self.same_start:
            return self._pretrained(task)
        first = self._pretrained(replace(task, seeds=task.seeds[:1]))
        return first.repeated(len(task.seeds))

    @staticmethod
    def _pretrained(task: TrainingTask) -> Population:
        """Train a model per seed on all reference records, which no guarantee has to cover."""
        import torch

        from privbench.engine import TrainingSets

        x, y = task.reference.x, task.reference.y
        everything = torch.arange(len(y)).expand(len(task.seeds), -1).contiguous()
        return task.train(sets=TrainingSets.shared(x, y, everything))

    def _train_privately(self, task: TrainingTask, start: Population | None) -> Population:
        from privbench.engine import PrivateSteps, can_train_privately, train_privately

        if self.engine == "opacus":
            return self._train_each(task, start)
        problem = can_train_privately(task.build, task.sets, task.device)
        if problem and self.engine == "batched":
            raise Incompatible(
                f'{self.name}: engine = "batched" cannot train this model: {problem}'
            )
        if problem:
            return self._train_each(task, start)
        sampled = self._sampled_steps(task.model, task.sets.m)
        private = PrivateSteps(
            sample_rate=sampled.sample_rate,
            steps=sampled.steps,
            noise_multiplier=self._noise_multiplier(sampled),
            max_grad_norm=self.max_grad_norm,
        )
        return train_privately(
            task.build, task.sets, self.recipe(task.model), private, task.seeds,
            augment=task.model.augmentation(), copies=self.augment_multiplicity or 1,
            start=start, device=task.device, progress=task.progress,
        )  # fmt: skip

    def train(
        self, module: nn.Module, x: Tensor, y: Tensor, model: TorchModel, rng: np.random.Generator
    ) -> None:
        """Train ``module`` in place by Opacus.

        Raises Incompatible for a module without per-example gradients.
        """
        problem = unsupported(module.train())
        if model.augmentation() is not None:
            problem = (
                'Opacus cannot average gradients over augmented copies; engine = "batched" does it,'
                " for modules that it supports"
            )
        if problem:
            raise Incompatible(f"{self.name}: {problem}")
        sampled = self._sampled_steps(model, len(x))
        steps = private_steps(
            module,
            self.recipe(model),
            noise_multiplier=self._noise_multiplier(sampled),
            max_grad_norm=self.max_grad_norm,
            expected_batch_size=sampled.sample_rate * len(x),
            noise_seed=int(rng.integers(2**63)),
        )
        with steps as take_step:
            for batch in poisson_batches(len(x), sampled, rng):
                take_step(x[batch], y[batch])

    def skip(self, spec: DataSpec, model: object) -> str:
        """Return why such a model cannot be trained; empty if it can.

        Models with augmentation need ``augment_multiplicity``, and others must not have it.
        """
        from privbench.models.base import TorchModel

        reason = super().skip(spec, model)
        if not isinstance(model, TorchModel) or model.precision != "float32":
            return reason
        if self.augment_multiplicity is None:
            return f"{reason}; augment_multiplicity adds it" if reason else ""
        if model.augmentation() is None:
            return f"{self.name} with augment_multiplicity needs a model with augmentation (flip, crop)"
        return ""

    def guarantee(self, context: GuaranteeContext) -> Guarantee:
        """Return what the accountant computes from noise, sampling rate and number of steps."""
        from privbench.models.base import TorchModel

        assert isinstance(context.model, TorchModel)  # any other is skipped
        sampled = self._sampled_steps(context.model, context.n_train)
        return guarantee_of(self._noise_multiplier(sampled), sampled)

    def recipe(self, model: TorchModel) -> Recipe:
        """Return the model's recipe, with what this mechanism has of its own."""
        recipe = model.recipe()
        own = {name: getattr(self, name) for name in ("lr", "momentum", "epochs", "batch_size")}
        if recipe.optimizer != "sgd":
            del own["momentum"]
        return replace(recipe, **{name: value for name, value in own.items() if value is not None})

    def _sampled_steps(self, model: TorchModel, n: int) -> SampledGaussianSteps:
        recipe = self.recipe(model)
        batch_size = min(recipe.batch_size, n)
        steps = recipe.epochs * (n // batch_size)
        return SampledGaussianSteps(batch_size / n, steps, self.delta)

    def _noise_multiplier(self, sampled: SampledGaussianSteps) -> float:
        if self.noise_multiplier is not None:
            return self.noise_multiplier
        assert self.epsilon is not None  # one of the two is given
        return noise_multiplier_for(self.epsilon, sampled)
