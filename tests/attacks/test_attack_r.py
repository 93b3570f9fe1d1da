"""Attack R: ranks among OUT shadows, against a loop over them."""

import numpy as np
import pytest

from privbench.attacks.attack_r import AttackR

from .helpers import (
    auc,
    hard_and_easy_population,
    label_log_probs,
    out_values,
    outputs_of_logits,
    random_population,
    rank,
    rounded_population,
    views_of,
)


def slow_attack_r(view):
    target = label_log_probs(view.target, view.labels)
    return [rank(p, out) if out else 0.5 for p, out in zip(target, out_values(view), strict=True)]


@pytest.mark.parametrize(
    "population", [rounded_population, random_population], ids=["ties", "none"]
)
@pytest.mark.parametrize("n_models", [3, 8])
def test_slow_reference(n_models, population):
    """With three models, many records have no OUT shadow."""
    views = views_of(*population(n_models=n_models), references=30)
    for scores, view in zip(AttackR().score_all(views), views, strict=True):
        np.testing.assert_allclose(scores, slow_attack_r(view), atol=1e-6)


def test_constant_outputs_are_no_evidence():
    models = outputs_of_logits(np.ones((4, 50, 3)))
    views = views_of(models, np.zeros(50, int), np.zeros((4, 50), bool), references=10)
    assert (AttackR().score_all(views) == 0.5).all()


def test_the_difficulty_of_records_does_not_matter():
    """Each record is compared with itself, under models that were not trained on it."""
    models, labels, member = hard_and_easy_population()
    assert auc(AttackR().score_all(views_of(models, labels, member)), member) > 0.9
