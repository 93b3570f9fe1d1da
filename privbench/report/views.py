"""What a table shows: ``summary`` (a line a defense), ``utility`` (what each costs, beside DP-SGD at the
same exposure), ``attacks`` (a line an attack), ``rows`` (all).

A view is a pure function of rows. It gives one block for each (dataset, model, seed), since only
within a block can defenses be compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from privbench.report.frontier import BASELINE, exposure_of, exposures, family, frontier_of, on_data
from privbench.report.numbers import interval_text, number
from privbench.storage.results import COLUMNS, Row

Cells = list[dict[str, str]]
Pair = tuple[float | None, Sequence[float] | None]

DATA_AUC = "data\nAUC"
"""The column of attacks on released data; it is there where such attacks are."""
OPTIONAL = ("s", "gap", "naive\nTPR", "naive\nAUC", "canaries\nTPR at 1% FPR", "audited")
OPTIONAL_OF_ATTACKS = (
    "balanced acc.\nnaive",
    "balanced acc.\nadaptive",
    "TPR at 0.1% FPR\nnaive",
    "TPR at 0.1% FPR\nadaptive",
    "TPR at 1% FPR\nnaive",
)


@dataclass(frozen=True)
class Block:
    """One table: a title, lines of cells with the same headers, and notes below."""

    title: str
    lines: Cells
    notes: tuple[str, ...] = ()
    benchmark: str = ""
    optional: tuple[str, ...] = ()
    """Columns that a narrow terminal can do without, the first one first."""


def summary(rows: Sequence[Row]) -> list[Block]:
    """A line for each defense: each number is that of the attack that does best in it.

    The attack that is named has the largest AUC. Attacks on released data have columns of their own:
    who releases a model only is not exposed to them.
    """
    found = []
    for group in blocks(rows):
        notes = _Notes()
        found.append(_block(group, _summary_lines(group, notes), notes, OPTIONAL))
    return found


def utility(rows: Sequence[Row]) -> list[Block]:
    """A line for each defense: its accuracy, and DP-SGD's where that is as exposed.

    By the AUC on records, and by the TPR at 1% FPR on canaries, of the attack on the model that does
    best in each. Of what a defense releases: the AUC of attacks on it, and its fidelity.
    """
    return [_block(group, _utility_lines(group), _Notes(), ()) for group in blocks(rows)]


def attacks(rows: Sequence[Row]) -> list[Block]:
    """A line for each defense, subset and attack: adaptive beside naive."""
    return [
        _block(group, _attack_lines(group), _Notes(), OPTIONAL_OF_ATTACKS) for group in blocks(rows)
    ]


def every_row(rows: Sequence[Row]) -> list[Block]:
    """All rows with all columns, unrounded."""
    lines = [{column: _plain(row[column]) for column in COLUMNS} for row in rows]
    return [Block("", lines)]


VIEWS: dict[str, Callable[[Sequence[Row]], list[Block]]] = {
    "summary": summary,
    "utility": utility,
    "attacks": attacks,
    "rows": every_row,
}


def blocks(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each (benchmark, dataset, model, seed): what can be compared."""

    def key(row: Row) -> tuple[str, str, str, int]:
        return (row["benchmark"], row["dataset"], row["model"], row["seed"])

    order = {value: position for position, value in enumerate(dict.fromkeys(map(key, rows)))}
    ordered = sorted(rows, key=lambda row: order[key(row)])
    return [list(group) for _, group in groupby(ordered, key=key)]


def _block(rows: list[Row], lines: Cells, notes: _Notes, optional: tuple[str, ...]) -> Block:
    for row in rows:
        if row["status"] != "ok":
            notes.problem(row)
    return Block(block_title(rows), lines, notes.lines(), rows[0]["benchmark"], optional)


def block_title(rows: Sequence[Row]) -> str:
    """What the rows of a block have in common."""
    first = rows[0]
    what = f"{first['benchmark']}: {first['dataset']}, {first['model']}"
    return f"{what}, {first['n_models']} models, seed {first['seed']}"


