"""Differences between rows: paired by what is stored, unpaired without, and over seeds."""

import numpy as np
import pytest

from privbench.errors import BadInput
from privbench.metrics.accuracy import accuracy, accuracy_difference
from privbench.metrics.differences import Difference, difference_error
from privbench.report.difference_text import SIGN_NOTE, UNPAIRED_NOTE
from privbench.report.difference_view import difference_tables
from privbench.report.differences import Differences, errors_of, stored_in
from privbench.report.seeds import combine_seeds
from privbench.storage.artifacts import Artifact, Store

SHAPE = (6, 50)


@pytest.fixture
def influences(rng):
    """The influences of three defenses, by the key of their metrics."""
    return {f"of-{k}": rng.normal(size=SHAPE).astype(np.float32) / 300 for k in "abc"}


@pytest.fixture
def bits(rng):
    """What three defenses predict correctly, by the key of their utility."""
    return {key: rng.random(SHAPE) < p for key, p in (("a", 0.9), ("b", 0.6), ("c", 0.5))}


@pytest.fixture
def rows_of(row, bits):
    return {
        key: row(
            defense=key, utility_key=key, metrics_key=f"of-{key}", n_test=SHAPE[1], n_models=SHAPE[0],
            test_accuracy=float(correct.mean()), test_accuracy_ci=list(accuracy(correct)[1]),
            auc=auc, auc_ci=[auc - 0.1, auc + 0.05], tpr=auc / 2,
        )
        for (key, correct), auc in zip(bits.items(), (0.8, 0.6, 0.5), strict=True)
    }  # fmt: skip


@pytest.fixture
def store(tmp_path, influences, bits):
    store = Store(tmp_path)
    for key in "abc":
        arrays = {
            "auc_influence": influences[f"of-{key}"],
            "tpr_influence_0.01": 2 * influences[f"of-{key}"],
        }
        over = "models" if key == "a" else "models and records"
        metrics = Artifact(arrays, info={"interval_over": over})
        store.save("metrics", f"of-{key}", metrics, seconds=0.0, provenance={})
        utility = Artifact({"test_correct": np.packbits(bits[key], axis=1)})
        store.save("utility", key, utility, seconds=0.0, provenance={})
    return store


@pytest.fixture
def differences(store):
    return Differences(stored_in(store))


def test_accuracies_are_paired_by_what_is_stored(rows_of, bits, differences):
    found = differences.between(rows_of["a"], rows_of["b"], "accuracy")
    value, interval = accuracy_difference(bits["a"], bits["b"])
    assert found.paired
    assert found.value == pytest.approx(value)
    assert found.interval == pytest.approx(interval)


def test_exposures_are_paired_by_influences(rows_of, influences, differences):
    found = differences.between(rows_of["b"], rows_of["c"], "auc")
    error, degrees = difference_error(influences["of-b"], influences["of-c"], of_records=True)
    assert found == Difference(pytest.approx(0.1), pytest.approx(error), degrees)
    assert differences.between(rows_of["b"], rows_of["c"], "tpr") == Difference(
        pytest.approx(0.05), pytest.approx(2 * error), degrees
    )


def test_records_are_a_sample_if_one_of_both_attacks_has_shadows(rows_of, influences, differences):
    found = differences.between(rows_of["a"], rows_of["b"], "auc")
    error, _ = difference_error(influences["of-a"], influences["of-b"], of_records=True)
    assert found.error == pytest.approx(error)


def test_without_shadows_records_are_as_given(rows_of, influences):
    alone = errors_of(lambda row, measure: (influences[row["metrics_key"]], False))
    found = Differences(alone).between(rows_of["a"], rows_of["b"], "auc")
    error, _ = difference_error(influences["of-a"], influences["of-b"], of_records=False)
    assert found.error == pytest.approx(error)


@pytest.mark.parametrize("measure", ["auc", "accuracy"])
def test_without_artifacts_the_errors_of_both_rows_add_up(rows_of, measure):
    found = Differences().between(rows_of["a"], rows_of["b"], measure)
    name = "auc" if measure == "auc" else "test_accuracy"
    reaches = [
        max(r[name] - r[f"{name}_ci"][0], r[f"{name}_ci"][1] - r[name])
        for r in (rows_of["a"], rows_of["b"])
    ]
    assert not found.paired
    assert found.value - found.interval[0] == pytest.approx(sum(reaches))


def test_rows_without_values_or_intervals_have_no_difference(row, rows_of, differences):
    assert Differences().between(row(), row(), "accuracy") is None  # a row of an earlier version
    unresolved = rows_of["b"] | {"tpr_at_fpr": {"0.01": {"value": None, "ci": None}}}
    assert differences.between(rows_of["a"], unresolved, "tpr") is None


def test_other_numbers_of_models_are_not_paired(rows_of, influences):
    influences["of-b"] = influences["of-b"][:3]
    errors = errors_of(lambda row, measure: (influences[row["metrics_key"]], True))
    assert not Differences(errors).between(rows_of["a"], rows_of["b"], "auc").paired


