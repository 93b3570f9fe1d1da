"""Check a submission without computing anything again: its form, its digest, and that it is one piece.

What a file says several times must be the same each time: rows of one trained model share its accuracy,
keys are digests of what they stand for, and verdicts follow from p-values.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from privbench.errors import BadInput
from privbench.leaderboard.submissions.chain import key_problems, stage_problems
from privbench.leaderboard.submissions.reading import read_strict
from privbench.leaderboard.submissions.relations import broken_relations
from privbench.leaderboard.submissions.submission import BASELINES, content_digest
from privbench.metrics.band import GRID
from privbench.privacy.verdict import with_verdicts
from privbench.report.curves import DIGITS

Row = Mapping[str, Any]
SHOWN = 20
"""How many problems a message lists."""
OF_UTILITY = (
    "test_accuracy", "train_accuracy", "guarantee", "column_fidelity", "pairwise_fidelity",
    "test_accuracy_ci", "test_balanced_accuracy", "test_balanced_accuracy_ci", "majority_accuracy",
    "majority_difference_ci", "n_test", "n_reference", "n_public", "reason", "clipped_share",
)  # fmt: skip
"""Columns in which all rows of one ``utility_key`` are equal."""
OF_METRICS = (
    "auc", "auc_ci", "tpr_at_fpr", "balanced_accuracy", "advantage", "precision", "n_members",
    "n_nonmembers", "queries", "observes",
)  # fmt: skip
"""Columns in which all rows of one ``metrics_key`` are equal."""
OF_POPULATION = ("n_members", "n_nonmembers", "n_models")


def read_submission(path: str | Path) -> dict[str, Any]:
    """Return the content of a submission that is consistent.

    Raises:
        BadInput: it is not; the message names rows, columns, values and what is allowed.
    """
    content = read_strict(path)
    try:
        problems = form_problems(content, "submission") or list(content_problems(content))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Of the form of the schema, and yet such that nothing can be computed from it.
        problems = [f"the relations of its numbers cannot be checked: {shown(str(error))}"]
    refuse(path, problems)
    assert isinstance(content, dict)
    return content


def refuse(path: str | Path, problems: Sequence[str]) -> None:
    """Raise BadInput with the problems of a file, if there are any."""
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise BadInput("\n  ".join([f"{path}: refused", *problems[:SHOWN], *more]))


@cache
def schema(name: str) -> dict[str, Any]:
    """Return a published JSON schema: ``submission`` or ``reported``."""
    text = Path(__file__).with_name(f"{name}.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def form_problems(content: Any, name: str) -> list[str]:
    """Return where a content is not as the JSON schema says, at most ``SHOWN`` places and one."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    errors = Draft202012Validator(schema(name)).iter_errors(content)
    problems = []
    for error in itertools.islice(errors, SHOWN + 1):
        inner = best_match([error]) or error
        place = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in inner.absolute_path
        )
        rule = shown({inner.validator: inner.validator_value})
        where = shown(place.lstrip("."), 200)[1:-1] or "the file"
        problems.append(f"{where}: {shown(inner.instance)} (allowed: {rule})")
    return problems


