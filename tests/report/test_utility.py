"""The view of utility: intervals, paired differences and the trivial classifier."""

import numpy as np
import pytest

from privbench.report.difference_text import SIGN_NOTE, UNPAIRED_NOTE
from privbench.report.differences import Differences, errors_of
from privbench.report.utility import (
    BASELINE_NOTE,
    indistinct_note,
    summary_notes,
    utility_lines,
    utility_notes,
)


@pytest.fixture
def bits(rng):
    """Predictions of defenses: the second hardly differs from the first, the third is far worse."""
    none = rng.random((8, 300)) < 0.9
    near = np.where(rng.random((8, 300)) < 0.2, rng.random((8, 300)) < 0.9, none)
    return {"none": none, "near": near, "dp-sgd": rng.random((8, 300)) < 0.5}


@pytest.fixture
def rows(row, bits):
    return [
        row(
            defense=defense, utility_key=defense, n_test=300, test_accuracy=float(b.mean()),
            test_accuracy_ci=[b.mean() - 0.02, b.mean() + 0.02], majority_accuracy=0.55,
            majority_difference_ci=[b.mean() - 0.57, b.mean() - 0.53],
            test_balanced_accuracy=0.25, auc=0.7 if defense != "dp-sgd" else 0.6,
        )
        for defense, b in bits.items()
    ]  # fmt: skip


def paired_by(bits):
    def influence(row, measure):
        correct = bits[row["utility_key"]]
        return (correct - correct.mean()) / correct.size, True

    return Differences(errors_of(influence))


def lines_of(rows, bits):
    lines = utility_lines(rows, [], paired_by(bits))
    return {line["defense"]: line for line in lines}


def test_differences_that_contain_zero_have_a_sign(rows, bits):
    lines = lines_of(rows, bits)
    assert lines["near"]["minus\nnone"].startswith("≈ ")
    assert lines["dp-sgd"]["minus\nnone"].startswith("-.")
    assert lines["none"]["minus\nnone"] == "-"
    assert lines["none"]["minus dp-sgd\nat this AUC"].startswith("+.")
    assert lines["dp-sgd"]["minus dp-sgd\nat this AUC"] == "-"


def test_a_row_has_an_interval_and_balanced_accuracy(rows, bits):
    line = lines_of(rows, bits)["dp-sgd"]
    accuracy = bits["dp-sgd"].mean()
    low, high = (f"{accuracy + side * 0.02:.3f}"[1:] for side in (-1, 1))
    assert line["test acc.\n[95% CI]"] == f"{accuracy:.3f}"[1:] + f" [{low} {high}]"
    assert line["balanced\nacc."] == ".250"


def test_a_row_that_does_not_beat_the_most_frequent_class_is_named(rows, bits):
    notes = utility_notes(rows, list(lines_of(rows, bits).values()))
    assert notes[0] == (
        "always predicting the most frequent class has a test accuracy of .550;"
        " not above it (95%, paired): dp-sgd"
    )
    assert notes[1:] == [BASELINE_NOTE, SIGN_NOTE]


def test_neighbours_that_cannot_be_told_apart_are_named(rows, bits):
    note = indistinct_note(rows, paired_by(bits))
    assert note.endswith((": none and near", ": near and none"))


def test_without_artifacts_differences_are_unpaired_and_say_so(rows):
    lines = utility_lines(rows, [], Differences())
    texts = {line["defense"]: line["minus\nnone"] for line in lines}
    assert texts["near"].startswith("≈ ")
    assert texts["dp-sgd"].startswith("-.")
    assert all(texts[defense].endswith("]†") for defense in ("near", "dp-sgd"))
    assert utility_notes(rows, lines)[-1] == UNPAIRED_NOTE
    assert indistinct_note(rows, Differences()) == ""


def test_rows_of_earlier_versions_have_no_intervals(row):
    lines = utility_lines([row(), row(defense="dp-sgd")], [], Differences())
    assert lines[0]["test acc.\n[95% CI]"] == ".900"
    assert lines[1]["minus\nnone"] == "+.000"
    assert utility_notes([row()], lines) == [BASELINE_NOTE]
    assert indistinct_note([row(), row(defense="dp-sgd")], Differences()) == ""


def test_public_records_alone_are_compared_with(rows, bits, row):
    public = np.zeros((8, 300), dtype=bool)
    bits["public-only"] = public
    rows.append(
        row(defense="public-only", utility_key="public-only", n_test=300, test_accuracy=0.0)
    )
    assert lines_of(rows, bits)["near"]["minus\npublic-only"].startswith("+.")


def test_the_summary_names_what_is_no_better_than_the_most_frequent_class(rows):
    (note,) = summary_notes(rows, Differences())
    assert note == "no better than always predicting the most frequent class (95%, paired): dp-sgd"


def test_public_records_alone_are_at_no_exposure(rows, row, bits):
    bits["public-only"] = bits["none"]
    public = row(defense="public-only", utility_key="public-only", n_test=300, auc=0.65)
    assert lines_of([*rows, public], bits)["public-only"]["minus dp-sgd\nat this AUC"] == "-"


def test_errors_of_exposures_widen_the_difference_to_the_frontier(row, bits):
    """The frontier rises by 2 per unit of AUC; the AUC of the defense is uncertain by .05."""
    bits |= {"dp-sgd[1]": bits["dp-sgd"], "dp-sgd[2]": bits["none"]}

    def line(reach):
        points = (("near", 0.6, 0.9), ("dp-sgd[1]", 0.5, 0.5), ("dp-sgd[2]", 0.7, 0.9))
        rows = [
            row(
                defense=name, utility_key=name, n_test=300, auc=auc, test_accuracy=accuracy,
                auc_ci=[auc - reach * (name == "near"), auc + reach * (name == "near")],
            )
            for name, auc, accuracy in points
        ]  # fmt: skip
        text = lines_of(rows, bits)["near"]["minus dp-sgd\nat this AUC"]
        ends = text.partition("[")[2].rstrip("]").split()
        return [float(end) for end in ends]

    exact, uncertain = line(0.0), line(0.05)
    centre = 0.2
    for before, after in zip(exact, uncertain, strict=True):
        assert abs(after - centre) == pytest.approx(np.hypot(before - centre, 0.1), abs=2e-3)
