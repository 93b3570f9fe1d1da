"""The columns of a row of results: the one table from which everything about them is derived.

The database schema and its migrations, the conversion to and from SQL, the DataFrame and the table
in docs/rows.md all follow ``SCHEMA``. To add a column, append it here with the next schema version, and
append the migration that adds it to ``migrations.MIGRATIONS``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

SqlType = Literal["TEXT", "INTEGER", "REAL"]

DTYPES: dict[SqlType, str] = {"TEXT": "object", "INTEGER": "Int64", "REAL": "float64"}
"""The pandas dtype of each SQL type; ``Int64`` can hold missing integers."""


@dataclass(frozen=True)
class Column:
    """A column of a row of results."""

    name: str
    sql_type: SqlType
    description: str
    is_json: bool = False
    """Whether the value is a list or a dict, which the database holds as JSON text."""
    since: int = 1
    """The schema version that added the column."""

    @property
    def definition(self) -> str:
        """The name and type, as in CREATE TABLE."""
        return f"{self.name} {self.sql_type}"

    @property
    def dtype(self) -> str:
        """The pandas dtype of the column."""
        return "object" if self.is_json else DTYPES[self.sql_type]

    def to_sql(self, value: Any) -> Any:
        """Return the value as the database holds it.

        >>> Column("auc_ci", "TEXT", "", is_json=True).to_sql([0.5, 0.6])
        '[0.5, 0.6]'
        """
        return json.dumps(value) if self.is_json and value is not None else value

    def from_sql(self, value: Any) -> Any:
        """Return the value of a row, given what the database holds."""
        return json.loads(value) if self.is_json and value is not None else value


SCHEMA = (
    Column("benchmark", "TEXT", "Name of the benchmark."),
    Column("dataset", "TEXT", "Label of the dataset: its name, and the values of a sweep."),
    Column("defense", "TEXT", "Label of the defense."),
    Column("model", "TEXT", "Label of the target model."),
    Column("attack", "TEXT", "Label of the attack."),
    Column(
        "observes",
        "TEXT",
        "What the attack sees of its target: `labels`, `probabilities`, `parameters`, the"
        " `synthetic` data of its release, or the `generator` that makes these.",
        since=4,
    ),
    Column(
        "knowledge",
        "TEXT",
        "`adaptive` if the shadows went through the defense, `naive` if they did not.",
    ),
    Column(
        "subset",
        "TEXT",
        "`records` of the clean population, or `canaries` of the second population.",
    ),
    Column("seed", "INTEGER", "Seed of all random draws."),
    Column("status", "TEXT", "`ok`, `skipped`, `failed`, `timeout` or `unavailable`."),
    Column("reason", "TEXT", "Why the status is not `ok`, or why there is no guarantee."),
    Column("test_accuracy", "REAL", "Accuracy on test records, mean over the clean population."),
    Column(
        "train_accuracy",
        "REAL",
        "Accuracy of each model on its own training records, mean over the clean population.",
    ),
    Column("auc", "REAL", "Area under the ROC curve of all (model, pool record) pairs."),
    Column("auc_ci", "TEXT", "95% interval of `auc`, as `[low, high]`.", is_json=True),
    Column(
        "tpr_at_fpr",
        "TEXT",
        'For a false positive rate of `"0.001"` and of `"0.01"`: the true positive rate `value`,'
        " its 95% interval `ci`, and whether the rate is `resolved`.",
        is_json=True,
    ),
    Column(
        "balanced_accuracy", "REAL", "Balanced accuracy at a threshold that was chosen on shadows."
    ),
    Column("advantage", "REAL", "Largest difference of true and false positive rate."),
    Column(
        "guarantee",
        "TEXT",
        "Composed guarantee of the defense: `kind`, `epsilon`, `delta`, `adjacency`, `accountant`,"
        " `conditions`, `covers`, `profile` and `gaussian`; null if there is none.",
        is_json=True,
    ),
    Column(
        "audited_epsilon",
        "REAL",
        "Lower bound on epsilon for replacing one record, implied by the attack's errors, with 95%"
        " confidence; null for naive shadows of a defense.",
        since=4,
    ),
    Column(
        "verdict",
        "TEXT",
        "`refuted` if the attack's guesses contradict the guarantee, `not tested` if not even guesses"
        " without an error would, else `consistent`; null if there is nothing to compare, and for"
        " naive shadows of a defense.",
        since=4,
    ),
    Column(
        "column_fidelity",
        "REAL",
        "Similarity of released and private columns, from 0 to 1; null if nothing is released.",
        since=4,
    ),
    Column(
        "pairwise_fidelity",
        "REAL",
        "Similarity of correlations of released and private columns, from 0 to 1.",
        since=4,
    ),
    Column("n_members", "INTEGER", "Number of (model, member) pairs."),
    Column("n_nonmembers", "INTEGER", "Number of (model, non-member) pairs."),
    Column("n_models", "INTEGER", "Number of models in the population."),
    Column(
        "test_accuracy_ci",
        "TEXT",
        "95% interval of `test_accuracy`, over models and test records.",
        is_json=True,
        since=5,
    ),
    Column(
        "test_balanced_accuracy",
        "REAL",
        "Mean over classes of the accuracy on test records, mean over the clean population.",
        since=5,
    ),
    Column(
        "test_balanced_accuracy_ci",
        "TEXT",
        "95% interval of `test_balanced_accuracy`, over models and test records.",
        is_json=True,
        since=5,
    ),
    Column(
        "majority_accuracy",
        "REAL",
        "Accuracy on test records of always predicting the class that is most frequent in training.",
        since=5,
    ),
    Column(
        "majority_difference_ci",
        "TEXT",
        "95% interval of `test_accuracy` less `majority_accuracy`, paired by test record.",
        is_json=True,
        since=5,
    ),
    Column(
        "utility_key",
        "TEXT",
        "Digest of the stage `utility`, whose artifact says which test records each model predicts"
        " correctly.",
        since=5,
    ),
    Column("n_test", "INTEGER", "Number of test records.", since=5),
    Column("n_reference", "INTEGER", "Number of reference records of the adversary.", since=5),
    Column("n_public", "INTEGER", "Number of reference records that the defense may use.", since=5),
    Column(
        "canary_kind",
        "TEXT",
        "Kind of the canaries that the row is about; null for `records`.",
        since=5,
    ),
    Column(
        "queries",
        "INTEGER",
        "Queries of the target that the attack makes per pool record.",
        since=5,
    ),
    Column(
        "warnings",
        "TEXT",
        "Reasons to doubt the attack or the numbers of the row, each with a `name` and a `text`.",
        is_json=True,
        since=5,
    ),
    Column(
        "metrics_key",
        "TEXT",
        "Digest of the stage `metrics`, whose artifact has the influence of each (model, record) pair on"
        " the AUC and on the TPRs.",
        since=6,
    ),
    Column(
        "audit",
        "TEXT",
        "Lower bounds on epsilon by several methods, the p-value of the guarantee, and how much the"
        " audit could have seen.",
        is_json=True,
        since=6,
    ),
    Column(
        "calibrated_tpr_at_fpr",
        "TEXT",
        "As `tpr_at_fpr`, of scores that are standardised for each record, so that the false positive"
        " rate is about the same for all; null where `record_risk` is.",
        is_json=True,
        since=6,
    ),
    Column(
        "precision",
        "TEXT",
        "Share of members among the pairs that are called members, at a `prior` of 1% and thresholds"
        " that were chosen on shadows: for each of their false positive rates the `value`, and `tpr`"
        " and `fpr` on the targets.",
        is_json=True,
        since=6,
    ),
    Column(
        "record_risk",
        "TEXT",
        "AUCs of single records: `mean_auc`, `max_auc` and what it would be by chance"
        " (`max_by_chance`), how many of `n_records` stand out (`n_exposed`), the `most_exposed`, and"
        " the `comparisons` of models for each; null for attacks that query models, look at parameters"
        " or at released data, for naive shadows, and with fewer than 4 models.",
        is_json=True,
        since=6,
    ),
    Column(
        "clipped_share",
        "REAL",
        "Share of the gradients of single examples that DP-SGD clips, mean over training and over the"
        " clean population; null without DP-SGD, and where Opacus trains.",
        since=9,
    ),
    Column("seconds", "REAL", "Time that all stages behind the row took when they were computed."),
    Column("key", "TEXT", "Digest of the keys of the row's stages."),
)


def added_in(version: int) -> tuple[Column, ...]:
    """Return the columns that a schema version added.

    >>> [column.name for column in added_in(4)][:2]
    ['observes', 'audited_epsilon']
    """
    return tuple(column for column in SCHEMA if column.since == version)
