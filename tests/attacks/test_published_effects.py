"""Attacks in the setting in which their papers find them best, by the benchmarks that ship."""

from pathlib import Path

import pytest

import privbench

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[2] / "benchmarks.toml"


def rows_of(benchmark, folder, **options):
    """Return the rows of a benchmark on Location-30 by the name of the attack."""
    table = privbench.run(benchmark, config=CONFIG, results=folder, **options)
    if (table["status"] == "unavailable").any():
        pytest.skip("Location-30 is not there")
    assert (table["status"] == "ok").all()
    return {row["attack"]: row for row in table.to_dict("records")}


def tpr(row, fpr):
    return row["tpr_at_fpr"][fpr]["value"]


def test_pmia_is_best_of_those_without_shadows_trained_on_the_record(tmp_path):
    rows = rows_of("offline-attacks", tmp_path, set={"datasets": ["location30"]})
    ours = rows.pop("pmia[proxies=instance]")
    others = [row for name, row in rows.items() if not name.startswith("pmia")]
    assert len(others) == 6
    for row in others:
        assert tpr(ours, "0.01") > tpr(row, "0.01") + 0.03
        assert tpr(ours, "0.001") > tpr(row, "0.001") + 0.02
        assert ours["auc"] > row["auc"] + 0.005


def test_oslo_finds_more_at_a_low_fpr_by_one_query_than_others_by_two(tmp_path):
    rows = rows_of(
        "label-attacks",
        tmp_path,
        set={"datasets": ["location30"]},
        select="gap or 0.03 or copies=1 or copies=8",
    )
    ours = rows["oslo[threshold=0.03]"]
    assert ours["queries"] == 1
    assert tpr(ours, "0.01") > tpr(rows["gap"], "0.01") + 0.3
    assert tpr(ours, "0.01") > tpr(rows["label-only[copies=1]"], "0.01") + 0.2
    assert ours["auc"] > rows["gap"]["auc"] + 0.1
    assert ours["auc"] < rows["label-only[copies=8]"]["auc"]  # nine queries rank all records better
