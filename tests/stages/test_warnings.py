"""The stages of warnings: which rows they are about, and what they read."""

import numpy as np
import pytest

from privbench.metrics import Influences, auc
from privbench.stages import ComparisonStage
from privbench.storage.artifacts import Artifact


@pytest.fixture
def row(plan, compute):
    """Compute the warnings of the first row of a selection, and of its comparison if it has one."""

    def of(select, *overrides):
        chosen = plan(*overrides, select=select)
        trial = chosen.trials[0]
        stages = [trial.warnings[0], *trial.comparisons[:1]]
        return [w["name"] for stage in stages for w in compute(chosen, stage).info["warnings"]]

    return of


def test_noise_is_seen_to_be_random_and_other_outputs_are_not(plan, compute):
    chosen = plan('defenses=["noisy", "none"]', select="loss and adaptive")
    noisy, none = (trial.warnings[0].traits for trial in chosen.trials)
    assert compute(chosen, noisy).info["random"] > 0.9
    assert compute(chosen, none).info["random"] == 0
    for stage, trial in zip((noisy, none), chosen.trials, strict=True):
        assert stage.outputs is trial.metrics[0].scores.target


@pytest.mark.parametrize(
    ("select", "overrides", "expected"),
    [
        ("none and loss and adaptive", (), []),
        ("none and lira and adaptive", (), ["few-shadows"]),  # 4 models
        ("noisy and loss and adaptive", (), ["random-outputs"]),
        ("noisy and lira", ("lira.queries_per_record=2",), ["few-shadows"]),
    ],
)
def test_warnings_concern_the_attack(row, select, overrides, expected):
    found = row(select, 'defenses=["none", "noisy"]', "seeds=[1]", *overrides)
    assert [name for name in found if name != "guarantee-allows-all"] == expected
    assert ("guarantee-allows-all" in found) == ("noisy" in select)  # an epsilon of 35


def test_copies_are_told_of_records_and_not_of_canaries(plan, compute, blobs):
    with np.load(blobs) as arrays:
        thrice = {name: np.repeat(array[:60], 3, axis=0) for name, array in arrays.items()}
    np.savez(blobs, **thrice)
    for overrides, expected in (((), 1), (("npz.duplicates=drop",), 0)):
        chosen = plan("mlp.epochs=1", *overrides, select="none and loss")
        records, canaries = (
            [w["name"] for w in compute(chosen, stage).info["warnings"]]
            for stage in chosen.trials[0].warnings[:2]
        )
        assert records.count("repeated-records") == expected
        assert "repeated-records" not in canaries


def test_an_adaptive_row_is_compared_with_the_naive_one_if_both_are_selected(plan):
    both = plan('defenses=["none", "noisy"]')
    for trial in both.trials:
        compared = trial.defense == "noisy" and trial.knowledge == "adaptive"
        assert len(trial.comparisons) == 2 * compared  # undefended, both are the same
        for stage, metrics in zip(trial.comparisons, trial.metrics, strict=False):
            assert stage.adaptive is metrics
            assert stage.naive.scores.shadow is stage.naive.scores.target.bare
            assert stage.naive.scores.attack is metrics.scores.attack
    alone = plan('defenses=["noisy"]', select="adaptive")
    assert not any(isinstance(stage, ComparisonStage) for stage in alone.stages)


def test_a_naive_attack_that_is_stronger_is_in_the_adaptive_row(plan, compute):
    chosen = plan('defenses=["noisy"]', "population=12", select="lira")
    stage = chosen.trials[0].comparisons[0]
    member = compute(chosen, stage.adaptive.setting).live.member
    right = member + np.random.default_rng(0).random(member.shape)

    def compared(adaptive, naive):
        """Return the warnings if the two attacks had these scores."""

        class Known:
            def get(self, metrics):
                scores = {stage.adaptive: adaptive, stage.naive: naive}[metrics]
                info = {"auc": auc(scores, member), "interval_over": "models and records"}
                return Artifact(Influences.of(scores, member).arrays(), info)

        return [w["name"] for w in stage.compute(Known()).info["warnings"]]

    assert compared(-right, right) == ["naive-is-stronger"]
    assert compared(right, -right) == []


def test_attacks_on_released_data_know_nothing_of_outputs(plan, compute):
    chosen = plan('defenses=["vae"]', 'attacks=["dcr"]', select="adaptive")
    trial = chosen.trials[0]
    assert trial.warnings[0].traits is None
    assert trial.queries is None
    assert compute(chosen, trial.warnings[0]).info == {"warnings": []}
