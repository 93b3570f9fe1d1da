"""BASE against a loop written from the paper's equation."""

import numpy as np
import pytest

from privbench.attacks.base_attack import BaseAttack

from .helpers import label_log_probs, out_values, random_population, views_of


def slow_score(attack, view):
    """log p_y(target) - log mean p_y(shadow); every record has IN and OUT shadows."""
    outside = [np.mean(np.exp(values)) for values in out_values(view)]
    mean = outside
    if attack.mode == "online":
        shadows = np.exp([label_log_probs(shadow, view.labels) for shadow in view.shadows])
        columns = zip(shadows.T, view.shadow_member.T, outside, strict=True)
        mean = [(p[inside].mean() + out) / 2 for p, inside, out in columns]
    return np.array(label_log_probs(view.target, view.labels)) - np.log(mean)


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_slow_reference(mode):
    models, labels, member = random_population(n_models=12, n=60)
    counts = member.sum(axis=0)
    keep = np.flatnonzero((counts >= 2) & (counts <= 10))
    views = views_of(models[:, keep], labels[keep], member[:, keep])
    attack = BaseAttack(mode=mode)
    for scores, view in zip(attack.score_all(views), views, strict=True):
        np.testing.assert_allclose(scores, slow_score(attack, view), atol=1e-5)


def test_offline_never_looks_at_in_shadows():
    models, labels, member = random_population(n_models=7, n=60)
    other = models.log_probs.copy()
    other[1:][member[1:]] = other[1:][member[1:]][:, ::-1]
    for mode, same in (("offline", True), ("online", False)):
        before, after = (
            BaseAttack(mode=mode).score(
                views_of(type(models)(models.predicted, log_probs), labels, member)[0]
            )
            for log_probs in (models.log_probs, other)
        )
        assert np.array_equal(before, after) is same