def test_what_is_not_stored_is_not_known(rows_of, store, row):
    errors = stored_in(store)
    for other in (row(), row(metrics_key="other", utility_key="other", n_test=50)):
        for measure in ("auc", "tpr", "accuracy"):
            assert errors(rows_of["a"], other, measure) is None


def test_a_mixture_is_the_weighted_mean_of_its_rows(rows_of, bits, differences):
    found = differences.to_mixture(rows_of["a"], [(rows_of["b"], 0.25), (rows_of["c"], 0.75)])
    value, interval = accuracy_difference(bits["a"], 0.25 * bits["b"] + 0.75 * bits["c"])
    assert found.value == pytest.approx(value)
    assert found.interval == pytest.approx(interval, abs=0.02)


def seeds_of(rows_of, n_seeds, rng):
    """Rows of several seeds, and the influences behind them."""
    psi, rows = {}, []
    for seed in range(n_seeds):
        for key, first in rows_of.items():
            name = f"{key}{seed}"
            psi[name] = rng.normal(size=SHAPE) / 300
            rows.append(
                first | {"seed": seed, "metrics_key": name, "auc": first["auc"] + seed / 50}
            )
    return rows, errors_of(lambda row, measure: (psi[row["metrics_key"]], True))


def test_over_seeds_it_is_the_mean_of_the_differences_of_each(rows_of, rng):
    rows, errors = seeds_of(rows_of, 3, rng)
    a, b, _ = combine_seeds(rows)
    found = Differences(errors).between(a, b, "auc")
    each = [errors(rows[i], rows[i + 1], "auc")[0] for i in (0, 3, 6)]
    assert found.value == pytest.approx(0.2)
    assert found.error == pytest.approx(np.linalg.norm(each) / 3)
    assert found.degrees == 15
    assert len(Differences(errors).per_seed(a, b, "auc")) == 3


def test_only_seeds_that_both_rows_have_count(rows_of, rng):
    rows, errors = seeds_of(rows_of, 3, rng)
    a, b, _ = combine_seeds([row for row in rows if row["metrics_key"] != "b1"])
    found = Differences(errors).per_seed(a, b, "auc")
    assert [d.error for d in found] == [errors(rows[i], rows[i + 1], "auc")[0] for i in (0, 6)]


def test_the_view_has_a_line_for_each_other_defense(rows_of, differences):
    (table,) = difference_tables(list(rows_of.values()), differences, "b")
    assert [line["defense"] for line in table.lines] == ["a", "c"]
    assert "+.200 [" in table.lines[0]["AUC\n[95% CI]"]
    assert "-.050 [" in table.lines[1]["TPR at 1% FPR\n[95% CI]"]
    assert "test accuracy\n[95% CI]" in table.lines[0]


def test_the_view_marks_what_cannot_be_told_apart_and_what_is_unpaired(rows_of):
    rows_of["b"]["auc"] = 0.79
    (table,) = difference_tables(list(rows_of.values()), Differences(), "a")
    assert table.lines[0]["AUC\n[95% CI]"].startswith("≈ -.010 [")
    assert table.lines[0]["AUC\n[95% CI]"].endswith("]†")
    assert {SIGN_NOTE, UNPAIRED_NOTE} <= set(table.notes)


def test_attacks_are_compared_on_the_same_defense_with_the_same_knowledge(rows_of):
    rows = [
        row | {"attack": attack, "knowledge": knowledge, "auc": row["auc"] + better}
        for row in rows_of.values()
        for attack, better in (("loss", 0.0), ("rmia", 0.07))
        for knowledge in ("adaptive", "naive")
    ]
    (table,) = difference_tables(rows, Differences(lambda *_: (0.01, 15)), "loss")
    names = [(line["defense"], line["attack"], line["knowledge"]) for line in table.lines]
    assert names == [(d, "rmia", k) for d in "abc" for k in ("adaptive", "naive")]
    assert all(line["AUC\n[95% CI]"] == "+.070 [+.049 +.091]" for line in table.lines)
    assert "test accuracy\n[95% CI]" not in table.lines[0]


def test_without_a_baseline_defenses_are_compared_with_none_or_else_the_first(rows_of):
    rows = list(rows_of.values())
    (table,) = difference_tables(rows, Differences())
    assert [line["defense"] for line in table.lines] == ["b", "c"]
    named = [row | {"defense": row["defense"].replace("b", "none")} for row in rows]
    (table,) = difference_tables(named, Differences())
    assert [line["defense"] for line in table.lines] == ["a", "c"]


def test_an_unknown_baseline_is_bad_input(rows_of):
    with pytest.raises(BadInput, match=r"--baseline 'x' \(allowed: a, b, c, lira\)"):
        difference_tables(list(rows_of.values()), Differences(), "x")