def content_problems(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what cannot be so in a content that has the form of the schema."""
    expected = content_digest(content)
    if content["submission"]["digest"] != expected:
        yield f"submission.digest: {content['submission']['digest']} (allowed: {expected})"
    yield from _header_problems(content)
    yield from _dataset_problems(content)
    matrix = list(_matrix_problems(content))
    yield from matrix
    rows = content["rows"]
    for i, row in enumerate(rows):
        for column, value, allowed in broken_relations(row):
            yield problem(i, row, column, value, allowed)
    for groups in (("utility_key",), OF_UTILITY), (("metrics_key",), OF_METRICS):
        yield from _unequal(rows, *groups)
    yield from _unequal(
        rows, ("dataset", "model", "seed", "subset", "canary_kind"), OF_POPULATION, only_ok=True
    )
    yield from _unequal(rows, ("attack",), ("observes",), only_ok=True)
    for i, (row, other) in enumerate(zip(rows, with_verdicts(rows), strict=True)):
        if row["verdict"] != other["verdict"]:
            yield problem(i, row, "verdict", row["verdict"], repr(other["verdict"]))
    yield from _difference_problems(content)
    yield from _curve_problems(content)
    yield from stage_problems(content)
    if not matrix:
        for i, column, value, allowed in key_problems(content):
            yield problem(i, rows[i], column, value, allowed)


def problem(position: int, row: Row, column: str, value: object, allowed: str) -> str:
    """Return the text of a problem of one row."""
    name = f"{row['defense']}/{row['attack']}/{row['knowledge']}/seed={row['seed']}"
    subset = row["subset"] if row["canary_kind"] is None else f"canaries {row['canary_kind']}"
    place = f"rows[{position}] ({shown(f'{name} {subset}', 120)})"
    return f"{place}: {column}: {shown(value)} (allowed: {allowed})"


def shown(value: object, limit: int = 160) -> str:
    """Return a value of a stranger's file as printable text of limited length."""
    text = ascii(value)
    return text if len(text) <= limit else text[:limit] + "..."


def _header_problems(content: Mapping[str, Any]) -> Iterator[str]:
    from datetime import datetime

    times = []
    for name in ("started_at", "finished_at"):
        try:
            times.append(datetime.fromisoformat(content[name]))
        except ValueError:
            yield f"{name}: {shown(content[name])} (allowed: a time)"
    if len(times) == 2 and times[0] > times[1]:
        yield f"finished_at: {content['finished_at']} (allowed: no earlier than {content['started_at']})"
    environment, submission = content["environment"], content["submission"]
    if (environment["commit"] is None) != (environment["clean"] is None):
        yield f"environment.clean: {environment['clean']} (allowed: null if and only if commit is)"
    if len(submission["plugins"]) < len(environment["plugins"]):
        yield f"submission.plugins: {len(submission['plugins'])} (allowed: those of environment.plugins)"


def _dataset_problems(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield parameters that built-in datasets do not take, which no key covers."""
    from privbench.plugins.host import PluginHost

    registry = PluginHost(installed=False).registry("dataset")
    for i, part in enumerate(content["configuration"]["datasets"]):
        entry = registry.entries.get(part["name"])
        if entry is not None and "params" in part:
            try:
                entry.build(part["params"], f"configuration.datasets[{i}]")
            except BadInput as error:
                yield shown(str(error))[1:-1]


def _matrix_problems(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield rows that the configuration does not give, and rows that are missing or out of order."""
    configuration, submission = content["configuration"], content["submission"]
    labels = {
        key: [part["label"] for part in configuration[key]]
        for key in ("datasets", "models", "defenses", "attacks")
    }
    for key, listed in labels.items():
        if len(set(listed)) < len(listed):
            yield f"configuration.{key}: {shown(listed)} (allowed: each label once)"
    for label in labels["defenses"]:
        if label not in (*submission["defenses"], *BASELINES):
            yield (
                f"configuration.defenses: {shown(label)}"
                f" (allowed: {shown(submission['defenses'])} and {', '.join(BASELINES)})"
            )
    for label in submission["defenses"]:
        if label not in labels["defenses"]:
            yield f"submission.defenses: {shown(label)} (allowed: one of configuration.defenses)"
    subsets: list[tuple[str, str | None]] = [("records", None)]
    if configuration["canaries"]["share"]:
        subsets += [("canaries", kind) for kind in configuration["canaries"]["kinds"]]
    expected = [
        (content["benchmark"], dataset, defense, model, attack, knowledge, seed, *subset)
        for dataset, seed, model, defense, attack, knowledge, subset in itertools.product(
            labels["datasets"], configuration["seeds"], labels["models"], labels["defenses"],
            labels["attacks"], configuration["knowledge"], subsets,
        )
    ]  # fmt: skip
    columns = (
        "benchmark", "dataset", "defense", "model", "attack", "knowledge", "seed", "subset",
        "canary_kind",
    )  # fmt: skip
    rows = content["rows"]
    found = [tuple(row[name] for name in columns) for row in rows]
    if found != expected:
        for i, name in enumerate(found):
            if i >= len(expected) or name != expected[i]:
                wanted = shown(expected[i]) if i < len(expected) else f"{len(expected)} rows"
                yield f"rows[{i}]: {shown(name)} (allowed: {wanted})"
                break
        else:
            yield f"rows: {len(found)} (allowed: {len(expected)}, as the configuration gives)"
    for i, row in enumerate(rows):
        if row["n_models"] != configuration["population"]:
            yield problem(i, row, "n_models", row["n_models"], f"{configuration['population']}")
        public = configuration["public"]
        if row["status"] == "ok" and row["n_public"] != (public or row["n_reference"]):
            yield problem(i, row, "n_public", row["n_public"], str(public or row["n_reference"]))
        if row["subset"] == "records" and row["status"] == "ok" and configuration["pool"]:
            pairs = (row["n_members"] or 0) + (row["n_nonmembers"] or 0)
            wanted_pairs = configuration["pool"] * configuration["population"]
            if pairs != wanted_pairs:
                yield problem(i, row, "n_members", row["n_members"], f"{wanted_pairs} pairs in all")


def _unequal(
    rows: Sequence[Row], by: Sequence[str], columns: Sequence[str], *, only_ok: bool = False
) -> Iterator[str]:
    """Yield rows that are equal in the columns ``by`` and differ in another column.

    Rows of earlier versions lack columns, all of them or none.
    """
    first: dict[tuple[Any, ...], Row] = {}
    for i, row in enumerate(rows):
        group = tuple(row[name] for name in by)
        if None in group[:1] or (only_ok and row["status"] != "ok"):
            continue
        other = first.setdefault(group, row)
        for name in columns:
            if row.get(name) != other.get(name):
                allowed = f"{shown(other[name])}, as in other rows of the same {', '.join(by)}"
                yield problem(i, row, name, row.get(name), allowed)


def _curve_problems(content: Mapping[str, Any]) -> Iterator[str]:
    rows, seen = content["rows"], set()
    of_key: dict[str, Any] = {}
    for i, (position, *ends) in enumerate(content.get("curves", [])):
        place = f"curves[{i}]: row {position}"
        if position >= len(rows) or rows[position]["status"] != "ok" or position in seen:
            yield f"{place} (allowed: a row that is ok, each once)"
            continue
        seen.add(position)
        if of_key.setdefault(rows[position]["metrics_key"], ends) != ends:
            yield f"{place} (allowed: as of another row with the same metrics_key)"
        if any(
            value is not None and round(value, DIGITS) != value for end in ends for value in end
        ):
            yield f"{place}: more than {DIGITS} digits"
        known = [values for values in zip(*ends, strict=True) if None not in values]
        if any(
            values != (None, None, None) for values in zip(*ends, strict=True) if None in values
        ):
            yield f"{place}: null (allowed: where the FPR is not resolved)"
        if any(not low <= tpr <= high for tpr, low, high in known):
            yield f"{place}: a TPR outside of its interval"
        tprs = [tpr for tpr, _, _ in known]
        if tprs != sorted(tprs):
            yield f"{place}: TPRs that fall (allowed: they rise with the FPR)"
        for fpr, rate in (rows[position]["tpr_at_fpr"] or {}).items():
            value, stated = ends[0][GRID.index(float(fpr))], rate["value"]
            if (value is None) != (stated is None) or abs((value or 0) - (stated or 0)) > 1e-4:
                yield f"{place}: TPR {shown(value)} at {fpr} (allowed: {shown(stated)})"


def _difference_problems(content: Mapping[str, Any]) -> Iterator[str]:
    rows = content["rows"]
    seen = set()
    for i, line in enumerate(content["differences"]):
        measure, first, second, _, degrees = line
        place = f"differences[{i}]: {shown(line)}"
        if not first < second < len(rows):
            yield f"{place} (allowed: two rows of {len(rows)}, the earlier one first)"
            continue
        if (measure, first, second) in seen:
            yield f"{place} (allowed: each pair of rows once)"
        seen.add((measure, first, second))
        pair = rows[first], rows[second]
        if any(row["status"] != "ok" for row in pair):
            yield f"{place} (allowed: rows that are ok)"
        elif any(pair[0][name] != pair[1][name] for name in ("dataset", "model", "seed", "subset")):
            yield f"{place} (allowed: rows of one dataset, model, seed and subset)"
        elif degrees > max(row["n_models"] for row in pair) - 1:
            yield f"{place} (allowed: at most {pair[0]['n_models'] - 1} degrees of freedom)"