class _Notes:
    """Numbered conditions of claims, and what went wrong."""

    def __init__(self) -> None:
        self.conditions: list[str] = []
        self.problems: dict[str, list[str]] = {}

    def mark(self, text: str) -> str:
        """The number of a footnote."""
        if text not in self.conditions:
            self.conditions.append(text)
        return f"[{self.conditions.index(text) + 1}]"

    def problem(self, row: Row) -> None:
        """Remember a trial that is not ok; trials with the same reason share a line."""
        name = f"{row['defense']} / {row['attack']}"
        names = self.problems.setdefault(f"{row['status']}: {row['reason']}", [])
        if name not in names:
            names.append(name)

    def lines(self) -> tuple[str, ...]:
        """All notes."""
        numbered = [f"[{i}] {text}" for i, text in enumerate(self.conditions, start=1)]
        wrong = []
        for reason, names in self.problems.items():
            more = f" and {len(names) - 2} more" if len(names) > 2 else ""
            wrong.append(f"{', '.join(names[:2])}{more}: {reason}")
        return (*numbered, *wrong)


def _summary_lines(rows: list[Row], notes: _Notes) -> Cells:
    lines = []
    for defense in dict.fromkeys(row["defense"] for row in rows):
        own = [row for row in rows if row["defense"] == defense]
        ok = [row for row in own if row["status"] == "ok"]
        lines.append(
            _summary_line(defense, ok, notes) if ok else _empty_line(defense, own[0]["status"])
        )
    if not any(map(on_data, rows)):
        for line in lines:
            line.pop(DATA_AUC, None)
    return lines


def _summary_line(defense: str, rows: list[Row], notes: _Notes) -> dict[str, str]:
    of_model = [row for row in rows if not on_data(row)]
    records = [row for row in of_model if row["subset"] == "records"]
    canaries = [row for row in of_model if row["subset"] == "canaries"]
    data = [row for row in rows if on_data(row) and row["subset"] == "records"]
    naive = [row for row in records if row["knowledge"] == "naive"]
    return {
        "defense": defense,
        "test\nacc.": number(rows[0]["test_accuracy"]),
        "gap": number(rows[0]["train_accuracy"] - rows[0]["test_accuracy"]),
        "strongest\nattack": _attack_name(_strongest(records, _auc)),
        "AUC\n[95% CI]": _estimate(_strongest(records, _auc), _auc),
        "naive\nAUC": _value(_strongest(naive, _auc), _auc),
        "TPR at 1% FPR\n[95% CI]": _estimate(_strongest(records, _tpr), _tpr),
        "naive\nTPR": _value(_strongest(naive, _tpr), _tpr),
        "canaries\nTPR at 1% FPR": _estimate(_strongest(canaries, _tpr), _tpr),
        DATA_AUC: _value(_strongest(data, _auc), _auc),
        "claim": _claim(rows[0], notes),
        "audited": _audited(rows),
        "s": f"{max(row['seconds'] for row in rows):.0f}",
    }


def _empty_line(defense: str, status: str) -> dict[str, str]:
    return {"defense": defense, "strongest\nattack": f"({status})"}


def _utility_lines(rows: list[Row]) -> Cells:
    sides = {
        (measure, subset): exposures([row for row in rows if row["subset"] == subset], measure)
        for measure, subset in (("auc", "records"), ("tpr", "canaries"))
    }
    exposed_data = exposures([row for row in rows if row["subset"] == "records"], "auc", data=True)
    first = {row["defense"]: row for row in reversed(rows) if row["status"] == "ok"}
    lines = []
    for defense in dict.fromkeys(row["defense"] for row in rows if row["status"] == "ok"):
        row = first[defense]
        cells = {"defense": defense, "test\nacc.": number(row["test_accuracy"])}
        for (measure, _), best in sides.items():
            value = exposure_of(best[defense], measure) if defense in best else None
            equal = None
            if value is not None and family(defense) != BASELINE:
                equal = frontier_of(best, measure).accuracy_at(value)
            what, where = ("AUC", "AUC") if measure == "auc" else ("canaries\nTPR", "TPR")
            cells[what] = "-" if value is None else number(value)
            cells[f"{BASELINE} at\nthis {where}"] = "-" if equal is None else number(equal)
        data = exposed_data.get(defense)
        cells[DATA_AUC] = "-" if data is None else number(data["auc"])
        for column in ("column_fidelity", "pairwise_fidelity"):
            found = row[column]
            cells[column.replace("_", "\n")] = "-" if found is None else number(found)
        lines.append(cells)
    return _with_something(lines)


