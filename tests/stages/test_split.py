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
    ("attack", "defense"),
    [
        ('"lira"', "noisy"),
        ('"shokri"', "none"),
        ('"shadow-density"', "vae"),
    ],
)
def test_scores_depend_on_the_coins_of_shadows_only(plan, context, attack, defense):
    chosen, audit = planned(plan, attack, defense=defense)
    stage, ordinary = audit.split, context(chosen)
    scores = stage.compute(ordinary).arrays["scores"]
    assert np.isfinite(scores).all()
    flipped = stage.compute(with_coins_flipped(ordinary, stage, TARGETS)).arrays["scores"]
    np.testing.assert_array_equal(flipped, scores)
    flipped = stage.compute(with_coins_flipped(ordinary, stage, SHADOWS)).arrays["scores"]
    assert (flipped[TARGETS] != scores[TARGETS]).any()


def test_scores_are_those_of_a_view_whose_shadows_are_the_first_half(plan, compute, context):
    chosen, audit = planned(plan, '"calibration"')
    scores = compute(chosen, audit.split).arrays["scores"]
    attack = audit.split.scores.attack.component
    views = audit.split.scores.views(context(chosen))
    for target in TARGETS:
        view = views.part(np.array([target]), SHADOWS)[0]
        np.testing.assert_allclose(attack.score(view), scores[target], rtol=1e-10)


def test_shadows_have_the_scores_of_a_population_of_their_own(plan, compute, context):
    chosen, audit = planned(plan, '"calibration"')
    artifact = compute(chosen, audit.split)
    assert artifact.arrays["is_target"].tolist() == [False] * 4 + [True] * 5
    views = audit.split.scores.views(context(chosen))
    for target in SHADOWS:
        view = views.part(np.array([target]), np.setdiff1d(SHADOWS, target))[0]
        expected = audit.split.scores.attack.component.score(view)
        np.testing.assert_allclose(artifact.arrays["scores"][target], expected, rtol=1e-10)


@pytest.mark.parametrize("n_models", [2, 3])
def test_a_population_that_is_too_small_proves_nothing(plan, compute, n_models):
    chosen, audit = planned(plan, '"lira"', n_models=n_models)
    found = compute(chosen, audit).info["audit"]
    assert found["targets"] == n_models - 1
    assert found["side"] == "both"
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


def test_naive_shadows_have_no_guesses_and_leave_none_out(plan, compute):
    """Unless the target is as undefended: then both adversaries are the same."""
    for attack in ('"lira"', '"loss"'):
        chosen, stage = planned(plan, attack, "naive")
        assert stage.split is None
        assert chosen.trials[0].records[1].left_out is None
        info = compute(chosen, stage).info
        assert info["audited_epsilon"] is info["audit"]["method"] is None
        assert info["audit"]["claim"] is not None
        assert info["audit"]["bounds"]["clopper-pearson"] >= 0
    _, stage = planned(plan, '"lira"', "naive", defense="none")
    assert stage.split is not None


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
    assert compute(chosen, audit).info["audit"]["targets"] == N_MODELS - 1
