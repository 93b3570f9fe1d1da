"""SELENA: Tang et al. 2022, "Mitigating Membership Inference Attacks by Self-Distillation Through a
Novel Ensemble Architecture", arXiv 2110.08324.

1. Split-AI: ``sub_models`` models are trained, and each record is left out of the training sets of
   ``left_out`` of them.
2. Self-distillation: the target is trained on the private records, with soft labels. The soft label of
   a record is the mean output of the sub-models that were not trained on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from privbench.errors import Incompatible
from privbench.mechanisms.base import TrainingMechanism, TrainingTask
from privbench.mechanisms.distillation import soft_cross_entropy
from privbench.mechanisms.probabilities import softmax
from privbench.seeds import generator, seed_of

if TYPE_CHECKING:
    from privbench.engine import Population, TrainingSets


class Selena(TrainingMechanism):
    """Self-distillation from sub-models trained without a record."""

    name: ClassVar[str] = "selena"
    paper: ClassVar[str] = "Tang et al. 2022, arXiv 2110.08324"

    sub_models: int = Field(25, ge=2, description="number of sub-models (K)")
    left_out: int = Field(
        10, ge=1, description="sub-models that are not trained on a given record (L)"
    )

    @model_validator(mode="after")
    def _check_left_out(self) -> Selena:
        if self.left_out >= self.sub_models:
            raise ValueError(
                f"left_out: {self.left_out} of {self.sub_models} sub-models leaves none to train on a"
                f" record (allowed: 1..{self.sub_models - 1})"
            )
        return self

    def train_population(self, task: TrainingTask) -> Population:
        """Train the sub-models of all models as one population, then all models."""
        from dataclasses import replace

        from privbench.engine import TrainingSets

        sets, k = task.sets, self.sub_models
        if sets.m < k:
            raise Incompatible(f"{self.name}: {sets.m} training records for {k} sub-models")
        x, y = sets.flat()
        rows = sets.rows(range(sets.n_models)).numpy()  # (models, m)
        trains = np.stack([self.split(sets.m, seed) for seed in task.seeds])
        index = [rows[i][np.nonzero(split)[1].reshape(k, -1)] for i, split in enumerate(trains)]
        ensemble = replace(
            task.subtask(0, 2), seeds=[seed_of(s, "split", j) for s in task.seeds for j in range(k)]
        )
        sub_models = ensemble.train(sets=TrainingSets.shared(x, y, np.concatenate(index)))
        targets = [self._soft_labels(sub_models, i, ~split, sets) for i, split in enumerate(trains)]
        sets = sets.adding(targets=np.stack(targets))
        return task.subtask(1, 2).train(loss=soft_cross_entropy, sets=sets)

    def split(self, m: int, seed: int) -> NDArray[np.bool_]:
        """Return which sub-model trains on which record: bool (sub_models, m).

        The records are shuffled and cut into blocks of ``sub_models`` records. In a full block each
        record is left out by ``left_out`` sub-models, and each sub-model leaves out ``left_out``
        records. All sub-models train on the same number of records: of an incomplete last block, some
        leave out additional records at random.
        """
        k = self.sub_models
        rng = generator(seed, "split")
        order, trains = rng.permutation(m), np.ones((k, m), dtype=bool)
        for start in range(0, m, k):
            block = order[start : start + k]
            offsets, numbers = rng.choice(k, self.left_out, replace=False), rng.permutation(k)
            for position, record in enumerate(block):
                trains[numbers[(position + offsets) % k], record] = False
        rest = order[m - m % k :]
        # A fixed size, which does not depend on the draws, so that no model depends on another.
        size = m // k * (k - self.left_out) + max(0, len(rest) - self.left_out)
        for row in trains:
            excess = int(row.sum()) - size
            row[rng.permutation(rest[row[rest]])[:excess]] = False
        return trains

    def _soft_labels(
        self, sub_models: Population, model: int, left_out: NDArray[np.bool_], sets: TrainingSets
    ) -> NDArray[np.float32]:
        """Return the mean output (m, classes) for each record of the sub-models that leave it out."""
        x, k = sets.of_model(model)[0], self.sub_models
        outputs = np.stack([softmax(sub_models.predict_one(model * k + j, x)) for j in range(k)])
        weights = left_out / left_out.sum(0)  # (sub-models, m)
        mean: NDArray[np.float32] = np.einsum("kmc,km->mc", outputs, weights).astype(np.float32)
        return mean
