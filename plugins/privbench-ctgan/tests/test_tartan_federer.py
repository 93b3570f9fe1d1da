"""The attack on generators whose losses are known."""

import numpy as np
import pytest
from privbench_ctgan import TabDdpm, TartanFederer
from small_table import SPEC, records

from privbench import FittedSampler, SyntheticViews

N, MODELS = 60, 8
ATTACK = TartanFederer(times=(0.01, 0.05), draws=5, hidden=16, epochs=40)


class Known(FittedSampler):
    """Has losses that are noise of the record, and smaller for members by ``leak``."""

    timesteps = 100

    def __init__(self, member, leak):
        self.member, self.leak = member, leak

    def sample(self, n, rng):
        raise NotImplementedError

    def losses(self, data, timesteps, n_draws, rng):
        shape = (len(data), len(timesteps) * n_draws)
        hard = np.linspace(1, 2, len(data))[:, None]
        noise = np.random.default_rng(self.member.astype(int)).normal(0, 0.3, shape)
        shared = rng.normal(0, 1, shape[1])  # of the draws; the same for all records and models
        return np.exp(hard + noise + shared - self.leak * self.member[:, None])


def views(leak, models=MODELS):
    rng = np.random.default_rng(0)
    pool = records(N)
    member = np.stack([rng.permutation(N) < N // 2 for _ in range(models)])
    generators = [Known(row, leak) for row in member]
    releases = [pool] * models
    return SyntheticViews(
        records=pool.x, labels=pool.y, targets=releases, shadows=releases,
        shadow_member=member, reference=records(20, 1),
        rngs=[np.random.default_rng(i) for i in range(models)],
        target_generators=generators, shadow_generators=generators,
    ), member  # fmt: skip


def auc(scores, member):
    inside, outside = scores[member], scores[~member]
    return (inside[:, None] > outside[None]).mean() + (inside[:, None] == outside[None]).mean() / 2


@pytest.mark.parametrize(("leak", "low", "high"), [(1.0, 0.9, 1.0), (0.0, 0.42, 0.58)])
def test_it_finds_what_losses_tell_and_nothing_else(leak, low, high):
    given, member = views(leak)
    scores = ATTACK.score_all(given)
    assert scores.shape == (MODELS, N)
    assert low <= auc(scores, member) <= high


def test_scores_do_not_depend_on_the_targets_own_membership():
    given, member = views(1.0, models=4)
    scores = ATTACK.score_all(given)
    flipped = member.copy()
    flipped[2] = ~flipped[2]
    again, _ = views(1.0, models=4)
    changed = ATTACK.score_all(SyntheticViews(**{**vars(again), "shadow_member": flipped}))
    np.testing.assert_allclose(changed[2], scores[2])
    assert not np.allclose(changed[0], scores[0])


def test_one_target_is_scored_as_among_all():
    given, _ = views(1.0, models=4)
    whole = ATTACK.score_all(given)
    again, _ = views(1.0, models=4)
    np.testing.assert_allclose(ATTACK.score(again[1]), whole[1])


def test_it_needs_a_generator_with_losses():
    given, _ = views(1.0, models=2)
    assert ATTACK.obstacle(given) == ""
    without = SyntheticViews(**{**vars(given), "target_generators": (), "shadow_generators": ()})
    assert "needs the generators" in ATTACK.obstacle(without)
    plain = SyntheticViews(**{**vars(given), "target_generators": [object()] * 2})
    assert "needs a diffusion generator" in ATTACK.obstacle(plain)


@pytest.mark.slow
def test_it_finds_members_of_an_overfitted_diffusion():
    rng = np.random.default_rng(0)
    pool = records(80)
    member = np.stack([rng.permutation(80) < 40 for _ in range(6)])
    recipe = TabDdpm(steps=1500, timesteps=50, hidden=(64, 64), batch_size=64, lr=3e-3)
    generators = recipe.fit_population(
        [pool.take(np.flatnonzero(row)) for row in member],
        [np.random.default_rng(i) for i in range(6)], "cpu", lambda done, total: None,
    )  # fmt: skip
    given = SyntheticViews(
        records=pool.x, labels=pool.y, targets=[pool] * 6, shadows=[pool] * 6,
        shadow_member=member, reference=records(20, 1),
        rngs=[np.random.default_rng(i) for i in range(6)],
        target_generators=generators, shadow_generators=generators,
    )  # fmt: skip
    assert pool.spec == SPEC
    attack = TartanFederer(times=(0.02, 0.06, 0.1), draws=20, hidden=32, epochs=60)
    assert auc(attack.score_all(given), member) > 0.65
