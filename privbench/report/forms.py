"""The form of the file of a run: what views compute with has the type that they expect.

Texts, and keys that no view reads, may be anything; a file of an older version lacks columns.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, create_model

from privbench.bounds import INT64
from privbench.components.outcome import Status
from privbench.storage.columns import SCHEMA
from privbench.storage.results import Row

Number = FiniteFloat | None
Integer = Annotated[int, Field(ge=-INT64, lt=INT64)]
Interval = Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)] | None


class Form(BaseModel):
    """An object whose further keys are left alone."""

    model_config = ConfigDict(extra="allow", strict=True)


class Rate(Form):
    """A TPR at one FPR."""

    value: Number
    ci: Interval
    resolved: bool = True


class Rates(Form):
    """TPRs by FPR."""

    small: Rate = Field(alias="0.001")
    large: Rate = Field(alias="0.01")


class Precision(Form):
    """A precision at one FPR."""

    value: Number
    tpr: Number = None
    fpr: Number = None


class Precisions(Form):
    """Precisions by FPR."""

    small: Precision | None = Field(None, alias="0.001")
    large: Precision | None = Field(None, alias="0.01")


class Claim(Form):
    """The guarantee that was tested."""

    epsilon: FiniteFloat
    delta: Number = None


class Bounds(Form):
    """Lower bounds on epsilon by method."""

    one_run: Number = Field(alias="one-run")
    f_dp: Number = Field(alias="f-dp")
    clopper_pearson: Number = Field(alias="clopper-pearson")
    gdp: Number


class AuditResult(Form):
    """What an audit found."""

    method: str | None
    delta: FiniteFloat
    bounds: Bounds
    claim: Claim | None
    ceiling: Number
    p_value: Number
    detectable: Number


class Exposed(Form):
    """A record that stands out."""

    record: Integer
    auc: FiniteFloat


class RecordRisk(Form):
    """AUCs of single records."""

    mean_auc: Number
    max_auc: Number
    max_by_chance: Number
    n_exposed: Integer
    n_records: Integer
    comparisons: Number
    most_exposed: list[Exposed]


class Warned(Form):
    """A reason to doubt a row."""

    name: str
    text: str


OF_COLUMN: dict[str, Any] = {
    "tpr_at_fpr": Rates | None,
    "calibrated_tpr_at_fpr": Rates | None,
    "precision": Precisions | None,
    "guarantee": dict[str, Any] | None,
    "audit": AuditResult | None,
    "record_risk": RecordRisk | None,
    "warnings": list[Warned] | None,
    "status": Status,
    "seed": Integer,
}
"""The form of columns that are neither texts, numbers nor intervals."""
NAMES = ("benchmark", "dataset", "defense", "model", "attack", "knowledge", "subset")
"""Columns that each version has, and that are never null."""
OF_OK = ("test_accuracy", "train_accuracy", "auc", "tpr_at_fpr", "n_models", "seconds")
"""Columns that are not null in a row that is ok."""
OF_TYPE: dict[str, Any] = {"TEXT": str | None, "INTEGER": Integer | None, "REAL": Number}


class RunForm(Form):
    """A run, but for its rows."""

    benchmark: str
    remark: str
    started_at: str
    finished_at: str | None
    seconds: Number
    environment: dict[str, Any]
    configuration: dict[str, Any] | None


@cache
def _form() -> type[BaseModel]:
    """Return the form of a run whose rows have all columns."""
    columns: dict[str, Any] = {}
    for column in SCHEMA:
        usual = Interval if column.is_json else OF_TYPE[column.sql_type]
        columns[column.name] = (OF_COLUMN.get(column.name, usual), ...)
    columns |= dict.fromkeys(NAMES, (str, ...))
    row = create_model("Row", __base__=Form, **columns)
    return create_model("Run", __base__=RunForm, rows=(list[row], ...))


def problem_of_form(content: Any) -> str:
    """Return where a content is not of the form of the file of a run; empty if it is."""
    try:
        _form().model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]
        )
        return f"{place.lstrip('.'):.200}: {first['input']!s:.80}: {first['msg']}"
    problems = (f"rows[{i}].{problem}" for i, row in enumerate(content["rows"])
                if (problem := _problem_of_row(row)))  # fmt: skip
    return next(problems, "")


def _problem_of_row(row: Row) -> str:
    """Return what is wrong with a row whose values have the right types; empty if nothing is."""
    if row["status"] == "ok" and (lacking := [name for name in OF_OK if row[name] is None]):
        return f"{lacking[0]}: null in a row that is ok"
    if row["guarantee"] is not None:
        from privbench.privacy import Guarantee

        try:
            Guarantee.from_json(row["guarantee"])
        except (KeyError, TypeError, ValueError) as error:
            return f"guarantee: {error!s:.200}"
    return ""
