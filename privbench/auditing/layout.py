"""Which column of a table of predictions holds what, and which class it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.arrays import as_array
from privbench.auditing.labels import texts_of
from privbench.auditing.long import MODEL, by_model
from privbench.auditing.problems import Problems
from privbench.auditing.scale import are_logits, are_percentages
from privbench.components.messages import closest

if TYPE_CHECKING:
    import pandas as pd

LABELS = ("label", "labels")
"""Names of the column of labels that are taken without being told."""
PREDICTIONS, TARGETS = ("predictions", "prediction"), ("targets", "target")
"""Those of the columns of regression."""
REGRESSION = "; for regression, call the columns prediction and target"


@dataclass(frozen=True)
class Layout:
    """Which columns of a table, or arrays of a file, hold what; None means what is usual."""

    label: str | None = None
    """By default ``label`` or ``labels``."""
    member: str | None = None
    """By default ``member``."""
    columns: tuple[str, ...] = ()
    """Columns of outputs; by default found out."""
    positive: str | None = None
    """The class that a single column of outputs is about."""
    id: str | None = None
    """The column that identifies records."""
    model: str | None = None
    """The column that says which model a line is about, where a table has several."""

    def names(self) -> dict[str, str]:
        """Return the names of arrays that are other than usual, by the usual name."""
        given = {"labels": self.label, "member": self.member, "record_ids": self.id}
        return {usual: name for usual, name in given.items() if name is not None}


@dataclass
class Raw:
    """Arrays as they were read, with what was wrong and what was taken for what."""

    arrays: dict[str, Any]
    problems: Problems
    notes: list[str] = field(default_factory=list)


def of_frame(
    table: pd.DataFrame, layout: Layout, slices: Sequence[str], where: str, first_line: int | None
) -> Raw:
    """Return the arrays of a table with a line for each record, or each model and record.

    Args:
        table: the table.
        layout: which columns hold what.
        slices: names of further columns to keep.
        where: what messages call the table.
        first_line: the line of the first record, for messages; None where records are numbered.
    """
    table = table.rename(columns=str)
    problems = Problems(where, first_line=first_line)
    raw = Raw({}, problems)
    names = list(table.columns)
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        problems.found.append(f"column {repeated[0]} occurs more than once; give each its own name")
        problems.check()
    predictions = next((name for name in PREDICTIONS if name in names), None)
    usual = LABELS if predictions is None else (*TARGETS, *LABELS)
    label = layout.label or next((name for name in usual if name in names), usual[0])
    roles = {"labels" if predictions is None else "targets": (label, "--label")}
    roles |= {} if predictions is None else {"predictions": (predictions, "--columns")}
    roles |= {"member": (layout.member or "member", "--member")}
    roles |= {"record_ids": (layout.id, "--id")} if layout.id else {}
    roles |= {MODEL: (layout.model, "--model")} if layout.model else {}
    roles |= {name: (name, "--slice or --group") for name in slices}
    problems.called = {role: f"column {name}" for role, (name, _) in roles.items()}
    for role, (name, option) in roles.items():
        if name in names:
            raw.arrays[role] = _array(table[name], role, problems)
        else:
            advice = f"name it with {option}"
            if role == "member":
                advice += ", or give the records that no model was trained on with --holdout"
            problems.add(role, f"is missing{closest(name, names)}; {advice}")
    raw.arrays = {role: array for role, array in raw.arrays.items() if array is not None}
    taken = {name for name, _ in roles.values()}
    if predictions is not None:
        raw.notes.append(f"regression: column {predictions}")
    elif "labels" in raw.arrays:
        _add_outputs(table, [name for name in names if name not in taken], layout, raw)
    else:
        problems.blamed.add("probs")  # which columns are outputs depends on the labels
    if layout.model is not None and not problems.found:
        by_model(raw)
    raw.arrays.pop(MODEL, None)
    return raw


def _array(column: pd.Series, role: str, problems: Problems) -> NDArray[Any] | None:
    try:
        return as_array(column)[0]
    except (TypeError, ValueError) as error:
        problems.add(role, str(error))
        return None


def _add_outputs(table: pd.DataFrame, left: list[str], layout: Layout, raw: Raw) -> None:
    """Add the outputs, and which class each of their columns is about."""
    labels = raw.arrays["labels"]
    known = labels[(labels == labels) & (labels.astype(np.str_) != "")]
    texts = np.unique(texts_of(known)).tolist() if len(known) else []
    chosen = _chosen_columns(table, left, layout, texts, raw)
    if not chosen:
        return
    raw.problems.columns = tuple(chosen)
    outputs = np.column_stack([as_array(table[column])[0] for column in chosen])
    name = "logits" if are_logits(outputs, chosen) else "probs"
    raw.problems.called = {**raw.problems.called, name: f"columns {', '.join(chosen)}"}
    if name == "logits" and are_percentages(outputs, chosen):
        raw.problems.add(
            name, "look like percentages: divide them by 100 (logits: name them logit_...)"
        )
    raw.notes.append(f"{name}: {', '.join(chosen)}")
    raw.arrays[name] = outputs
    if layout.positive is not None:
        raw.arrays["positive"] = layout.positive
    matched = matches(chosen, texts)
    if len(chosen) == 1:
        if layout.positive is None and chosen[0] in matched:
            raw.arrays["positive"] = matched[chosen[0]]
    elif len(matched) == len(chosen) and set(texts) <= set(matched.values()):
        raw.arrays["classes"] = np.array([matched[column] for column in chosen])
    elif overlap := [column for column in chosen if matched.get(column) in texts]:
        if not layout.columns:
            missing = [text for text in texts if text not in matched.values()]
            raw.problems.add(
                name,
                f"{overlap[0]} seems to be about class {matched[overlap[0]]}, but no column is about"
                f" {', '.join(missing)}; if they are in the order of the classes ({', '.join(texts)}),"
                f" say so with --columns {','.join(chosen)}",
            )
        else:
            raw.notes.append("the names of the columns do not say their classes: the order does")


def _chosen_columns(
    table: pd.DataFrame, left: list[str], layout: Layout, texts: list[str], raw: Raw
) -> list[str]:
    """Return the columns of outputs.

    1. Those that are named.
    2. Those whose names are about the classes of the labels: all columns with the same name but for
       that.
    3. All numeric columns that are left, if there is one for each class, or one for two classes.
    """
    numeric = [name for name in left if _is_number(table[name])]
    if layout.columns:
        problems = raw.problems
        if absent := [name for name in layout.columns if name not in table.columns]:
            hint = closest(absent[0], left)
            problems.add("probs", f"--columns: there is no column {absent[0]!r}{hint}")
            return []
        if words := [name for name in layout.columns if name not in numeric]:
            problems.add("probs", f"--columns: {words[0]!r} must be a column of numbers")
            return []
        return list(layout.columns)
    families = _families(numeric, texts)
    if len(families) > 1:
        examples = " or ".join(",".join(family) for family in families)
        raw.problems.add(
            "probs", f"several columns for each class; choose some: --columns {examples}"
        )
        return []
    chosen = families[0] if families else numeric
    is_possible = len(chosen) == max(len(texts), 1) or (len(chosen) == 1 and len(texts) <= 2)
    if not numeric:
        raw.problems.add(
            "probs",
            "there is no column of numbers beside label and member; an audit needs the probability of"
            " each class (predict_proba), not the predicted class",
        )
        return []
    if not families and (not chosen or (texts and not is_possible)):
        there = ", ".join(numeric)
        raw.problems.add(
            "probs",
            f"which columns are the probabilities? {len(numeric)} columns of numbers are left ({there}),"
            f" and the labels have {len(texts)} classes ({', '.join(texts[:10])}): name the columns with"
            f" --columns p_a,p_b,...{REGRESSION if _may_be_numbers(texts) else ''}",
        )
        return []
    if ignored := [name for name in left if name not in chosen]:
        raw.notes.append(f"columns that are not used: {', '.join(ignored)}")
    return chosen


def _may_be_numbers(texts: Sequence[str]) -> bool:
    """Return whether labels may be numbers to predict: many, and nothing else."""
    return len(texts) > 20 and all(
        re.fullmatch(r"-?\d+(\.\d+)?(e[-+]?\d+)?", text) for text in texts
    )


def _is_number(column: pd.Series) -> bool:
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    return is_numeric_dtype(column) and not (is_bool_dtype(column) or is_complex_dtype(column))


def _families(columns: Sequence[str], texts: Sequence[str]) -> list[list[str]]:
    """Return the groups of columns whose names are alike, and cover all classes."""
    covered: dict[tuple[str, str], dict[str, str]] = {}
    wanted = {_plain(text): text for text in texts}
    for column in columns:
        plain = _plain(column)
        for text in wanted:
            if plain.endswith(text):
                covered.setdefault((plain.removesuffix(text), ""), {})[text] = column
            if plain.startswith(text) and plain != text:
                covered.setdefault(("", plain.removeprefix(text)), {})[text] = column
    complete = [affix for affix, found in covered.items() if wanted and len(found) == len(wanted)]
    families = []
    for prefix, suffix in complete:
        if prefix or suffix:
            alike = [
                column
                for column in columns
                if _plain(column).startswith(prefix) and _plain(column).endswith(suffix)
            ]
        else:
            alike = list(covered[prefix, suffix].values())
        if alike not in families:
            families.append(alike)
    return families


def matches(columns: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """Return the class that each name of a column is about, where names say it.

    >>> matches(["p_a", "p_b", "p_c"], ["a", "c"])
    {'p_a': 'a', 'p_b': 'b', 'p_c': 'c'}
    """
    wanted = {_plain(text): text for text in texts}
    plain = {column: _plain(column) for column in columns}
    if len(columns) == 1:
        ((column, name),) = plain.items()
        found = [
            t for t in wanted if name == t or name.endswith(f"_{t}") or name.startswith(f"{t}_")
        ]
        return {column: wanted[max(found, key=len)]} if found else {}
    best: dict[str, str] = {}
    for prefix, suffix in _affixes(list(plain.values()), list(wanted)):
        rests = {
            column: name[len(prefix) : len(name) - len(suffix)]
            for column, name in plain.items()
            if name.startswith(prefix) and name.endswith(suffix)
        }
        about = {column: wanted.get(rest, rest) for column, rest in rests.items() if rest}
        if _n_known(about, texts) > _n_known(best, texts):
            best = about
    return best


def _n_known(found: dict[str, str], texts: Sequence[str]) -> int:
    return sum(text in texts for text in set(found.values()))


def _affixes(names: Sequence[str], texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return what may stand before, or after, the class in all names."""
    before = {name.removesuffix(text) for name in names for text in texts if name.endswith(text)}
    after = {name.removeprefix(text) for name in names for text in texts if name.startswith(text)}
    found = [(prefix, "") for prefix in before] + [("", suffix) for suffix in after if suffix]
    return sorted(
        affix
        for affix in found
        if all(n.startswith(affix[0]) and n.endswith(affix[1]) for n in names)
    )


def _plain(name: str) -> str:
    """Return a name or class without what is spelt in several ways."""
    return re.sub(r"[\s\-.]+", "_", name.strip().casefold())
