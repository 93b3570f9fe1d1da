"""What defenses cost and protect, as measured: numbers that the page of an audit shows beside its own.

They come from the committed files of runs:

    python -m privbench.auditing.measured results/*.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from privbench.report.document import read_document
from privbench.report.seeds import combine_seeds
from privbench.report.tables import comparable_groups
from privbench.storage.results import Row

FILE = Path(__file__).parent / "measured.json"
BASELINES = frozenset({"none", "public-only"})
"""What each board has, to compare with: no defense, and training on the public records alone."""
COLUMNS = ("defense", "test_accuracy", "test_accuracy_ci", "auc", "auc_ci")


def measured_defenses() -> list[dict[str, Any]]:
    """Return the defenses of each benchmark, dataset and model, the least exposed ones first."""
    boards: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return boards


def summary_of(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return what `measured_defenses` reads, from files of runs.

    The numbers are those of ``auto`` with adaptive shadows on ordinary records, and of all seeds
    together. Left out are boards without a defense or without the row of ``none`` to compare with, and
    defenses that another one of the board beats in accuracy and exposure: a page of an audit has no
    room for all.
    """
    boards = []
    for path in sorted(paths):
        run = read_document(path).run
        for rows in comparable_groups(combine_seeds(run.rows)):
            lines = [_line(row, _data_auc(row, rows)) for row in rows if _is_deciding(row)]
            names = {line["defense"] for line in lines}
            if "none" in names and names - BASELINES:
                board = {
                    name: rows[0][name] for name in ("benchmark", "dataset", "model", "n_models")
                }
                kept = [line for line in lines if _is_shown(line, lines)]
                kept.sort(key=lambda line: line["tpr"])
                boards.append(board | {"date": run.started_at[:10], "defenses": kept})
    return boards


def _is_shown(line: dict[str, Any], board: list[dict[str, Any]]) -> bool:
    """Return whether a line is a baseline, or no other is as accurate and as little exposed."""

    def merits(one: dict[str, Any]) -> tuple[float, float]:
        return one["test_accuracy"], -one["tpr"]

    mine = merits(line)
    return line["defense"] in BASELINES or not any(
        theirs != mine and theirs[0] >= mine[0] and theirs[1] >= mine[1]
        for theirs in map(merits, board)
    )


def _is_deciding(row: Row) -> bool:
    return (
        row["status"] == "ok"
        and (row["attack"], row["knowledge"], row["subset"]) == ("auto", "adaptive", "records")
        and row["tpr_at_fpr"]["0.01"]["value"] is not None
    )


def _data_auc(row: Row, rows: list[Row]) -> float | None:
    """Return the largest AUC of attacks on the data that the defense of a row releases, if it does."""
    aucs = [
        other["auc"]
        for other in rows
        if other["defense"] == row["defense"]
        and (other["status"], other["observes"], other["subset"]) == ("ok", "synthetic", "records")
    ]
    return max(aucs, default=None)


def _line(row: Row, data_auc: float | None) -> dict[str, Any]:
    rate = row["tpr_at_fpr"]["0.01"]
    line = {name: row[name] for name in COLUMNS} | {"tpr": rate["value"], "tpr_ci": rate["ci"]}
    line["data_auc"] = data_auc
    return {name: _rounded(value) for name, value in line.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    return [round(end, 4) for end in value] if isinstance(value, list | tuple) else value


def text_of(boards: list[dict[str, Any]]) -> str:
    """Return the content of the file."""
    return json.dumps(boards, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text_of(summary_of(map(Path, sys.argv[1:]))), encoding="utf-8")
