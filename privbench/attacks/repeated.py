"""Several queries of the same record, of the target and of every shadow.

What further queries are good for depends on how the models were trained and on how they answer:

1. Where training augments records, the queries are the record itself and randomly augmented copies of
   it, as in the LiRA paper. All models are queried on the same copies.
2. Otherwise the record itself is queried again, which helps where outputs are random.

The answers are averaged before the attack compares them with those of shadows: log-probabilities over
augmented copies, so that confidences in logits are averaged, and probabilities over repeated queries,
because random outputs may be zero.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, Model, Views
from privbench.attacks.outputs import Outputs

Records = NDArray[np.float32]


class RepeatableAttack(BatchedAttack):
    """An attack on confidences that can average over several queries of each record."""

    queries_per_record: int = Field(
        1,
        ge=1,
        description="number of queries of each record, of the target and of every shadow, whose mean "
        "is used: queries of augmented copies where training augments records; otherwise repeated "
        "queries, which help where outputs are random",
    )

    def needs_models(self) -> bool:
        """Return whether it queries the models, beyond their outputs for the pool."""
        return self.queries_per_record > 1

    def queries_used(self) -> int:
        """Return ``queries_per_record``."""
        return self.queries_per_record

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool), finite, larger = member."""
        return self.score_once(averaged(views, self.queries_per_record))

    @abstractmethod
    def score_once(self, views: Views) -> NDArray[np.float64]:
        """Return the scores (targets, n_pool) of outputs that are averages over the queries."""


def averaged(views: Views, n_queries: int) -> Views:
    """Return the views with the mean outputs over several queries of each pool record.

    Of the ``n_queries`` the first is the one in ``views``. The shadows are queried as often as the
    targets, and models that are both are queried once. The outputs for reference records stay as they
    are.
    """
    if n_queries == 1:
        return views
    assert views.records is not None
    again = [views.records] * (n_queries - 1)
    if views.augment is not None:
        rng = np.random.default_rng(0)
        again = [views.augment(views.records, rng) for _ in again]
    of_logs = views.augment is not None
    targets = _mean_outputs(views.target_models, views.targets, again, of_logs=of_logs)
    if views.shadow_models is views.target_models:
        return replace(views, targets=targets, shadows=targets)
    shadows = _mean_outputs(views.shadow_models, views.shadows, again, of_logs=of_logs)
    return replace(views, targets=targets, shadows=shadows)


def answers_at_random(views: Views, n_records: int = 64) -> bool:
    """Return whether two queries of the first target about the same records differ."""
    assert views.records is not None
    first, second = (views.target_models[0].query(views.records[:n_records]) for _ in range(2))
    return not np.array_equal(first.log_probabilities(), second.log_probabilities())


def _mean_outputs(
    models: Sequence[Model], outputs: Outputs, again: Sequence[Records], *, of_logs: bool
) -> Outputs:
    """Return the mean of ``outputs`` (models, n) and of the models' answers about ``again``.

    The means are of log-probabilities (``of_logs``) or of probabilities.
    """
    n_classes = outputs[0].log_probabilities().shape[-1]
    log_probs = np.empty((*outputs.predicted.shape, n_classes), "f4")
    for i, model in enumerate(models):
        mean = _values(outputs[i], of_logs=of_logs)
        for done, records in enumerate(again, start=1):
            mean += (_values(model.query(records), of_logs=of_logs) - mean) / (done + 1)
        logs = mean if of_logs else np.log(mean)
        log_probs[i] = logs - np.logaddexp.reduce(logs, axis=-1, keepdims=True)
    return Outputs(log_probs.argmax(axis=-1), log_probs)


def _values(outputs: Outputs, *, of_logs: bool) -> NDArray[np.float64]:
    return outputs.log_probabilities() if of_logs else outputs.probabilities()
