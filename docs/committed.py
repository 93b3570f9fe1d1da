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


def claims(benchmark: str, entries: Sequence[tuple[str, str, str, str, str]]) -> None:
    """Print the effect of each defense on the naive attack of its time, and an adaptive attack on it.

    Args:
        benchmark: the name of a committed run.
        entries: for each defense its name, its paper, what the paper claims, its parameters, and the
            naive attack.
    """
    rows, differences = run(benchmark)
    heads = ("defense", "paper", "the paper's claim", "parameters", "naive attack", "attack accuracy",
             "AUC of the naive attack", "AUC of adaptive `auto` [95% CI]",
             "test accuracy less that of `none` [95% CI]")  # fmt: skip
    bare = row(benchmark, "none", "auto")
    value, interval = accuracy(bare)
    print(
        f"{rows[0]['n_models']} models per defense. Arrows lead from no defense to the defense. `none`"
        f" has a test accuracy of {interval_text(value, interval)}, and an AUC of adaptive `auto` of"
        f" {interval_text(*auc(bare))}.\n"
    )
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    notes = []
    for name, paper, claim, parameters, attack in entries:
        before, after = (row(benchmark, d, attack, knowledge="naive") for d in ("none", name))
        strong = row(benchmark, name, "auto")
        found = differences.between(strong, bare, "accuracy")
        cells = [f"`{name}`", paper, claim, parameters, attack]
        for column in ("balanced_accuracy", "auc"):
            cells.append(f"{number(before[column])} → {number(after[column])}")
        cells.append(interval_text(*auc(strong)))
        cells.append("-" if found is None else difference_text(found))
        notes.append({"": cells[-1]})
        print(f"| {' | '.join(cells)} |")
    print("\n" + "\n\n".join(mark_notes(notes)) + "\n")


def _value(row: Row, measure: str) -> str:
    value, _ = VALUES[measure](row)
    return "-" if value is None else number(value)