def _attack_lines(rows: list[Row]) -> Cells:
    lines = []
    ok = [row for row in rows if row["status"] == "ok"]
    keys = dict.fromkeys((row["subset"], row["defense"], row["attack"]) for row in ok)
    for subset, defense, attack in sorted(keys, key=lambda key: key[0] != "records"):
        pair = {
            row["knowledge"]: row
            for row in ok
            if (row["subset"], row["defense"], row["attack"]) == (subset, defense, attack)
        }
        adaptive, naive = pair.get("adaptive"), pair.get("naive")
        lines.append(
            {
                "subset": subset,
                "defense": defense,
                "attack": attack,
                "AUC\nadaptive": _estimate(adaptive, _auc),
                "AUC\nnaive": _estimate(naive, _auc),
                "TPR at 0.1% FPR\nadaptive": _estimate(adaptive, _small_tpr),
                "TPR at 0.1% FPR\nnaive": _estimate(naive, _small_tpr),
                "TPR at 1% FPR\nadaptive": _estimate(adaptive, _tpr),
                "TPR at 1% FPR\nnaive": _estimate(naive, _tpr),
                "balanced acc.\nadaptive": _value(adaptive, _balanced),
                "balanced acc.\nnaive": _value(naive, _balanced),
            }
        )
    return _with_something(lines)


def _with_something(lines: Cells) -> Cells:
    """Without the columns in which no line has anything."""
    asked = {column for line in lines for column, text in line.items() if text != "-"}
    return [{column: text for column, text in line.items() if column in asked} for line in lines]


def _strongest(rows: Iterable[Row], read: Callable[[Row], Pair]) -> Row | None:
    """The row with the largest value, then with the larger lower end; the adaptive one if both tie."""

    def strength(row: Row) -> tuple[float, float]:
        value, interval = read(row)
        return (-1.0 if value is None else value, interval[0] if interval else 0.0)

    order = sorted(rows, key=lambda row: row["knowledge"] != "adaptive")
    return max(order, key=strength, default=None)


def _attack_name(row: Row | None) -> str:
    if row is None:
        return "-"
    return f"{row['attack']} (naive)" if row["knowledge"] == "naive" else str(row["attack"])


def _auc(row: Row) -> Pair:
    return row["auc"], row["auc_ci"]


def _tpr(row: Row) -> Pair:
    found = row["tpr_at_fpr"]["0.01"]
    return found["value"], found["ci"]


def _small_tpr(row: Row) -> Pair:
    found = row["tpr_at_fpr"]["0.001"]
    return found["value"], found["ci"]


def _balanced(row: Row) -> Pair:
    return row["balanced_accuracy"], None


def _estimate(row: Row | None, read: Callable[[Row], Pair]) -> str:
    if row is None:
        return "-"
    return interval_text(*read(row))


def _value(row: Row | None, read: Callable[[Row], Pair]) -> str:
    if row is None:
        return "-"
    value = read(row)[0]
    return "unresolved" if value is None else number(value)


def _claim(row: Row, notes: _Notes) -> str:
    guarantee = row["guarantee"]
    if guarantee is None:
        return notes.mark(row["reason"]) if row["reason"] else "-"
    from privbench.privacy import Guarantee

    claimed = Guarantee(**{**guarantee, "conditions": tuple(guarantee["conditions"])})
    unit = "·d" if claimed.kind == "metric-dp" else ""
    conditions = f", if {'; '.join(claimed.conditions)}" if claimed.conditions else ""
    note = notes.mark(f"{claimed.terms()}, {claimed.accountant}{conditions}")
    return f"ε={claimed.epsilon:.3g}{unit} {note}"


def _audited(rows: Sequence[Row]) -> str:
    """The largest epsilon that an attack proves, and whether it refutes the claim.

    Where some attacks are held against a claim, only they count: others see what it does not cover.
    A defense that claims nothing as a whole may still claim something of the data that it releases; that
    attacks agree with this is said in the rows of these attacks, and here only if they do not.
    """
    verdicts = {row["verdict"] for row in rows} - {None}
    if rows[0]["guarantee"] is None:
        verdicts &= {"refuted"}
    counted = [row for row in rows if row["verdict"] is not None or not verdicts]
    bounds = [row["audited_epsilon"] for row in counted if row["audited_epsilon"] is not None]
    if not bounds:
        return "-"
    verdict = "refuted" if "refuted" in verdicts else "".join(verdicts)
    return f"ε≥{max(bounds):.2f} {verdict}".strip()


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
