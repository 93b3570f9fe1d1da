"""The stages of warnings: which rows they are about, and what they read."""

import numpy as np
import pytest

from privbench.stages import ComparisonStage


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
    found = row(select, 'defenses=["none", "noisy"]', *overrides)
    assert [name for name in found if name != "guarantee-allows-all"] == expected
    assert ("guarantee-allows-all" in found) == ("noisy" in select)  # an epsilon of 35


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


def test_a_naive_attack_that_is_stronger_is_in_the_adaptive_row(plan, compute, monkeypatch):
    chosen = plan('defenses=["noisy"]', "population=12", select="lira")
    adaptive, naive = chosen.trials
    setting = compute(chosen, adaptive.comparisons[0].adaptive.setting).live
    right = {"scores": setting.member + np.random.default_rng(0).random(setting.member.shape)}
    stage = adaptive.comparisons[0]
    artifacts = {
        naive.metrics[0].scores: right,
        adaptive.metrics[0].scores: {"scores": -right["scores"]},
    }

    class Known:
        def get(self, stage):
            if stage not in artifacts:
                return compute(chosen, stage)
            return type("Artifact", (), {"arrays": artifacts[stage]})

    (warning,) = stage.compute(Known()).info["warnings"]
    assert warning["name"] == "naive-is-stronger"
    artifacts = {s: {"scores": -a["scores"]} for s, a in artifacts.items()}
    assert stage.compute(Known()).info["warnings"] == []


def test_attacks_on_released_data_know_nothing_of_outputs(plan, compute):
    chosen = plan('defenses=["vae"]', 'attacks=["dcr"]', select="adaptive")
    trial = chosen.trials[0]
    assert trial.warnings[0].traits is None
    assert trial.queries is None
    assert compute(chosen, trial.warnings[0]).info == {"warnings": []}
