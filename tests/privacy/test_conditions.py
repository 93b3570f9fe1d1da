import re

import numpy as np
import pytest

from privbench.privacy import Condition, Guarantee
from privbench.privacy.conditions import (
    LABELS_NOT_COVERED,
    ONLY_LABELS_COVERED,
    SCALED_APART,
    as_conditions,
    changes_each_record_alone,
    large_delta_accepted,
)

BROKEN = Condition("trust", met=False, why="none")


def test_only_a_condition_that_is_known_not_to_be_met_is_broken():
    assert BROKEN.broken
    assert not Condition("trust", met=True).broken
    assert not Condition("trust").broken
    assert not Condition("trust (not so here: a quotation)").broken  # texts are not searched


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Condition("trust"), "trust"),
        (Condition("trust", met=True), "trust"),
        (BROKEN, "trust (not so here: none)"),
        (Condition("trust", met=False), "trust (not so here)"),
    ],
)
def test_a_table_shows_why_a_condition_is_broken(condition, text):
    assert str(condition) == text


@pytest.mark.parametrize(
    "stored", ["trust (not so here: none)", {"text": "trust", "met": False, "why": "none"}]
)
def test_rows_of_all_versions_are_read(stored):
    assert Condition.from_json(stored) == BROKEN


def test_a_text_without_a_reason_is_read_as_a_condition_to_judge():
    assert Condition.from_json("trust (really)") == Condition("trust (really)")


def test_texts_become_conditions_and_conditions_stay():
    assert as_conditions(["trust", BROKEN]) == (Condition("trust"), BROKEN)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": 1}, "text 1 (allowed: a str)"),
        ({"text": "trust", "name": None}, "name None"),
        ({"text": "trust", "met": "no"}, "met 'no' (allowed: True, False, None)"),
        (
            {"text": "trust", "met": True, "why": "because"},
            "'trust': why is the reason for met = False",
        ),
    ],
)
def test_fields_that_are_not_allowed_are_refused(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Condition(**fields)


def test_the_conditions_that_the_harness_knows():
    assert str(LABELS_NOT_COVERED) == "labels are not covered"
    assert str(SCALED_APART) == (
        "numeric columns are scaled without the private records (not so here: over the whole data set)"
    )
    assert "mixup changes each record" in str(changes_each_record_alone("mixup"))
    assert "(n=200)" in str(large_delta_accepted(200))


def test_booleans_of_numpy_are_booleans():
    condition = Condition("a", met=np.False_)
    assert condition.broken
    assert condition.met is False


@pytest.mark.parametrize(
    ("covers", "condition"), [("features", LABELS_NOT_COVERED), ("labels", ONLY_LABELS_COVERED)]
)
def test_a_guarantee_of_a_part_of_each_record_says_so(covers, condition):
    """A table that shows epsilon must not be read as one for records."""
    stated = Guarantee("dp", 1.0, 1e-5, "replace-one", "x", ("y",), covers=covers)
    assert stated.conditions == (Condition("y"), condition)
    again = Guarantee("dp", 1.0, 1e-5, "replace-one", "x", (condition, "y"), covers=covers)
    assert again.conditions == (condition, Condition("y"))
    assert Guarantee("dp", 1.0, 1e-5, "replace-one", "x", ("y",)).conditions == (Condition("y"),)
