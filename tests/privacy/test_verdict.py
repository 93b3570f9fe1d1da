"""Verdicts on the rows of one run, corrected for the number of their claims."""

import pytest

from privbench.privacy.verdict import with_verdicts


def row(p_value=None, claim=True, verdict=None, method="one-run", least=1e-9):
    claimed = {"epsilon": 1.0, "delta": 1e-5} if claim else None
    audit = {"claim": claimed, "p_value": p_value, "least_p_value": least, "method": method}
    return {"audit": audit, "verdict": verdict}


def verdicts(rows):
    return [found["verdict"] for found in with_verdicts(rows)]


def test_each_verdict_has_its_case():
    rows = [row(claim=False), row(), row(0.9), row(0.001), row(method=None)]
    assert verdicts(rows) == [None, "not tested", "consistent", "refuted", None]


def test_what_is_significant_alone_need_not_be_among_many():
    assert verdicts([row(0.03)]) == ["refuted"]
    assert verdicts([row(0.03), row(0.5)]) == ["consistent", "consistent"]
    assert verdicts([row(0.03), row(0.01)]) == ["refuted", "refuted"]  # .01 < .05 / 2, .03 < .05


def test_what_could_not_have_been_refuted_beside_so_many_is_not_tested():
    hard, other = row(0.9, least=0.02), row(0.9)
    assert verdicts([hard, other]) == ["consistent", "consistent"]  # .02 <= .05 / 2
    assert verdicts([hard, other, other])[0] == "not tested"
    assert verdicts([hard, row(0.001), other])[0] == "consistent"  # two are left of the three
    assert verdicts([row(0.02, least=0.02), other, other])[0] == "not tested"


@pytest.mark.parametrize("other", [row(claim=False), row(), {"audit": None, "verdict": None}])
def test_rows_without_a_test_do_not_count(other):
    assert verdicts([row(0.03), other])[0] == "refuted"


def test_older_and_failed_rows_keep_what_is_stored():
    stored = [{"audit": None, "verdict": text} for text in ("refuted", "consistent", None)]
    assert verdicts(stored) == ["refuted", "consistent", None]


def test_the_given_rows_are_not_changed():
    given = [row(0.001)]
    assert with_verdicts(given)[0] == given[0] | {"verdict": "refuted"}
    assert given[0]["verdict"] is None
