"""Rows whose units are groups of records: what tables say of them."""

import pytest

from privbench.report.audits import AUDITED, audit_tables, audited_cells
from privbench.report.groups import audited_size, groups_note
from privbench.report.notes import Notes
from privbench.report.seeds import combine_seeds
from privbench.report.views import summary

from .test_audits import audit_of


@pytest.fixture
def grouped(row):
    """A row about groups, whose audit replaces several records at once."""

    def make(size=3, bound=2.0, **values):
        groups = {"n_groups": 240, "n_records": 720, "audited_size": size, "n_audited": 200}
        audit = audit_of(bound) | {"groups": groups}
        return row(audited_epsilon=bound, verdict=None, audit=audit, guarantee=None, **values)

    return make


def test_a_note_says_that_results_are_of_groups(grouped, row):
    note = groups_note([grouped()])
    assert note.startswith("720 pool records in 240 groups that are members together: AUC,")
    assert note.endswith("audited ε and claim: for replacing 3 records at once (canaries: one)")
    assert groups_note([grouped(size=1)]).endswith("audited ε: of those that are single records")
    assert groups_note([row(), row(audit=None)]) == ""
    for table in (*summary([grouped()]), *audit_tables([grouped()])):
        assert note in table.notes


def test_a_bound_for_one_record_counts_before_that_for_several(grouped):
    canaries = grouped(size=1, bound=1.0, subset="canaries", canary_kind="mislabel")
    notes = Notes()
    assert audited_cells([grouped(), canaries], notes)[AUDITED] == "1.00 of 5.50"
    assert "for replacing one record" in notes.legend["audited ε"]
    assert audited_cells([grouped()], notes)[AUDITED] == "2.00 of 5.50"
    assert "for replacing 3 records at once" in notes.legend["audited ε"]


def test_the_view_of_audits_says_how_many_a_coin_replaces(grouped, row):
    (table,) = audit_tables([grouped()])
    assert [line["at\nonce"] for line in table.lines] == ["3"]
    (table,) = audit_tables([row(audit=audit_of())])
    assert "at\nonce" not in table.headers()


def test_seeds_are_looked_through(grouped):
    (combined,) = combine_seeds([grouped(seed=0), grouped(seed=1)])
    assert audited_size(combined) == 3
    assert groups_note([combined])
