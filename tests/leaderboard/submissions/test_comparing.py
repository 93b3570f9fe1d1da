"""What is compared of rows that were computed again, and how large a difference is allowed."""

from dataclasses import replace

import numpy as np

from privbench.leaderboard.submissions.checking import compare
from privbench.leaderboard.submissions.comparing import LEVEL, compare_secret_seeds
from privbench.leaderboard.submissions.rerun import Rerun
from privbench.report.curves import no_curves

N_MODELS = 16


def rows_of(rng, seeds, effects, shift=0.0, between=0.0):
    """Rows whose AUCs have the standard error .01, and vary between seeds by more if ``between``."""
    rows = []
    for seed in seeds:
        for i, effect in enumerate(effects):
            auc = effect + shift + rng.normal(0, np.hypot(0.01, between))
            reach = 0.01 * 2.1314  # Student's t with 15 degrees of freedom
            rows.append(
                {
                    "dataset": "d", "defense": f"x{i}", "model": "m", "attack": "a",
                    "knowledge": "adaptive", "subset": "records", "canary_kind": None, "seed": seed,
                    "status": "ok", "auc": auc, "auc_ci": [auc - reach, auc + reach],
                    "tpr_at_fpr": {"0.01": {"value": None, "ci": None}}, "test_accuracy": None,
                    "test_accuracy_ci": None, "n_models": N_MODELS,
                }
            )  # fmt: skip
    return rows


def refusals(n, **kwargs):
    """Share of n submissions of 8 rows with 3 seeds that two secret seeds refuse."""
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(n):
        effects = rng.uniform(0.5, 0.7, 8)
        between = kwargs.get("between", 0.0)
        content = {"rows": rows_of(rng, (0, 1, 2), effects, kwargs.get("shift", 0.0), between)}
        secret = rows_of(rng, (7, 8), effects, 0.0, between)
        rerun = Rerun([], secret, (7, 8), {}, {}, lambda *_: None, no_curves, {}, False)
        refused += any(not line.ok for line in compare_secret_seeds(content, rerun))
    return refused / n


def test_honest_submissions_are_refused_as_rarely_as_is_said():
    assert refusals(200) <= LEVEL + 3 * np.sqrt(LEVEL / 200)
    assert refusals(200, between=0.02) <= 0.05  # the ratio has 8 degrees of freedom


def test_numbers_that_are_too_good_are_refused():
    assert refusals(50, shift=-0.08) == 1.0


def test_wide_intervals_of_the_submitter_are_no_excuse():
    rng = np.random.default_rng(0)
    content = {"rows": rows_of(rng, (0,), [0.5], shift=-0.2)}
    for row in content["rows"]:
        row["auc_ci"] = [0.0, 1.0]
    rerun = Rerun(
        [], rows_of(rng, (7, 8), [0.5]), (7, 8), {}, {}, lambda *_: None, no_curves, {}, False
    )
    assert [line.ok for line in compare_secret_seeds(content, rerun)] == [False]


def test_another_machine_is_compared_within_intervals(content, computed):
    other = {**computed.environment, "python": "3.99"}
    elsewhere = replace(computed, environment=other)
    row = next(row for row in content["rows"] if row["status"] == "ok")
    row["auc"] += 0.001
    assert compare(content, computed).refused
    assert not compare(content, elsewhere).exact
    assert not compare(content, computed, other_machine=True).refused
    assert not compare(content, elsewhere).refused
    row["auc"] = row["auc_ci"][1] + 0.3
    assert compare(content, elsewhere).refused
    row["auc"] -= 0.301
    row["n_members"] += 1
    assert compare(content, elsewhere).refused  # it has no interval
