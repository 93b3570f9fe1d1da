"""Attacks that use their target's membership by mistake."""

import pytest

LEAKS = {
    "the own row": "return views.shadow_member + 0.0",
    "a mean over all shadows": (
        "loss = views.targets.log_prob_of(views.labels)\n"
        "    out = np.where(views.shadow_member, 0, loss).sum(0)\n"
        "    return loss - out / np.maximum((~views.shadow_member).sum(0), 1)"
    ),
}
HONEST = """
def score_all(self, views):
    loss = views.targets.log_prob_of(views.labels)
    shadows = views.shadows.log_prob_of(views.labels)
    scores = np.empty_like(loss)
    for i in range(len(views)):
        out = ~views.shadow_member & (np.arange(len(views)) != i)[:, None]
        scores[i] = loss[i] - (shadows * out).sum(0) / np.maximum(out.sum(0), 1)
    return scores + 0.01 * np.stack([rng.random(len(views.labels)) for rng in views.rngs])
"""


WORDS = "score_all uses the membership of the target"
NOISY = 'defenses=["noisy"]'


def test_it_is_a_failure_that_says_what_to_write(refused):
    bodies = [f"def score_all(self, views):\n    {body}" for body in LEAKS.values()]
    for number, reason in enumerate(refused("BatchedAttack", bodies)):
        assert f"mine{number}: {WORDS}" in reason
        assert "changed when row" in reason
        assert "Leave shadow i out for target i: views[i] has the other shadows only" in reason


@pytest.mark.parametrize("knowledge", ["adaptive", "naive"])
def test_an_honest_attack_passes(accepted, knowledge):
    accepted("BatchedAttack", [HONEST], NOISY, f'knowledge=["{knowledge}"]')


def test_outputs_of_a_naive_shadow_have_the_targets_membership(refused, accepted):
    body = "def score_all(self, views): return views.shadows.log_prob_of(views.labels)"
    (reason,) = refused("BatchedAttack", [body], NOISY, 'knowledge=["naive"]')
    assert WORDS in reason
    assert "and the outputs of shadow" in reason
    accepted("BatchedAttack", [body])  # without a defense they are the target's own outputs


def test_random_queries_are_answered_the_same_way_again(accepted):
    body = """
    queries = True

    def score_all(self, views):
        return np.stack(
            [m.query(views.records).log_prob_of(views.labels) for m in views.target_models]
        )
    """
    accepted("BatchedAttack", [body], NOISY)


def test_noise_of_its_own_hides_nothing(refused):
    """Neither alone nor on top of the membership; nor does an outlier make all changes small."""
    noise = "np.random.default_rng().normal(size=(4, 96))"
    outlier = "s = views.shadow_member + 0.0; s[:, 0] = -1e9; return s"
    bodies = (f"return {noise}", f"return views.shadow_member + 1e-3 * {noise}", outlier)
    reasons = refused("BatchedAttack", [f"def score_all(self, views): {body}" for body in bodies])
    for reason in reasons[:2]:
        assert "two equal calls of score_all gave different scores" in reason
        assert "draw from views.rngs only" in reason
    assert WORDS in reasons[2]


def test_an_attack_on_released_data(run, write):
    body = "def score_all(self, views): return views.shadow_member + 0.0"
    plugin = write("BatchedSyntheticAttack", [body])
    (row,) = run('defenses=["copula"]', 'attacks=["mine0"]', plugin=plugin)
    assert row["status"] == "failed"
    assert f"mine0: {WORDS}" in row["reason"]


NETWORKS = """
observes = "labels"
shadow_networks = True

def score_all(self, views):
    import torch

    def norm(i):
        with torch.no_grad():
            return float(sum(p.abs().sum() for p in views.shadow_models[i].module().parameters()))
    n = len(views)
    return np.stack([np.full(len(views.labels), norm({shadow})) for i in range(n)])
"""


def test_the_network_of_a_targets_own_shadow_is_the_targets(refused, accepted):
    """Where shadows are targets, an attack on labels could have the target's network by them."""
    (reason,) = refused("BatchedAttack", [NETWORKS.format(shadow="i")])
    assert WORDS in reason
    assert "and the network of shadow" in reason
    accepted("BatchedAttack", [NETWORKS.format(shadow="(i + 1) % n")])


def test_networks_of_shadows_do_not_open_those_of_targets(refused):
    body = """
    shadow_networks = True

    def score(self, view):
        view.shadow_models[0].module()
        view.target_model.module()
    """
    (reason,) = refused("Attack", [body])
    assert "so it has no network" in reason
