"""The stages of single records: what is left out, which records they number, who has none."""

import numpy as np
import pytest

from privbench.metrics import Influences, LeftOutScores, Pairs, Roc, precision_at_fpr, record_auc
from privbench.stages.scores import score_views


@pytest.fixture
def chosen(plan):
    return lambda attack, *more: plan('defenses=["none"]', *more, select=f"{attack} and adaptive")


def test_groups_are_scored_with_the_other_models_as_shadows(chosen, compute, context):
    plan = chosen("lira", "population=6")
    stage = plan.trials[0].records[0].left_out
    arrays = compute(plan, stage).arrays
    setting, views = compute(plan, stage.scores.setting).live, stage.scores.views(context(plan))

    def score(targets, shadows):
        return np.concatenate(
            [
                score_views(stage.scores.attack, views.part(np.array([i]), shadows), lambda: None)
                for i in targets
            ]
        )

    left_out = LeftOutScores.of(score, 6, stage.rng("groups"))
    np.testing.assert_allclose(arrays["auc"], left_out.record_auc(setting.member))
    np.testing.assert_allclose(arrays["calibrated"], left_out.calibrated(setting.member), rtol=1e-5)
    assert (arrays["pairs"] == left_out.pairs(setting.member)).all()
    assert arrays["by_chance"].shape == (2, len(setting.pool))
    assert not np.array_equal(arrays["by_chance"][0], arrays["auc"], equal_nan=True)


@pytest.mark.parametrize(("position", "subset"), [(0, "records"), (1, "canaries")])
def test_records_are_numbered_within_their_subset(chosen, compute, position, subset):
    plan = chosen("loss")
    stage = plan.trials[0].records[position]
    info = compute(plan, stage).info
    setting = compute(plan, stage.metrics.setting).live
    in_subset = setting.attacked(subset)
    member = setting.member[:, in_subset]
    scores = compute(plan, stage.metrics.scores).arrays["scores"][:, in_subset].astype(float)
    auc = record_auc(scores, member)  # an attack without shadows
    risk = info["record_risk"]
    assert risk["n_records"] == (member.sum(axis=0) == 2).sum()  # of 4 models
    assert risk["most_exposed"]
    for one in risk["most_exposed"]:
        assert one["auc"] == auc[one["record"]] <= risk["max_auc"]
    assert info["precision"]["0.01"] == precision_at_fpr(scores, member, scores, member, 0.01)
    calibrated = compute(plan, stage.left_out).arrays["calibrated"][:, in_subset].astype(float)
    rate = info["calibrated_tpr_at_fpr"]["0.01"]
    assert rate["value"] == Roc.of(Pairs.of(calibrated, member)).tpr_at_fpr(0.01)


def test_intervals_of_calibrated_rates_are_over_models_and_records_as_those_of_others(
    chosen, compute
):
    plan = chosen("lira", "population=8")
    stage = plan.trials[0].records[0]
    info = compute(plan, stage).info
    setting = compute(plan, stage.metrics.setting).live
    in_subset = setting.attacked("records")
    member = setting.member[:, in_subset]
    calibrated = compute(plan, stage.left_out).arrays["calibrated"][:, in_subset].astype(float)
    roc = Roc.of(Pairs.of(calibrated, member))
    expected = Influences.of(calibrated, member).intervals(roc).tpr_at_fpr[0.01]
    assert tuple(info["calibrated_tpr_at_fpr"]["0.01"]["ci"]) == expected


def test_attacks_that_query_models_and_small_populations_have_no_records(chosen, plan, compute):
    for made in (
        chosen("label-only", 'attacks=["label-only"]'),
        chosen("lira", "population=3"),
        plan('defenses=["vae"]', 'attacks=["dcr"]', select="dcr and adaptive"),
    ):
        stage = made.trials[0].records[0]
        assert stage.left_out is None
        info = compute(made, stage).info
        assert info["record_risk"] is None
        assert info["calibrated_tpr_at_fpr"] is None
        assert info["precision"]["prior"] == 0.01


def test_kinds_of_canaries_share_what_was_left_out(chosen):
    kinds = 'canaries={ share = 0.3, kinds = ["mislabel", "twin"] }'
    stages = chosen("lira", kinds).trials[0].records
    assert stages[1].left_out is stages[2].left_out
    assert len({stage.key for stage in stages}) == 3
