"""Attack P: ranks among reference records, against a loop over them."""

import numpy as np
import pytest

from privbench.attacks.attack_p import AttackP

from .helpers import (
    auc,
    hard_and_easy_population,
    label_log_probs,
    outputs_of_logits,
    random_population,
    rank,
    rounded_population,
    views_of,
)


def slow_attack_p(view):
    reference = label_log_probs(view.target_reference, view.reference_labels)
    return [rank(p, reference) for p in label_log_probs(view.target, view.labels)]


@pytest.mark.parametrize(
    "population", [rounded_population, random_population], ids=["ties", "none"]
)
@pytest.mark.parametrize("n_models", [3, 8])
def test_slow_reference(n_models, population):
    """With and without ties."""
    views = views_of(*population(n_models=n_models), references=30)
    for scores, view in zip(AttackP().score_all(views), views, strict=True):
        np.testing.assert_allclose(scores, slow_attack_p(view), atol=1e-6)


def test_constant_outputs_are_no_evidence():
    models = outputs_of_logits(np.ones((4, 50, 3)))
    views = views_of(models, np.zeros(50, int), np.zeros((4, 50), bool), references=10)
    assert (AttackP().score_all(views) == 0.5).all()


def test_the_difficulty_of_records_hides_their_membership():
    models, labels, member = hard_and_easy_population()
    scores = AttackP().score_all(views_of(models, labels, member, references=50))
    assert auc(scores, member[:, :350]) < 0.6
