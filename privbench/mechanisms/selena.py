"""SELENA: Tang et al. 2022, "Mitigating Membership Inference Attacks by Self-Distillation Through a
Novel Ensemble Architecture", arXiv 2110.08324.

Split-AI: ``sub_models`` are trained, and each record is kept from ``left_out`` of them. Self-
distillation: what is released has learned, for each training record, the mean answer of the
sub-models that never met it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from privbench.errors import Incompatible
from privbench.mechanisms.base import TrainingMechanism, TrainingTask
from privbench.mechanisms.distillation import softmax, to_targets
from privbench.seeds import generator, seed_of

if TYPE_CHECKING:
    from privbench.engine import Population, TrainingSets


class Selena(TrainingMechanism):
    """Learns each record's label from sub-models that were not trained on it."""

    name: ClassVar[str] = "selena"
    paper: ClassVar[str] = "Tang et al. 2022, arXiv 2110.08324"

    sub_models: int = Field(25, ge=2, description="number of sub-models (K)")
    left_out: int = Field(10, ge=1, description="sub-models that do not train on a record (L)")

    @model_validator(mode="after")
    def _fewer_than_all(self) -> Selena:
        if self.left_out >= self.sub_models:
            raise ValueError(
                f"left_out: {self.left_out} of {self.sub_models} sub-models leave none to train"
                f" (allowed: 1..{self.sub_models - 1})"
            )
        return self

    def train_population(self, task: TrainingTask) -> Population:
        """All sub-models of all models as one population, then the models, by the engine."""
        from dataclasses import replace

        from privbench.engine import TrainingSets

        sets, k = task.sets, self.sub_models
        if sets.m < k:
            raise Incompatible(f"{self.name}: {sets.m} records are fewer than {k} sub-models")
        x, y = sets.flat()
        rows = sets.rows(range(sets.n_models)).numpy()  # (models, m)
        trains = np.stack([self.split(sets.m, seed) for seed in task.seeds])
        index = [rows[i][np.nonzero(one)[1].reshape(k, -1)] for i, one in enumerate(trains)]
        ensemble = replace(
            task.part(0, 2), seeds=[seed_of(s, "split", j) for s in task.seeds for j in range(k)]
        )
        subs = ensemble.train(sets=TrainingSets.shared(x, y, np.concatenate(index)))
        targets = [self._answers(subs, i, ~one, sets) for i, one in enumerate(trains)]
        sets = sets.adding(targets=np.stack(targets))
        return task.part(1, 2).train(loss=to_targets, sets=sets)

    def split(self, m: int, seed: int) -> NDArray[np.bool_]:
        """Which sub-model trains on which record: bool (sub_models, m).

        In blocks of ``sub_models`` records, in random order, each record is left out by exactly
        ``left_out`` of them, and each of them leaves out as many. All train on as many records: of a
        last block that is not full, some leave out more than they need to, at random.
        """
        k = self.sub_models
        rng = generator(seed, "split")
        order, trains = rng.permutation(m), np.ones((k, m), dtype=bool)
        for start in range(0, m, k):
            block = order[start : start + k]
            offsets, names = rng.choice(k, self.left_out, replace=False), rng.permutation(k)
            for position, record in enumerate(block):
                trains[names[(position + offsets) % k], record] = False
        rest = order[m - m % k :]
        size = m // k * (k - self.left_out) + max(0, len(rest) - self.left_out)
        for own in trains:  # whatever the draws, so that no model depends on another
            excess = int(own.sum()) - size
            own[rng.permutation(rest[own[rest]])[:excess]] = False
        return trains

    def _answers(
        self, subs: Population, model: int, out: NDArray[np.bool_], sets: TrainingSets
    ) -> NDArray[np.float32]:
        """For each record the mean answer (m, classes) of the sub-models that leave it out."""
        x, k = sets.one(model)[0], self.sub_models
        answers = np.stack([softmax(subs.predict_one(model * k + j, x)) for j in range(k)])
        weights = out / out.sum(0)  # (sub-models, m)
        mean: NDArray[np.float32] = np.einsum("kmc,km->mc", answers, weights).astype(np.float32)
        return mean
