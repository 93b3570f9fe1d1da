"""Repeated queries of the same record, for defenses whose outputs are random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from privbench.attacks.base import Model, Outputs, Views


def averaged(views: Views, n_queries: int) -> Views:
    """Return the views with the mean class probabilities over repeated queries of each pool record.

    Of the ``n_queries`` the first is the one in ``views``. The shadows are queried as often as the
    targets, and models that are both are queried once. The outputs for reference records stay as they
    are.
    """
    if n_queries == 1:
        return views
    targets = _averaged(views, views.target_models, views.targets, n_queries)
    if views.shadow_models is views.target_models:
        return replace(views, targets=targets, shadows=targets)
    shadows = _averaged(views, views.shadow_models, views.shadows, n_queries)
    return replace(views, targets=targets, shadows=shadows)


def _averaged(views: Views, models: Sequence[Model], outputs: Outputs, n_queries: int) -> Outputs:
    assert views.records is not None
    log_probs = np.empty((*outputs.predicted.shape, views.n_classes), dtype=np.float32)
    for i, model in enumerate(models):
        mean = outputs[i].probabilities()
        for done in range(1, n_queries):
            mean += (model.query(views.records).probabilities() - mean) / (done + 1)
        log_probs[i] = np.log(mean)
    return Outputs(log_probs.argmax(axis=-1), log_probs)
