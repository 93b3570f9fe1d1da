"""The numbers of a row: utility, fidelity and metrics."""

from dataclasses import replace

import numpy as np
import pytest

from privbench.metrics import Influences
from privbench.metrics.accuracy import accuracy_difference
from privbench.metrics.clustered import proportion_interval
from privbench.stages.results import FidelityStage


@pytest.fixture
def trial(plan):
    chosen = plan('defenses=["noisy"]', select="loss and adaptive")
    return chosen, chosen.trials[0]


def test_utility_counts_right_predictions_of_the_defended_models(trial, compute):
    chosen, trial = trial
    info = compute(chosen, trial.utility).info
    outputs = compute(chosen, trial.utility.outputs).arrays
    setting = compute(chosen, trial.utility.setting).live
    right = [(outputs["test"][model].argmax(-1) == setting.test.y).mean() for model in range(4)]
    assert info["test_accuracy"] == pytest.approx(np.mean(right))
    trained = [
        (outputs["pool"][m].argmax(-1) == setting.pool.y)[setting.member[m]].mean()
        for m in range(4)
    ]
    assert info["train_accuracy"] == pytest.approx(np.mean(trained))
    assert info["guarantee"]["kind"] == "dp"
    low, high = info["test_accuracy_ci"]
    assert low < info["test_accuracy"] < high
    assert info["n_test"] == len(setting.test)
    most_frequent = np.bincount(setting.pool.y).argmax()
    above = accuracy_difference(
        outputs["test"].argmax(-1) == setting.test.y,
        np.broadcast_to(setting.test.y == most_frequent, outputs["test"].shape[:2]),
    )
    assert info["majority_difference_ci"] == list(above[1])
    assert info["majority_accuracy"] == (setting.test.y == most_frequent).mean()
    assert "column_fidelity" not in info


def test_utility_stores_which_test_records_each_model_predicts(trial, compute):
    chosen, trial = trial
    artifact = compute(chosen, trial.utility)
    outputs = compute(chosen, trial.utility.outputs).arrays
    setting = compute(chosen, trial.utility.setting).live
    bits = np.unpackbits(artifact.arrays["test_correct"], axis=1)[:, : len(setting.test)]
    assert (bits == (outputs["test"].argmax(-1) == setting.test.y)).all()
    classes = [bits[:, setting.test.y == c].mean() for c in np.unique(setting.test.y)]
    assert artifact.info["test_balanced_accuracy"] == pytest.approx(np.mean(classes))


@pytest.mark.parametrize(("position", "subset"), [(0, "records"), (1, "canaries")])
def test_metrics_are_of_their_subset(trial, compute, position, subset):
    chosen, trial = trial
    stage = trial.metrics[position]
    setting = compute(chosen, stage.setting).live
    assert setting.canary.any() == (subset == "canaries")
    chosen_records = setting.canary if subset == "canaries" else ~setting.canary
    scores = compute(chosen, stage.scores).arrays["scores"][:, chosen_records]
    member = setting.member[:, chosen_records]
    inside, outside = scores[member], scores[~member]
    wins = (inside[:, None] > outside).mean() + 0.5 * (inside[:, None] == outside).mean()
    info = compute(chosen, stage).info
    assert info["auc"] == pytest.approx(wins)
    assert info["n_members"] == member.sum()
    assert info["n_nonmembers"] == (~member).sum()


def test_metrics_store_influences_and_what_intervals_are_over(plan, compute):
    chosen = plan(select="none and adaptive")
    for trial in chosen.trials:
        stage = trial.metrics[0]
        artifact = compute(chosen, stage)
        setting = compute(chosen, stage.setting).live
        scores = compute(chosen, stage.scores).arrays["scores"][:, ~setting.canary]
        expected = Influences.of(scores, setting.member[:, ~setting.canary])
        assert set(artifact.arrays) == {*expected.arrays(), "roc"}
        for name, psi in expected.arrays().items():
            np.testing.assert_array_equal(artifact.arrays[name], psi)
        over = {"lira": "models and records", "loss": "models"}[trial.attack]
        assert artifact.info["interval_over"] == over
        clustered = list(proportion_interval(artifact.info["auc"], expected.auc))
        assert (artifact.info["auc_ci"] == clustered) == (trial.attack == "lira")


def test_metrics_of_a_kind_are_of_its_canaries(plan, compute):
    kinds = 'canaries={ share = 0.3, kinds = ["mislabel", "twin"] }'
    chosen = plan(kinds, select="none and loss and adaptive")
    for stage in chosen.trials[0].metrics[1:]:
        setting = compute(chosen, stage.setting).live
        of_kind = setting.kind == stage.canary_kind
        scores = compute(chosen, stage.scores).arrays["scores"][:, of_kind]
        member = setting.member[:, of_kind]
        inside, outside = scores[member], scores[~member]
        wins = (inside[:, None] > outside).mean() + 0.5 * (inside[:, None] == outside).mean()
        info = compute(chosen, stage).info
        assert info["auc"] == pytest.approx(wins)
        assert info["n_members"] + info["n_nonmembers"] == 4 * of_kind.sum()


def test_thresholds_of_a_naive_adversary_come_from_undefended_shadows(plan):
    chosen = plan('defenses=["noisy"]', select="lira and naive")
    stage = chosen.trials[0].metrics[0]
    assert stage.shadow_scores.target is stage.scores.shadow
    assert stage.shadow_scores is not stage.scores


def test_a_release_of_the_private_records_themselves_is_perfectly_faithful(plan, compute):
    chosen = plan('defenses=["vae"]', select="loss and adaptive")
    release = chosen.trials[0].utility.fidelity.release
    untouched = replace(release, fit=None, latent_mechanisms=(), data_mechanisms=())
    info = compute(chosen, FidelityStage("identity", 0, untouched)).info
    assert info == {"column_fidelity": pytest.approx(1.0), "pairwise_fidelity": pytest.approx(1.0)}
    decoded = compute(chosen, chosen.trials[0].utility.fidelity).info
    assert decoded["column_fidelity"] < 0.9


def test_rows_have_the_share_of_gradients_that_dp_sgd_clips(plan, compute, config):
    own = "[defenses.clipped]\nmechanisms = [{ name = 'dp-sgd', epsilon = 1e6 }]\n"
    config.write_text(own + config.read_text(), encoding="utf-8")
    chosen = plan('defenses=["none", "clipped"]', "dp-sgd.max_grad_norm=0.001", select="loss")
    found = {}
    for trial in chosen.trials:
        facts = compute(chosen, trial.utility).info
        names = [w["name"] for w in compute(chosen, trial.warnings[0]).info["warnings"]]
        found[trial.defense] = facts["clipped_share"], "clipping-binds" in names
    assert found == {"none": (None, False), "clipped": (1.0, True)}
