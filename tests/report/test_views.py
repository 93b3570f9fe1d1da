"""What the views choose to show."""

from functools import partial

from privbench.report.audits import AUDITED, VERDICT
from privbench.report.views import attacks, every_row, summary, utility

from .conftest import DP


def cells(block, defense):
    return next(line for line in block.lines if line["defense"] == defense)


def audited(rows):
    line = summary(rows)[0].lines[0]
    return line[AUDITED], line.get(VERDICT)


def test_summary_has_a_line_a_defense_with_its_strongest_attack(rows):
    (block,) = summary(rows)
    assert [line["defense"] for line in block.lines] == ["none", "dp-sgd"]
    none = cells(block, "none")
    assert none["attack"] == "lira*"
    assert none["test\nacc."] == ".900"
    assert none["gap"] == ".100"
    assert none["AUC\n[95% CI]"] == ".750 [.700 .800]"
    assert none["naive\nAUC"] == ".740"
    assert none["canaries\nTPR at 1% FPR"] == ".950 [.475 1.050]"
    assert none["guarantee"] == "-"


def test_a_naive_attack_that_does_better_is_named_so(rows):
    (block,) = summary(rows)
    line = cells(block, "dp-sgd")
    assert line["attack"] == "lira, naive*"
    assert line["AUC\n[95% CI]"].startswith(".530")


def test_each_number_is_that_of_the_attack_that_does_best_in_it(row):
    rows = [
        row(attack="lira", auc=0.55, tpr=0.04),
        row(attack="loss", auc=0.6, tpr=0.02),
        row(attack="lira", auc=0.52, tpr=0.03, knowledge="naive"),
        row(attack="loss", auc=0.54, tpr=None, knowledge="naive"),
    ]
    line = cells(summary(rows)[0], "none")
    assert line["attack"] == "loss*"
    assert line["AUC\n[95% CI]"].startswith(".600")
    assert line["TPR at 1% FPR\n[95% CI]"].startswith(".040")
    assert (line["naive\nAUC"], line["naive\nTPR"]) == (".540", ".030")


def test_auto_is_named_even_where_another_attack_found_more_on_the_target(row):
    """It is chosen beforehand, and the largest of many is not."""
    rows = [
        row(attack="loss", auc=0.6, tpr=0.2),
        row(attack="auto", auc=0.58, tpr=0.1),
        row(attack="auto", auc=0.59, tpr=0.3, knowledge="naive"),
        row(attack="loss", auc=0.7, tpr=0.4, knowledge="naive"),
        row(attack="loss", auc=0.9, tpr=0.9, subset="canaries"),
        row(attack="auto", auc=0.8, tpr=0.8, subset="canaries"),
    ]
    table = summary(rows)[0]
    line = cells(table, "none")
    assert line["attack"] == "auto"
    assert (line["AUC\n[95% CI]"][:4], line["TPR at 1% FPR\n[95% CI]"][:4]) == (".580", ".100")
    assert (line["naive\nAUC"], line["naive\nTPR"]) == (".590", ".300")
    assert line["canaries\nTPR at 1% FPR"].startswith(".800")
    assert not any(note.startswith("*") for note in table.notes)


def test_without_auto_the_largest_of_several_is_said_to_be_one(row):
    rows = [row(attack="loss"), row(), row(knowledge="naive"), row(defense="other")]
    table = summary(rows)[0]
    names = [line["attack"] for line in table.lines]
    assert names == ["lira*", "lira"] or names == ["loss*", "lira"]
    (note,) = [note for note in table.notes if note.startswith("*")]
    assert "largest of up to 3 attacks" in note
    failed = row(attack="auto", status="failed", reason="broken", auc=None)
    assert cells(summary([*rows, failed])[0], "none")["attack"].endswith("*")


def test_warnings_are_marks_that_the_notes_explain(row):
    random = {"name": "random-outputs", "text": "outputs are random (100%)"}
    ties = {"name": "tied-outputs", "text": "many (50%)"}
    rows = [row(warnings=[ties]), row(attack="loss", warnings=[random, ties]), row(defense="x")]
    table = summary(rows)[0]
    assert [line["warnings"] for line in table.lines] == ["RT", "-"]
    assert [note[:3] for note in table.notes if note[1] == ":"] == ["*: ", "R: ", "T: "]
    (table,) = attacks([row(warnings=[ties]), row(knowledge="naive", warnings=[random])])
    assert [line["warnings"] for line in table.lines] == ["RT"]
    assert "warnings" not in summary([row(warnings=[])])[0].lines[0]
    assert "warnings" not in attacks([row()])[0].lines[0]


