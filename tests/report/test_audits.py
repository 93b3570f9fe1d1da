"""Audits in tables: what a bound could have been stands beside it."""

from functools import partial

import pytest

from privbench.report.audits import AUDITED, VERDICT, audit_tables, audited_cells
from privbench.report.notes import Notes
from privbench.report.seeds import combine_seeds
from privbench.report.views import summary

from .conftest import DP


def audit_of(bound=1.0, ceiling=5.5, *, claim=2.0, p_value=0.2, detectable=3.0, **bounds):
    bounds = {"one-run": bound, "f-dp": None, "clopper-pearson": 0.9, "gdp": None} | bounds
    return {
        "method": "one-run", "delta": 1e-5, "bounds": bounds, "ceiling": ceiling,
        "claim": None if claim is None else {"epsilon": claim, "delta": 1e-5},
        "p_value": p_value, "least_p_value": 1e-9, "detectable": detectable,
        "coins_of": "pairs", "coins": 2000, "guesses": 400, "correct": 300, "targets": 8,
    }  # fmt: skip


@pytest.fixture
def audited(row):
    def make(bound=1.0, verdict="consistent", ceiling=5.5, detectable=3.0, guarantee=DP, **values):
        audit = audit_of(bound, ceiling, detectable=detectable)
        return row(
            audited_epsilon=bound, verdict=verdict, guarantee=guarantee, audit=audit, **values
        )

    return make


def cells(*rows):
    found = audited_cells(rows, Notes())
    return found[AUDITED], found[VERDICT]


def test_the_cells_have_the_largest_bound_its_ceiling_and_what_was_detectable(audited):
    rows = [audited(1.0), audited(2.0, ceiling=4.5, detectable=3.5), audited(0.5, ceiling=6.0)]
    assert cells(*rows) == ("2.00 of 4.50", "consistent (3)")
    notes = Notes()
    audited_cells(rows, notes)
    assert "ceiling" in notes.legend["audited ε"]
    assert "not tested" in notes.legend["verdict"]


def test_without_power_nothing_is_detectable(audited):
    untested = partial(audited, verdict="not tested", detectable=None)
    assert cells(untested(1.0), untested(2.0)) == ("2.00 of 5.50", "not tested")
    assert cells(audited(1.0, "not tested", detectable=9.0)) == ("1.00 of 5.50", "not tested")
    assert cells(untested(1.0), audited(0.5)) == ("1.00 of 5.50", "consistent (3)")
    assert cells(untested(1.0), audited(2.5, "refuted")) == ("2.50 of 5.50", "refuted (3)")


def test_without_a_guarantee_the_ceiling_is_shown(audited):
    bare = audited(5.5, None, detectable=None, guarantee=None)
    assert cells(bare) == ("5.50 of 5.50", "-")
    of_released_data = audited(1.0, "consistent", guarantee=None)
    assert cells(of_released_data, bare) == ("5.50 of 5.50", "-")


def test_seeds_are_combined_as_their_bounds_are(audited):
    rows = [audited(b, ceiling=c, seed=s) for s, (b, c) in enumerate([(1, 5), (3, 6), (2, 7)])]
    (combined,) = combine_seeds(rows)
    assert cells(combined) == ("2.00 of 6.00", "consistent (3)")
    lines = audit_tables([combined])[0].lines
    assert [(line["seed"], line["one-run"]) for line in lines] == [
        ("0", "1.00*"), ("1", "3.00*"), ("2", "2.00*")
    ]  # fmt: skip


def test_the_view_has_a_line_for_each_row_with_its_bounds(audited, row):
    gaussian = audited(1.0, subset="canaries", canary_kind="twin", knowledge="naive")
    gaussian["audit"] |= {"method": "f-dp"}
    gaussian["audit"]["bounds"] |= {"f-dp": 2.25, "gdp": 2.5}
    none = audited(3.0, None, defense="none", guarantee=None)
    none["audit"] |= {"claim": None, "p_value": None, "detectable": None}
    (table,) = audit_tables([gaussian, none, row(status="failed", reason="broken"), row()])
    first, second = table.lines
    assert first == {
        "defense": "none", "attack": "lira, naive", "records": "twin", "claim\nε": "2", "δ": "1e-05",
        "one-run": "1.00", "f-DP": "2.25*", "Clopper-\nPearson": "0.90", "GDP": "2.50",
        "ceiling": "5.50", "detectable": "3", "p-value": "0.2", "verdict": "consistent",
    }  # fmt: skip
    assert (second["one-run"], second["f-DP"], second["p-value"]) == ("3.00*", "-", "-")
    assert any("broken" in note for note in table.notes)


def test_naive_rows_have_no_guesses_and_do_not_count(audited):
    naive = audited(None, None, None, None, knowledge="naive")
    naive["audit"] |= {"method": None, "p_value": None}
    assert cells(naive) == ("-", "-")
    assert cells(naive, audited(1.0)) == ("1.00 of 5.50", "consistent (3)")
    line, _ = audit_tables([naive, audited(1.0)])[0].lines
    assert line["verdict"] == line["ceiling"] == line["one-run"] == "-"
    assert line["Clopper-\nPearson"] == "0.90"


def test_older_rows_have_no_ceiling_and_no_line(row):
    older = row(audited_epsilon=0.5, verdict="consistent", guarantee=DP)
    line = summary([older])[0].lines[0]
    assert (line[AUDITED], line[VERDICT]) == ("0.50", "consistent")
    (table,) = audit_tables([older])
    assert table.lines == []
    assert "earlier version" in table.notes[0]
