"""One table of columns drives the schema, the conversion to SQL and the DataFrame."""

import json
import sqlite3

import pytest

from privbench.storage.columns import SCHEMA, Column, added_in
from privbench.storage.database import with_functions
from privbench.storage.migrations import MIGRATIONS
from privbench.storage.results import COLUMNS

FIRST = [
    "benchmark TEXT", "dataset TEXT", "defense TEXT", "model TEXT", "attack TEXT",
    "knowledge TEXT", "subset TEXT", "seed INTEGER", "status TEXT", "reason TEXT",
    "test_accuracy REAL", "train_accuracy REAL", "auc REAL", "auc_ci TEXT", "tpr_at_fpr TEXT",
    "balanced_accuracy REAL", "advantage REAL", "guarantee TEXT", "n_members INTEGER",
    "n_nonmembers INTEGER", "n_models INTEGER", "seconds REAL", "key TEXT",
]  # fmt: skip
"""The columns of a row in the first schema, which databases of users have."""
LATER = [
    "observes TEXT", "audited_epsilon REAL", "verdict TEXT", "column_fidelity REAL",
    "pairwise_fidelity REAL",
]  # fmt: skip
FIFTH = [
    "test_accuracy_ci TEXT", "test_balanced_accuracy REAL", "test_balanced_accuracy_ci TEXT",
    "majority_accuracy REAL", "majority_difference_ci TEXT",
    "utility_key TEXT", "n_test INTEGER",
    "n_reference INTEGER", "n_public INTEGER",
    "canary_kind TEXT", "queries INTEGER", "warnings TEXT",
]  # fmt: skip
SIXTH = [
    "metrics_key TEXT", "audit TEXT", "calibrated_tpr_at_fpr TEXT", "precision TEXT",
    "record_risk TEXT",
]  # fmt: skip
POSITION = "position INTEGER"


def table(version: int) -> list[str]:
    """The columns of the table ``rows`` of a schema version."""
    database = with_functions(sqlite3.connect(":memory:"))
    for script in MIGRATIONS[:version]:
        database.executescript(script)
    columns = [
        f"{name} {type_}" for _, name, type_, *_ in database.execute("PRAGMA table_info(rows)")
    ]
    database.close()
    return columns


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, ["run_id INTEGER", *FIRST, "traceback TEXT"]),
        (2, ["run_id INTEGER", *FIRST, "traceback TEXT", POSITION]),
        (3, ["run_id INTEGER", *FIRST, "traceback TEXT", POSITION]),
        (4, ["run_id INTEGER", *FIRST, "traceback TEXT", POSITION, *LATER]),
        (5, ["run_id INTEGER", *FIRST, "traceback TEXT", POSITION, *LATER, *FIFTH]),
        (6, ["run_id INTEGER", *FIRST, "traceback TEXT", POSITION, *LATER, *FIFTH, *SIXTH]),
    ],
)
def test_each_schema_version_has_the_columns_it_always_had(version, expected):
    assert table(version) == expected


def test_the_newest_schema_has_every_column():
    names = [definition.split()[0] for definition in table(len(MIGRATIONS))]
    own = {"run_id", "traceback", "position", "checksum", "trial_checksum"}
    assert set(names) == {*COLUMNS, *own}
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_columns_belong_to_the_version_that_added_them():
    assert [column.definition for column in added_in(1)] == FIRST
    assert [column.definition for column in added_in(4)] == LATER
    assert [column.definition for column in added_in(5)] == FIFTH
    assert [column.definition for column in added_in(6)] == SIXTH
    assert max(column.since for column in SCHEMA) <= len(MIGRATIONS)


def test_every_column_says_what_it_is():
    for column in SCHEMA:
        assert column.description.endswith("."), column.name
        assert "|" not in column.description, column.name  # it ends a cell of Markdown


@pytest.mark.parametrize("value", [None, [0.5, 0.75], {"epsilon": 1.0}])
def test_structured_values_are_json_text_in_the_database(value):
    column = Column("x", "TEXT", "", is_json=True)
    stored = column.to_sql(value)
    assert stored is None if value is None else json.loads(stored) == value
    assert column.from_sql(stored) == value


def test_plain_values_are_stored_as_they_are():
    assert Column("x", "TEXT", "").to_sql("[1]") == "[1]"
    assert Column("x", "TEXT", "").from_sql("[1]") == "[1]"
    assert Column("x", "REAL", "").to_sql(0.1) == 0.1
