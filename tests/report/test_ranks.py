"""Ranks of defenses in the summary."""

import numpy as np
import pytest

from privbench.report.differences import Differences
from privbench.report.ranks import ranks
from privbench.report.seeds import combine_seeds
from privbench.report.views import RANK, summary


def known(error):
    """Differences with this paired error."""
    return Differences(lambda first, second, measure: (error, 15))


@pytest.fixture
def rows(row):
    return [row(defense=name, auc=auc) for name, auc in (("a", 0.9), ("b", 0.52), ("c", 0.5))]


def test_the_least_exposed_defense_has_rank_1(rows):
    assert ranks(rows, known(1e-4)) == {"a": (3, 3), "b": (2, 2), "c": (1, 1)}


def test_defenses_that_cannot_be_told_apart_share_ranks(rows):
    assert ranks(rows, known(0.02)) == {"a": (3, 3), "b": (1, 2), "c": (1, 2)}
    table = summary(rows, known(0.02))[0]
    assert [line[RANK] for line in table.lines] == ["3", "1-2", "1-2"]
    (note,) = [note for note in table.notes if note.startswith("rank: ")]
    assert "the AUC of the best attack (uncorrected) on records" in note


def test_ranks_are_of_auto_where_it_was_run(rows, row):
    auto = [row(defense=r["defense"], attack="auto", auc=1 - r["auc"]) for r in rows]
    table = summary([*rows, *auto], known(1e-4))[0]
    assert [line[RANK] for line in table.lines] == ["1", "2", "3"]
    assert any("the AUC of auto on records" in note for note in table.notes)


def test_without_what_pairs_them_or_others_there_are_no_ranks(rows):
    assert ranks(rows, Differences()) == {}
    assert ranks(rows[:1], known(0.01)) == {}
    assert RANK not in summary(rows)[0].lines[0]


def test_a_defense_that_failed_has_no_rank(rows, row):
    failed = row(defense="d", status="failed", reason="broken", auc=None)
    assert "d" not in ranks([*rows, failed], known(0.01))
    assert len(ranks([*rows, failed], known(0.01))) == 3


def test_attacks_on_canaries_and_on_released_data_do_not_count(rows, row):
    others = [row(defense="c", subset="canaries", auc=0.99),
              row(defense="c", observes="synthetic", auc=0.99)]  # fmt: skip
    assert ranks([*rows, *others], known(1e-4)) == ranks(rows, known(1e-4))


def test_more_seeds_separate_more(rows, rng):
    """With an error of .01, b and c differ by two of them; over 9 seeds by six."""
    seeds = [r | {"seed": s, "auc": r["auc"] + s / 100} for s in range(9) for r in rows]
    assert ranks(rows, known(0.01))["c"] == (1, 2)
    assert ranks(combine_seeds(seeds), known(0.01))["c"] == (1, 1)


def test_variance_between_seeds_separates_less(rows, rng):
    noise = {name: rng.normal(size=9) / 20 for name in "abc"}
    seeds = [
        r | {"seed": s, "auc": float(np.clip(r["auc"] + noise[r["defense"]][s], 0, 1))}
        for s in range(9) for r in rows
    ]  # fmt: skip
    assert ranks(combine_seeds(seeds), known(0.01))["c"] == (1, 2)
