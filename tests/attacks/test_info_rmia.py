"""InfoRMIA against a loop written from the paper's equation."""

import numpy as np

from privbench.attacks.base_attack import BaseAttack
from privbench.attacks.info_rmia import InfoRmia

from .helpers import label_log_probs, random_population, views_of


def slow_score(view):
    """log p(x|target) - log p(x) + mean of log p(z) - log p(z|target); all have IN and OUT shadows."""
    shadows = np.exp([label_log_probs(one, view.labels) for one in view.shadows])
    inside = view.shadow_member
    p_x = [(p[m].mean() + p[~m].mean()) / 2 for p, m in zip(shadows.T, inside.T, strict=True)]
    others = [label_log_probs(one, view.reference_labels) for one in view.shadow_reference]
    p_z = np.mean(np.exp(others), axis=0)
    reference = label_log_probs(view.target_reference, view.reference_labels)
    divergence = np.mean(np.log(p_z) - reference)
    return np.array(label_log_probs(view.target, view.labels)) - np.log(p_x) + divergence


def test_slow_reference():
    models, labels, member = random_population(n_models=12, n=60, references=20)
    counts = member[:, :60].sum(axis=0)
    complete = np.flatnonzero((counts >= 2) & (counts <= 10))
    keep = np.append(complete, np.arange(60, 80))
    views = views_of(models[:, keep], labels[keep], member[:, keep], references=20)
    for scores, view in zip(InfoRmia().score_all(views), views, strict=True):
        np.testing.assert_allclose(scores, slow_score(view), atol=1e-5)


def test_the_divergence_moves_all_records_of_a_target_alike():
    views = views_of(*random_population(n=100, references=30), references=30)
    shift = InfoRmia().score_all(views) - BaseAttack().score_all(views)
    np.testing.assert_allclose(shift, shift[:, :1] + np.zeros_like(shift), atol=1e-12)
    assert len(np.unique(np.round(shift[:, 0], 6))) == len(shift)
