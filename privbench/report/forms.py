"""The form of the file of a run: what views compute with has the type that they expect.

Texts, and keys that no view reads, may be anything; a file of an older version lacks columns.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from privbench.bounds import INT64
from privbench.storage.columns import SCHEMA

LAX = ConfigDict(extra="allow", strict=True)
STRICT = ConfigDict(extra="forbid", strict=True)

Number = FiniteFloat | None
Integer = Annotated[int, Field(ge=-INT64, lt=INT64)]
Interval = Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)] | None


@with_config(LAX)
class Rate(TypedDict):
    """A TPR at one FPR."""

    value: Number
    ci: Interval
    resolved: NotRequired[bool]


@with_config(LAX)
class Precision(TypedDict):
    """A precision at one FPR."""

    value: Number
    tpr: NotRequired[Number]
    fpr: NotRequired[Number]


@with_config(STRICT)
class Condition(TypedDict):
    """A condition of a guarantee."""

    text: str
    met: bool | None
    why: NotRequired[str]
    name: NotRequired[str]


@with_config(STRICT)
class Guarantee(TypedDict):
    """A guarantee of a defense."""

    kind: str
    epsilon: NotRequired[Number]
    delta: NotRequired[Number]
    adjacency: NotRequired[str | None]
    accountant: NotRequired[str | None]
    conditions: NotRequired[list[str | Condition]]
    covers: NotRequired[str | None]
    profile: NotRequired[list[list[FiniteFloat]]]
    gaussian: NotRequired[bool]


@with_config(LAX)
class Claim(TypedDict):
    """The guarantee that was tested."""

    epsilon: Number
    delta: Number


@with_config(LAX)
class AuditResult(TypedDict):
    """Lower bounds on epsilon."""

    method: NotRequired[str | None]
    delta: NotRequired[Number]
    bounds: NotRequired[dict[str, Number]]
    claim: NotRequired[Claim | None]
    ceiling: NotRequired[Number]
    p_value: NotRequired[Number]
    least_p_value: NotRequired[Number]
    detectable: NotRequired[Number]
    coins_of: NotRequired[str | None]
    side: NotRequired[str | None]
    coins: NotRequired[Integer | None]
    guesses: NotRequired[Integer | None]
    correct: NotRequired[Integer | None]
    targets: NotRequired[Integer | None]


@with_config(LAX)
class Exposed(TypedDict):
    """A record that stands out."""

    record: Integer
    auc: FiniteFloat


@with_config(LAX)
class RecordRisk(TypedDict):
    """AUCs of single records."""

    mean_auc: Number
    max_auc: Number
    max_by_chance: Number
    n_exposed: Integer
    n_records: Integer
    comparisons: Number
    most_exposed: list[Exposed]


@with_config(LAX)
class Warned(TypedDict):
    """A reason to doubt a row."""

    name: str
    text: str


Rates = with_config(LAX)(TypedDict("Rates", {"0.001": Rate, "0.01": Rate}))
Precisions = with_config(LAX)(
    TypedDict("Precisions", {"0.001": NotRequired[Precision], "0.01": NotRequired[Precision]})
)
OF_COLUMN: dict[str, Any] = {
    "tpr_at_fpr": Rates | None,
    "calibrated_tpr_at_fpr": Rates | None,
    "precision": Precisions | None,
    "guarantee": Guarantee | None,
    "audit": AuditResult | None,
    "record_risk": RecordRisk | None,
    "warnings": list[Warned] | None,
    "status": Literal["ok", "skipped", "failed", "unavailable"],
    "seed": Integer,
}
"""The form of columns that are neither texts, numbers nor intervals."""
NAMES = ("benchmark", "dataset", "defense", "model", "attack", "knowledge", "subset")
"""Columns that each version has, and that are never null."""
OF_TYPE: dict[str, Any] = {"TEXT": str | None, "INTEGER": Integer | None, "REAL": Number}


@cache
def _adapter() -> TypeAdapter[Any]:
    """Return what checks a run whose rows have all columns."""
    forms: dict[str, Any] = {}
    for column in SCHEMA:
        usual = Interval if column.is_json else OF_TYPE[column.sql_type]
        forms[column.name] = OF_COLUMN.get(column.name, usual)
    row = TypedDict("row", forms | dict.fromkeys(NAMES, str))  # type: ignore[misc]  # by SCHEMA
    run = TypedDict(
        "run",
        {
            "benchmark": str,
            "remark": str,
            "started_at": str,
            "finished_at": str | None,
            "seconds": Number,
            "environment": dict[str, Any],
            "configuration": dict[str, Any] | None,
            "rows": list[with_config(LAX)(row)],  # type: ignore[misc]  # made of SCHEMA
        },
    )
    return TypeAdapter(with_config(LAX)(run))


def problem_of_form(content: Any) -> str:
    """Return where a content is not of the form of the file of a run; empty if it is."""
    try:
        _adapter().validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]
        )
        return f"{place.lstrip('.')}: {first['input']!s:.80}: {first['msg']}"
    return ""
