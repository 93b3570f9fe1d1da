"""Split scores: half of the models are shadows, whose coins are known, and half are targets."""

from dataclasses import replace

import numpy as np
import pytest

from privbench.storage.artifacts import Artifact

N_MODELS = 9
SHADOWS, TARGETS = np.arange(4), np.arange(4, 9)


def planned(plan, attack, knowledge="adaptive", defense="noisy", n_models=N_MODELS):
    """Return a plan and the audit stage of its canaries, for an attack given as TOML."""
    chosen = plan(
        f"defenses=[{defense!r}]", f"attacks=[{attack}]", f"population={n_models}",
        f'knowledge=["{knowledge}"]',
    )  # fmt: skip
    return chosen, chosen.trials[0].audits[1]


def with_coins_flipped(context, stage, models):
    """Return a context in which some models have other coins, and the same outputs."""

    def get(input_stage):
        artifact = context.get(input_stage)
        if input_stage is not stage.scores.setting:
            return artifact
        member = artifact.live.member.copy()
        member[models] = ~member[models]
        return Artifact(live=replace(artifact.live, member=member))

    return replace(context, get=get)


@pytest.mark.parametrize(
    ("attack", "defense", "knowledge"),
    [
        ('"lira"', "noisy", "adaptive"),
        ('"lira"', "noisy", "naive"),
        ('"shokri"', "none", "adaptive"),
        ('"shadow-density"', "vae", "adaptive"),
    ],
)
def test_scores_depend_on_the_coins_of_shadows_only(plan, context, attack, defense, knowledge):
    chosen, audit = planned(plan, attack, knowledge, defense)
    stage, ordinary = audit.split, context(chosen)
    scores = stage.compute(ordinary).arrays["scores"]
    assert np.isnan(scores[SHADOWS]).all()
    assert np.isfinite(scores[TARGETS]).all()
    flipped = stage.compute(with_coins_flipped(ordinary, stage, TARGETS)).arrays["scores"]
    np.testing.assert_array_equal(flipped, scores)
    flipped = stage.compute(with_coins_flipped(ordinary, stage, SHADOWS)).arrays["scores"]
    assert (flipped[TARGETS] != scores[TARGETS]).any()


@pytest.mark.parametrize("knowledge", ["adaptive", "naive"])
def test_scores_are_those_of_a_view_whose_shadows_are_the_first_half(
    plan, compute, context, knowledge
):
    chosen, audit = planned(plan, '"calibration"', knowledge)
    scores = compute(chosen, audit.split).arrays["scores"]
    attack = audit.split.scores.attack.component
    views = audit.split.scores.views(context(chosen))
    for target in TARGETS:
        view = views.part(np.array([target]), SHADOWS)[0]
        np.testing.assert_allclose(attack.score(view), scores[target], rtol=1e-10)


@pytest.mark.parametrize("n_models", [2, 3])
def test_a_population_that_is_too_small_proves_nothing(plan, compute, n_models):
    chosen, audit = planned(plan, '"lira"', n_models=n_models)
    found = compute(chosen, audit).info["audit"]
    assert found["targets"] == n_models - 1
    assert found["claim"] is not None
    assert found["p_value"] is found["detectable"] is None


@pytest.mark.parametrize("attack", ["loss", "gap", "attack-p", "quantile", "dcr", "logan"])
def test_an_attack_without_shadows_is_audited_by_its_ordinary_scores(plan, context, attack):
    """They are what it gives without any shadow, so that no coin has a part in them."""
    chosen, audit = planned(plan, f'"{attack}"', defense="vae")
    assert audit.split is None
    scores = audit.metrics.scores.compute(context(chosen)).arrays["scores"]
    none = np.arange(0)
    alone = audit.metrics.scores.views(context(chosen)).part(np.arange(N_MODELS), none)
    component = audit.metrics.scores.attack.component
    np.testing.assert_array_equal(component.score_all(alone), scores)


@pytest.mark.parametrize(("queries", "both"), [(1, False), (2, True)])
def test_two_records_are_compared_if_noise_on_outputs_covers_both(
    plan, compute, monkeypatch, queries, both
):
    seen = []
    chosen = plan(f"defenses=[{{ name = 'noisy', queries = {queries} }}]", "attacks=['loss']")
    monkeypatch.setattr(
        "privbench.privacy.audit.audit", lambda audited, *_, **__: seen.append(audited) or {}
    )
    records, canaries = chosen.trials[0].audits
    for stage in (records, canaries):
        compute(chosen, stage)
    assert [audited.two_per_guess for audited in seen] == [both, both]
    assert [audited.own_coins for audited in seen] == [False, True]


SECRETIVE = """
import numpy as np
import privbench


class Secretive(privbench.Attack):
    '''Says that it needs no shadows, and uses those that there are.'''

    name = "secretive"
    needs_shadows = "no"

    def score(self, view):
        return view.target.log_prob_of(view.labels) + view.shadow_member.sum(0)


@privbench.hookimpl
def register_attacks(register):
    register(Secretive)
"""


def test_a_plugin_that_needs_no_shadows_gets_none(host, tmp_path, plan, compute):
    path = tmp_path / "secretive.py"
    path.write_text(SECRETIVE)
    host.load(str(path))
    chosen, audit = planned(plan, '"secretive"')
    scores = compute(chosen, audit.split).arrays["scores"]
    assert np.isfinite(scores).all()
    assert (scores <= 0).all()  # log-probabilities, and no count of members
    assert compute(chosen, audit).info["audit"]["targets"] == N_MODELS
