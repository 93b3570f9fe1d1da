"""The view of single records, and what the view of attacks shows of them."""

from privbench.report.formats import render
from privbench.report.views import attacks, records

RISK = {
    "mean_auc": 0.6,
    "max_auc": 1.0,
    "max_by_chance": 0.93,
    "n_exposed": 12,
    "n_records": 200,
    "comparisons": 48.0,
    "most_exposed": [{"record": n, "auc": 1 - n / 100} for n in (7, 3, 9, 11, 2, 5)],
}


def test_a_line_shows_the_most_exposed_records_and_what_is_due_to_chance(row):
    auto = [row(attack="auto", knowledge=knowledge) for knowledge in ("adaptive", "naive")]
    (table,) = records([row(record_risk=RISK), *auto])
    (line,) = table.lines
    assert line == {
        "subset": "records", "defense": "none", "attack": "lira",
        "mean\nAUC": ".600", "largest\nAUC": "1.000", "by\nchance": ".930",
        "stand\nout": "12 of 200", "most exposed": "7, 3, 9, 11, 2",
    }  # fmt: skip
    assert any("drawn anew" in note for note in table.notes)
    assert any(note.startswith("auto: no AUCs of records") for note in table.notes)


def test_without_any_aucs_of_records_there_is_the_note_alone(row):
    text = render([row()], "table", "records")
    assert "lira: no AUCs of records" in text


def test_failed_trials_are_notes(row):
    (table,) = records([row(record_risk=RISK), row(status="failed", reason="scores: NaN")])
    assert len(table.lines) == 1
    assert any("scores: NaN" in note for note in table.notes)


def test_the_view_of_attacks_has_calibrated_tpr_and_precision_where_there_are_any(row):
    (table,) = attacks([row()])
    assert not {h for h in table.lines[0] if "calibrated" in h or "precision" in h}
    assert table.notes == ()
    rate = {"value": 0.05, "ci": [0.04, 0.06], "resolved": True}
    precision = {"prior": 0.01, "0.01": {"value": 0.25, "tpr": 0.3, "fpr": 0.01}}
    (table,) = attacks([row(calibrated_tpr_at_fpr={"0.01": rate}, precision=precision)])
    assert table.lines[0]["calibrated TPR\nadaptive"] == ".050"
    assert table.lines[0]["precision\nadaptive"] == ".250"
    assert len(table.notes) == 2
