"""Trials are finished as soon as all stages of their rows are done, against a slow reference."""

from dataclasses import dataclass

import numpy as np
import pytest

from privbench.finishing import UnfinishedTrials


@dataclass(frozen=True)
class FakeStage:
    key: str


@dataclass(frozen=True)
class FakeTrial:
    results: tuple[FakeStage, ...]


@pytest.mark.parametrize("seed", range(5))
def test_as_if_all_trials_were_looked_at_after_each_stage(seed):
    rng = np.random.default_rng(seed)
    stages = [FakeStage(str(i)) for i in range(12)]
    trials = tuple(
        FakeTrial(tuple(stages[i] for i in rng.choice(12, rng.integers(0, 4), replace=False)))
        for _ in range(30)
    )
    done = set(stages[:2])
    unfinished = UnfinishedTrials(trials, lambda stage: stage in done)
    waiting = dict(enumerate(trials))

    def reference():
        found = [i for i, trial in waiting.items() if done.issuperset(trial.results)]
        return [(i, waiting.pop(i)) for i in found]

    assert list(unfinished.finished()) == reference()
    for stage in rng.permutation(stages[2:10]):
        done.add(stage)
        assert list(unfinished.finished_by(stage)) == reference()
    assert waiting
    assert list(unfinished.rest()) == list(waiting.items())
    assert not list(unfinished.rest())


def test_a_stage_that_is_done_is_not_looked_up_again():
    stage = FakeStage("shared")
    asked = []
    trials = tuple(FakeTrial((stage,)) for _ in range(100))
    unfinished = UnfinishedTrials(trials, lambda one: asked.append(one) or True)
    assert len(list(unfinished.finished())) == 100
    assert asked == [stage]
