"""MIST, membership-invariant subspace training: Li, Li, Ribeiro 2024, arXiv 2311.00919.

Training proceeds in rounds. In each round

1. the training set is partitioned afresh into ``sub_models`` parts, and on each part a sub-model is
   trained by the target model's recipe, starting from the present model;
2. each sub-model is moved towards the others on its own part: it minimises the cross-difference loss,
   the distance of its output from the mean output of the sub-models that were not trained on the record;
3. the weights of the sub-models are averaged, which gives the next model.

What the other sub-models know of a record as well stays learned. What only the sub-model that was
trained on it knows is undone.

This follows the abstract and descriptions of the method by others. Deviations that we know of:

- The distance is the L1 distance of the probabilities. The mean output of the others is computed once a
  round, before any sub-model moves.
- Parts have the same number of records: in each round, up to ``sub_models`` - 1 records chosen at random
  are left out.
- Momentum and moments of the optimizer start anew in each half of a round.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.errors import Incompatible
from privbench.mechanisms.base import TrainingMechanism, TrainingTask
from privbench.mechanisms.probabilities import softmax
from privbench.seeds import generator, seed_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from privbench.engine import Batch, Population, TrainingSets


class Mist(TrainingMechanism):
    """Averages sub-models that agree on each other's records (MIST)."""

    name: ClassVar[str] = "mist"
    paper: ClassVar[str] = "Li, Li, Ribeiro 2024, arXiv 2311.00919"

    sub_models: int = Field(4, ge=2, description="number of parts, and of sub-models")
    epochs_per_round: int = Field(
        1, ge=1, description="epochs of each sub-model on its part, before they are averaged"
    )
    weight: float = Field(
        0.3,
        gt=0,
        description="learning rate of the cross-difference loss, as a multiple of the target model's",
    )
    cross_epochs: int = Field(
        1, ge=1, description="epochs of the cross-difference loss in each round"
    )

    def train_population(self, task: TrainingTask) -> Population:
        """Train the sub-models of all models at once, round by round."""
        from privbench.engine import Population, build_seeded

        if task.sets.m < self.sub_models:
            raise Incompatible(
                f"{self.name}: {task.sets.m} training records for {self.sub_models} sub-models"
            )
        recipe = task.model.recipe()
        rounds = -(-recipe.epochs // self.epochs_per_round)
        learn = replace(recipe, epochs=self.epochs_per_round)
        agree = replace(recipe, epochs=self.cross_epochs, lr=self.weight * recipe.lr)
        models = Population.of(task.build, [build_seeded(task.build, s) for s in task.seeds])
        for number in range(rounds):
            learning, agreeing = (self._part(task, number, half, rounds) for half in range(2))
            sets = self.parts(task, number)
            start = models.repeated(self.sub_models)
            sub_models = learning.train(sets=sets, recipe=learn, start=start)
            sets = sets.adding(targets=self.outputs_of_others(sub_models, sets))
            sub_models = agreeing.train(
                sets=sets, recipe=agree, start=sub_models, loss=cross_difference
            )
            models = averaged(sub_models, self.sub_models)
        return models

    def _part(self, task: TrainingTask, number: int, half: int, rounds: int) -> TrainingTask:
        """Return the task of the sub-models of all models in one half of a round."""
        part = task.subtask(2 * number + half, 2 * rounds)
        seeds = [
            seed_of(seed, "sub-model", j) for seed in part.seeds for j in range(self.sub_models)
        ]
        return replace(part, seeds=seeds)

    def parts(self, task: TrainingTask, number: int) -> TrainingSets:
        """Return the parts of all training sets in a round, one for each sub-model."""
        import numpy as np

        from privbench.engine import TrainingSets

        x, y = task.sets.flat()
        rows = task.sets.rows(range(task.sets.n_models)).numpy()  # (models, m)
        size = task.sets.m // self.sub_models
        orders = (
            generator(seed, "partition", number).permutation(task.sets.m) for seed in task.seeds
        )
        used = [order[: size * self.sub_models] for order in orders]
        index = np.take_along_axis(rows, np.stack(used), axis=1).reshape(-1, size)
        return TrainingSets.shared(x, y, index)

    def outputs_of_others(self, sub_models: Population, sets: TrainingSets) -> NDArray[np.float32]:
        """Return the mean probabilities that a model's other sub-models give each sub-model's records.

        Args:
            sub_models: Those of the first model, of the second, and so on.
            sets: Their parts of the training sets.

        Returns:
            (models times sub-models, records of a part, classes).
        """
        import numpy as np

        k, found = self.sub_models, []
        for first in range(0, sets.n_models, k):
            x = np.concatenate([sets.of_model(first + j)[0] for j in range(k)])
            outputs = [softmax(sub_models.predict_one(first + j, x)) for j in range(k)]
            by_part = np.stack(outputs).reshape(k, k, sets.m, -1)  # (sub-model, part, ...)
            own = by_part[range(k), range(k)]
            found.append((by_part.sum(0) - own) / (k - 1))
        return np.concatenate(found)


def cross_difference(forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
    """Return the L1 distance (batch,) of the probabilities from those of others, ``batch.targets``."""
    assert batch.targets is not None
    return (forward(batch.x).float().softmax(-1) - batch.targets).abs().sum(-1)


def averaged(sub_models: Population, k: int) -> Population:
    """Return the models whose weights are the means of ``k`` sub-models each.

    Buffers of whole numbers, such as counts of batches, are those of the first sub-model.
    """
    from privbench.engine import Population

    def mean(stacked: Tensor) -> Tensor:
        of_model = stacked.reshape(-1, k, *stacked.shape[1:])
        return of_model.mean(1) if stacked.is_floating_point() else of_model[:, 0]

    params, buffers = (
        {name: mean(stacked.detach()) for name, stacked in part.items()}
        for part in (sub_models.params, sub_models.buffers)
    )
    return Population(sub_models.build, params, buffers)
