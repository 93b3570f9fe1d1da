"""What differs between two runs: settings, versions and rows; differences are the second's less."""

import pytest

from privbench.report.differences import nothing_stored
from privbench.report.run_differences import Change, compare
from privbench.storage.results import Run


def run(rows, configuration=None, remark="", **environment):
    return Run("b", remark, "then", "later", 1.0, environment, configuration, rows)


def component(label, **params):
    return {"label": label, "name": label, "params": params}


def test_the_same_run_differs_in_nothing(rows):
    one = run(rows, {"models": [component("mlp", epochs=1)]}, commit="a")
    found = compare(one, one, nothing_stored)
    assert (found.settings, found.versions, found.changed) == ([], [], [])
    assert (found.n_same, found.only_first, found.only_second) == (len(rows), [], [])


def test_settings_differ_by_their_keys_and_components_by_their_labels(rows):
    first = run(rows, {"models": [component("mlp", epochs=1)], "pool": 5}, python="3.11", cpus=2)
    both = [component("cnn"), component("mlp", epochs=2)]
    second = run(rows, {"models": both, "pool": 5}, "mlp.epochs=2", python="3.12", cpus=2)
    found = compare(first, second, nothing_stored)
    assert found.settings == [
        Change("remark", "", "mlp.epochs=2"),
        Change("models.mlp.params.epochs", 1, 2),
        Change("models.cnn", None, component("cnn")),
    ]
    assert found.versions == [Change("python", "3.11", "3.12")]


def test_rows_are_matched_by_their_trials(row):
    first = [row(), row(attack="loss"), row(seed=1)]
    second = [row(attack="loss"), row(attack="loss", subset="canaries", canary_kind="twin"), row()]
    found = compare(run(first), run(second), nothing_stored)
    assert found.n_same == 2
    assert [r["seed"] for r in found.only_first] == [1]
    assert [r["canary_kind"] for r in found.only_second] == ["twin"]


def test_a_number_that_differs_has_the_interval_of_the_difference(row):
    """Unpaired it is wide: .05 and .05, the sum of both."""
    second = row(auc=0.79, auc_ci=[0.74, 0.84])
    (changed,) = compare(run([row()]), run([second]), nothing_stored).changed
    (number,) = changed.numbers
    assert (number.measure, number.first, number.second) == ("auc", 0.75, 0.79)
    assert number.difference.value == pytest.approx(0.04)
    assert number.difference.interval == pytest.approx((-0.06, 0.14))
    assert not number.difference.is_distinct
    assert not number.difference.paired


def paired(first, second, measure):
    return (0.01, 15) if measure == "auc" else None


def test_rows_with_the_same_members_are_paired(row):
    (changed,) = compare(run([row()]), run([row(auc=0.79)]), paired).changed
    (number,) = changed.numbers
    assert number.difference.paired
    assert number.difference.is_distinct
    assert number.to_json()["covers_0"] is False


@pytest.mark.parametrize("name", ["n_models", "n_members", "n_nonmembers", "n_public"])
def test_rows_with_other_members_or_pools_are_not(row, name):
    other = row(auc=0.79, **{name: 17})
    (changed,) = compare(run([row()]), run([other]), paired).changed
    assert not changed.numbers[0].difference.paired


def test_the_accuracy_of_models_is_said_once(row):
    first = [row(), row(attack="loss"), row(defense="dp-sgd")]
    second = [r | {"test_accuracy": 0.7} for r in first]
    found = compare(run(first), run(second), nothing_stored)
    assert [(one.row["attack"], one.row["defense"]) for one in found.changed] == [
        ("lira", "none"),
        ("lira", "dp-sgd"),
    ]
    assert {n.measure for n in found.numbers} == {"accuracy"}


def test_a_row_that_has_no_result_any_more(row):
    failed = row(status="failed", auc=None)
    (changed,) = compare(run([row()]), run([failed]), nothing_stored).changed
    assert changed.status == ("ok", "failed")
    assert {n.measure: (n.first, n.second) for n in changed.numbers} == {
        "auc": (0.75, None),
        "tpr": (0.1, None),
    }
    assert all(n.difference is None for n in changed.numbers)
    assert changed.numbers[0].to_json()["covers_0"] is None
