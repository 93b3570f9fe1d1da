"""Sequential scores: a target's depend on its own output and on models before its block."""

from dataclasses import replace

import numpy as np
import pytest

from privbench.stages.split import blocks
from privbench.storage.artifacts import Artifact

N_MODELS = 9


def planned(plan, attack, knowledge="adaptive", defense="noisy"):
    """Return a plan and the audit stage of its canaries, for an attack given as TOML."""
    chosen = plan(
        f"defenses=[{defense!r}]", f"attacks=[{attack}]", f"population={N_MODELS}",
        f'knowledge=["{knowledge}"]',
    )  # fmt: skip
    return chosen, chosen.trials[0].audits[1]


def changed_from(context, stage, first):
    """Return a context in which the models of a plan from ``first`` on have other coins and outputs."""
    scores = stage.scores

    def get(input_stage):
        artifact = context.get(input_stage)
        if input_stage is scores.setting:
            member = artifact.live.member.copy()
            member[first:] = ~member[first:]
            return Artifact(live=replace(artifact.live, member=member))
        if artifact.live is not None:  # releases
            return Artifact(live=[*artifact.live[:first], *[artifact.live[0]] * (N_MODELS - first)])
        arrays = {name: array.copy() for name, array in artifact.arrays.items()}
        for array in arrays.values():
            array[first:] = array[first:][..., ::-1]
        return Artifact(arrays, artifact.info)

    return replace(context, get=get)


def test_blocks_double_and_follow_each_other():
    for n_models in range(2, 70):
        found = list(blocks(n_models))
        targets = np.concatenate([block for block, _ in found])
        first = min(4, n_models // 2)
        np.testing.assert_array_equal(targets, np.arange(first, n_models))
        for block, shadows in found:
            np.testing.assert_array_equal(shadows, np.arange(block[0]))
    assert list(blocks(1)) == []
    ((targets, shadows),) = blocks(5, with_shadows=False)
    assert (len(targets), len(shadows)) == (5, 0)


@pytest.mark.parametrize(
    ("attack", "defense", "knowledge"),
    [
        ('"lira"', "noisy", "adaptive"),
        ('"lira"', "noisy", "naive"),
        ('"shokri"', "none", "adaptive"),
        ('"shadow-density"', "vae", "adaptive"),
    ],
)
def test_scores_depend_on_no_later_model(plan, context, attack, defense, knowledge):
    """Blocks are models 4 to 7, and 8: those before a block do not see what is changed from there."""
    chosen, audit = planned(plan, attack, knowledge, defense)
    stage = audit.split
    scores = stage.compute(context(chosen)).arrays["scores"]
    assert np.isnan(scores[:4]).all()
    assert np.isfinite(scores[4:]).all()
    later = stage.compute(changed_from(context(chosen), stage, 8)).arrays["scores"]
    np.testing.assert_array_equal(later[4:8], scores[4:8])
    assert (later[8] != scores[8]).any()
    earlier = stage.compute(changed_from(context(chosen), stage, 3)).arrays["scores"]
    assert (earlier[4:] != scores[4:]).any()


def test_own_coins_have_no_part_in_scores(plan, context):
    chosen, audit = planned(plan, '"lira"', defense="none")
    stage, ordinary = audit.split, context(chosen)

    def get(input_stage):
        artifact = ordinary.get(input_stage)
        if input_stage is not stage.scores.setting:
            return artifact
        member = artifact.live.member.copy()
        member[8] = ~member[8]
        return Artifact(live=replace(artifact.live, member=member))

    flipped = stage.compute(replace(ordinary, get=get)).arrays["scores"]
    np.testing.assert_array_equal(flipped, stage.compute(ordinary).arrays["scores"])


def test_scores_are_those_of_views_with_earlier_shadows(plan, compute, context):
    chosen, audit = planned(plan, '"calibration"', "naive")
    scores = compute(chosen, audit.split).arrays["scores"]
    attack = audit.split.scores.attack.component
    views = audit.split.scores.views(context(chosen))
    for target in range(4, N_MODELS):
        earlier = np.arange(4 if target < 8 else 8)
        view = views.part(np.array([target]), earlier)[0]
        np.testing.assert_allclose(attack.score(view), scores[target], rtol=1e-10)


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
    assert compute(chosen, audit).info["audit"]["runs"] == 1