def test_of_equal_values_the_surer_one_is_shown(row):
    sure = {"0.001": None, "0.01": {"value": 1.0, "ci": [0.9, 1.0], "resolved": True}}
    vague = {"0.001": None, "0.01": {"value": 1.0, "ci": [0.1, 1.0], "resolved": True}}
    rows = [row(attack="loss", tpr_at_fpr=vague), row(attack="lira", tpr_at_fpr=sure)]
    assert cells(summary(rows)[0], "none")["TPR at 1% FPR\n[95% CI]"] == "1.000 [.900 1.000]"


def test_attacks_on_released_data_stand_apart(row):
    rows = [row(auc=0.6), row(attack="dcr", observes="synthetic", auc=0.9, tpr=0.8)]
    line = cells(summary(rows)[0], "none")
    assert (line["attack"], line["AUC\n[95% CI]"][:4]) == ("lira", ".600")
    assert line["TPR at 1% FPR\n[95% CI]"].startswith(".100")
    assert line["data\nAUC"] == ".900"
    assert "data\nAUC" not in summary(rows[:1])[0].lines[0]


def test_what_is_not_there_and_what_is_unresolved_are_told_apart(rows):
    line = cells(summary(rows)[0], "dp-sgd")
    assert line["naive\nTPR"] == "unresolved"
    assert line["canaries\nTPR at 1% FPR"] == "-"


def test_a_guarantee_comes_with_its_conditions(rows):
    (block,) = summary(rows)
    assert cells(block, "dp-sgd")["guarantee"] == "ε=7.99 [1]"
    note = "[1] dp, δ=1e-05, add-remove, prv (Opacus), if Poisson sampling"
    assert note in block.notes


def test_epsilon_of_replacing_a_record_stands_in_brackets(row):
    """At the delta of audits, where it is known there and differs from the guarantee's."""
    pure = {"epsilon": 1.0, "delta": 0.0}
    cases = [
        ({"profile": [[13.123, 1e-5]]}, "ε=7.99 (13.1) [1]"),
        ({"delta": 1e-7, "profile": [[15.1, 1e-7], [13.123, 1e-5]]}, "ε=7.99 (13.1) [1]"),
        (pure, "ε=1 (2) [1]"),
        (pure | {"epsilon": 0.0}, "ε=0 [1]"),
        (pure | {"adjacency": "replace-one"}, "ε=1 [1]"),
        (pure | {"covers": "labels"}, "ε=1 [1]"),
        ({}, "ε=7.99 [1]"),  # by group privacy delta is .03
    ]
    for changes, shown in cases:
        (block,) = summary([row(guarantee=DP | changes)])
        assert block.lines[0]["guarantee"] == shown
        explained = [note for note in block.notes if note.startswith("guarantee: in brackets")]
        assert len(explained) == ("(" in shown)


def test_an_older_row_is_shown_as_before(row):
    """Its conditions are texts."""
    structured = {"text": "trust", "met": False, "why": "none", "name": ""}
    for stored in ("trust (not so here: none)", structured):
        (block,) = summary([row(guarantee=DP | {"conditions": [stored]})])
        assert block.notes[0].endswith("prv (Opacus), if trust (not so here: none)")


def test_guarantees_that_differ_in_epsilon_only_share_a_note(row):
    rows = [row(defense=f"dp-{e}", guarantee=DP | {"epsilon": e}) for e in (2.0, 4.0)]
    (block,) = summary(rows)
    assert [line["guarantee"] for line in block.lines] == ["ε=2 [1]", "ε=4 [1]"]
    assert len(block.notes) == 1


def test_a_metric_guarantee_names_the_distance(row):
    metric = DP | {"kind": "metric-dp", "epsilon": 8.0, "delta": 0.0, "adjacency": "local"}
    (block,) = summary([row(guarantee=metric)])
    assert block.lines[0]["guarantee"] == "ε=8·d [1]"


