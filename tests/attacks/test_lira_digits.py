"""LiRA with eight shadows on real data: shrunk variances are as good as both alternatives."""

import numpy as np
import pytest

from privbench.attacks.lira import Lira
from privbench.attacks.outputs import Outputs
from privbench.datasets.digits import Digits
from privbench.engine import TrainingSets, train_population
from privbench.membership import clean_setting
from privbench.models.mlp import Mlp

from .helpers import auc, tpr_at, views_of

MODELS = 9
POPULATIONS = 5


@pytest.fixture(scope="module")
def populations():
    """Views of small networks trained on the digits, and their membership."""
    data, model = Digits().load(), Mlp(hidden=(64,), epochs=30)
    views_and_member = []
    for seed in range(POPULATIONS):
        setting = clean_setting(data, MODELS, n_pool=600, names=["digits", seed])
        pool, member = setting.pool, setting.member
        population = train_population(
            lambda: model.build(data.spec.shape, data.spec.n_classes),
            TrainingSets.shared(pool.x, pool.y, setting.train_indices()),
            model.recipe(),
            seeds=range(MODELS),
        )
        logits = population.predict(pool.x)
        log_probs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
        views = views_of(Outputs(log_probs.argmax(axis=-1), log_probs), pool.y, member)
        views_and_member.append((views, member))
    return views_and_member


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("baseline", ["per-record", "global"])
def test_shrunk_is_at_least_as_good_with_eight_shadows(populations, mode, baseline):
    """AUC over all models of all populations; online with a margin, as means are shrunk too."""
    results = {
        variance: [
            (auc(scores, member), tpr_at(scores, member, 0.01))
            for views, member in populations
            for scores in [Lira(mode=mode, variance=variance).score_all(views)]
        ]
        for variance in ("shrunk", baseline)
    }
    (shrunk, shrunk_tpr), (less, _) = (np.mean(results[v], axis=0) for v in ("shrunk", baseline))
    assert shrunk > 0.6
    assert shrunk_tpr > 0.04  # where the bound of chance is 0.01
    assert shrunk >= less + (0.005 if mode == "online" else 0)
