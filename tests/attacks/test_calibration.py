"""Calibration: the mean over OUT shadows, against a loop over them."""

import numpy as np
import pytest

from privbench.attacks import moments
from privbench.attacks.calibration import Calibration

from .helpers import (
    auc,
    hard_and_easy_population,
    label_log_probs,
    out_values,
    random_population,
    rounded_population,
    views_of,
)


def slow_calibration(view):
    values = out_values(view)
    typical = np.mean([np.mean(out) for out in values if out])
    target = label_log_probs(view.target, view.labels)
    return [p - (np.mean(out) if out else typical) for p, out in zip(target, values, strict=True)]


@pytest.mark.parametrize(
    "population", [rounded_population, random_population], ids=["ties", "none"]
)
@pytest.mark.parametrize("n_models", [3, 8])
def test_slow_reference(n_models, population, monkeypatch):
    """In several chunks; with three models, many records have no OUT shadow."""
    monkeypatch.setattr(moments, "CHUNK", 64)
    views = views_of(*population(n_models=n_models), references=30)
    for scores, view in zip(Calibration().score_all(views), views, strict=True):
        np.testing.assert_allclose(scores, slow_calibration(view), atol=1e-6)


def test_the_difficulty_of_records_does_not_matter():
    """Each record is compared with itself, under models that were not trained on it."""
    models, labels, member = hard_and_easy_population()
    assert auc(Calibration().score_all(views_of(models, labels, member)), member) > 0.9