def test_the_audit_is_of_attacks_on_what_the_guarantee_covers(row):
    """An attack on the data that DP-SGD trains on proves nothing against DP-SGD."""
    row = partial(row, guarantee=DP)
    on_data = row(attack="dcr", audited_epsilon=4.0)
    on_model = [row(audited_epsilon=e, verdict=v) for e, v in ((0.5, "consistent"), (None, None))]
    assert audited([on_data, *on_model]) == ("0.50", "consistent")
    refuted = row(attack="loss", audited_epsilon=2.0, verdict="refuted")
    assert audited([on_data, *on_model, refuted]) == ("2.00", "refuted")
    assert audited([on_data]) == ("4.00", None)


def test_without_a_guarantee_of_the_whole_only_a_refuted_part_is_shown(row):
    """The released data have a guarantee, and the whole pipeline has none."""
    rows = [row(audited_epsilon=0.5, verdict="consistent"), row(audited_epsilon=0.7)]
    assert audited(rows) == ("0.70", None)
    rows.append(row(audited_epsilon=0.6, verdict="refuted"))
    assert audited(rows) == ("0.60", "refuted")


def test_why_there_is_no_guarantee_is_a_note(row):
    (block,) = summary([row(reason="metric privacy does not compose")])
    assert block.lines[0]["guarantee"] == "[1]"
    assert block.notes == ("[1] metric privacy does not compose",)


def test_a_failed_trial_is_noted_with_its_reason(rows):
    assert "dp-sgd / loss: failed: scores: NaN" in summary(rows)[0].notes


def test_trials_with_one_reason_share_a_note(row):
    failed = [row(attack=name, status="failed", reason="broken") for name in "abc"]
    (block,) = summary(failed)
    assert block.notes == ("none / a, none / b and 1 more: failed: broken",)
    assert block.lines == [{"defense": "none", "attack": "(failed)"}]


def test_attacks_puts_adaptive_beside_naive_and_records_first(rows):
    (block,) = attacks(rows)
    assert [line["subset"] for line in block.lines] == ["records"] * 3 + ["canaries"]
    first = block.lines[0]
    assert (first["AUC\nadaptive"][:4], first["AUC\nnaive"][:4]) == (".750", ".740")


def test_an_adversary_that_was_not_asked_for_has_no_columns(row):
    (block,) = attacks([row(), row(attack="loss")])
    assert "AUC\nadaptive" in block.lines[0]
    assert not any("naive" in column for column in block.lines[0])


def test_datasets_models_and_seeds_get_blocks_of_their_own(row):
    found = summary([row(), row(seed=1), row(dataset="mnist"), row(model="cnn"), row()])
    assert [block.title for block in found] == [
        "small: digits, mlp, 16 models, seed 0",
        "small: digits, mlp, 16 models, seed 1",
        "small: mnist, mlp, 16 models, seed 0",
        "small: digits, cnn, 16 models, seed 0",
    ]


def test_rows_are_shown_whole_and_unrounded(row):
    (block,) = every_row([row(auc=0.123456789)])
    assert block.lines[0]["auc"] == "0.123456789"
    assert block.lines[0]["guarantee"] == ""


def test_the_view_compares_at_equal_exposure(row):
    rows = [
        row(auc=0.6, test_accuracy=0.9, column_fidelity=0.97, pairwise_fidelity=0.9),
        row(auc=0.99, tpr=0.5, subset="canaries", test_accuracy=0.9),
        row(auc=0.8, attack="dcr", observes="synthetic", test_accuracy=0.9),
        row(defense="dp-sgd[epsilon=1]", auc=0.5, test_accuracy=0.3),
        row(defense="dp-sgd[epsilon=9]", auc=0.7, test_accuracy=0.5),
        row(defense="dp-sgd[epsilon=9]", subset="canaries", tpr=0.7, test_accuracy=0.5),
    ]
    (table,) = utility(rows)
    none, *private = table.lines
    assert none == {
        "defense": "none",
        "test acc.\n[95% CI]": ".900",
        "minus\nnone": "-",
        "AUC": ".600",
        "dp-sgd at\nthis AUC": ".400",
        "minus dp-sgd\nat this AUC": "+.500",
        "canaries\nTPR": ".500",
        "data\nAUC": ".800",
        "column\nfidelity": ".970",
        "pairwise\nfidelity": ".900",
    }
    assert [line["dp-sgd at\nthis AUC"] for line in private] == ["-", "-"]
