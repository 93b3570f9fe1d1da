"""Generate the comparisons of docs/ from committed results, with intervals of differences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from privbench.report.difference_text import difference_text, mark_notes
from privbench.report.differences import Differences, Measure
from privbench.report.document import read_document
from privbench.report.estimates import accuracy, auc, tpr
from privbench.report.numbers import interval_text, number
from privbench.report.seeds import combine_seeds
from privbench.storage.results import Row

RESULTS = Path(__file__).parent.parent / "results"
VALUES = {"accuracy": accuracy, "auc": auc, "tpr": tpr}
HEADS = {"accuracy": "test accuracy", "auc": "AUC", "tpr": "TPR at 1% FPR"}


@cache
def run(benchmark: str) -> tuple[list[Row], Differences]:
    """Return the rows of a committed run, with seeds combined, and their differences."""
    (path,) = (RESULTS / f"{benchmark}{s}" for s in (".json", ".json.gz")
               if (RESULTS / f"{benchmark}{s}").exists())  # fmt: skip
    document = read_document(str(path))
    return combine_seeds(document.run.rows), document.differences


def row(benchmark: str, defense: str, attack: str, subset: str = "records", **also: str) -> Row:
    """Return the row of a defense and an attack; ``also`` says what else its columns are."""
    wanted = {"knowledge": "adaptive"} | also
    found = [
        row
        for row in run(benchmark)[0]
        if (row["defense"], row["attack"], row["subset"]) == (defense, attack, subset)
        and all(row[name] == value for name, value in wanted.items())
        and row["status"] == "ok"
    ]
    (only,) = found
    return only


def compare(
    benchmark: str,
    pairs: Sequence[tuple[str, str]],
    measures: Sequence[Measure] = ("accuracy", "auc", "tpr"),
    attack: str = "auto",
    subset: str = "records",
    **also: str,
) -> None:
    """Print a line for each pair of defenses: both values and the first less the second.

    Args:
        benchmark: the name of a committed run.
        pairs: names of defenses.
        measures: what to compare.
        attack: the attack on both, the same for all lines, so that none is the largest of several.
        subset: ``records``, ``canaries`` or ``released``.
        also: further columns of the rows, such as ``canary_kind="mislabel"``.
    """
    differences = run(benchmark)[1]
    lines = []
    for one, other in pairs:
        first, second = (row(benchmark, name, attack, subset, **also) for name in (one, other))
        line = {"": f"`{one}` less `{other}`"}
        for measure in measures:
            line[f"{HEADS[measure]} of both"] = (
                f"{_value(first, measure)}, {_value(second, measure)}"
            )
            found = differences.between(first, second, measure)
            line[f"difference in {HEADS[measure]} [95% CI]"] = (
                "-" if found is None else difference_text(found)
            )
        lines.append(line)
    heads = list(lines[0])
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for line in lines:
        print(f"| {' | '.join(line.values())} |")
    print("\n" + "\n\n".join(mark_notes(lines)) + "\n")


def exposures(benchmark: str, defenses: Sequence[str], attack: str = "auto") -> None:
    """Print for each defense its accuracy, and how naive and adaptive attacks do on records."""
    print(
        "| defense | test accuracy [95% CI] | balanced accuracy of naive `loss` | AUC of naive `loss`"
        f" | AUC of naive `{attack}` | AUC of adaptive `{attack}` |\n|{'---|' * 6}"
    )
    for name in defenses:
        loss = row(benchmark, name, "loss", knowledge="naive")
        naive = row(benchmark, name, attack, knowledge="naive")
        adaptive = row(benchmark, name, attack)
        cells = [f"`{name}`", interval_text(*accuracy(adaptive)), number(loss["balanced_accuracy"])]
        cells += [interval_text(*auc(one)) for one in (loss, naive, adaptive)]
        print(f"| {' | '.join(cells)} |")
    print()


def _value(row: Row, measure: str) -> str:
    value, _ = VALUES[measure](row)
    return "-" if value is None else number(value)
