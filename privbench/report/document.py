"""A run of a benchmark as one JSON file, from which its tables and plots are made without a database.

The file has a line for each row and for each ROC curve, in the order of the plan, so that two versions
of it can be compared line by line. Numbers are written with all digits, those of curves with four. The
same run gives the same file.

To add a part, put it in `document_text` under a key of its own and read it in `read_document`; readers
ignore keys that they do not know. Raise ``FORMAT`` only if a reader of today would misread the file.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from privbench.bounds import GZIP_ERRORS, MAX_RUN_BYTES, gunzipped, problem_of_tree
from privbench.components.messages import near_file
from privbench.errors import BadInput
from privbench.escape import json_text
from privbench.report.curves import Curves, curve_lines, curves_in, no_curves
from privbench.report.differences import Differences, Errors
from privbench.report.forms import problem_of_form
from privbench.report.recorded import recorded_in, recorded_lines
from privbench.storage.results import COLUMNS, Row, Run

FORMAT = 1
"""The version of the format that this module writes, and the only one that it reads."""
SUFFIXES = (".json", ".json.gz")
"""What the name of such a file ends in, by which commands tell it from the name of a benchmark."""
WHAT = f"a file that `privbench export NAME` wrote, of format {FORMAT}"


@dataclass(frozen=True)
class Document:
    """The content of a file."""

    run: Run
    differences: Differences
    """Differences between rows, whose errors are as the file says."""
    curves: Curves
    """ROC curves of rows."""


def document_text(run: Run, errors: Errors, curves: Curves = no_curves) -> str:
    """Return the text of the file of a run.

    Args:
        run: a run that is complete.
        errors: says how well differences between rows are known.
        curves: returns the ROC curve of a row.

    Raises:
        BadInput: the run is not complete.
    """
    if run.finished_at is None:
        raise BadInput(f"no run of {run.benchmark!r} is complete; run it to the end first")
    facts = {
        "format": FORMAT,
        "benchmark": run.benchmark,
        "remark": run.remark,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "seconds": run.seconds,
        "environment": run.environment,
        "configuration": run.configuration,
    }
    parts: dict[str, Sequence[Any]] = {
        "differences": recorded_lines(run.rows, errors),
        "curves": curve_lines(run.rows, curves),
        "rows": run.rows,
    }
    heads = [f" {json_text(key)}: {_indented(value)}" for key, value in facts.items()]
    lists = [f" {json_text(key)}: {_one_per_line(values)}" for key, values in parts.items()]
    return "{\n" + ",\n".join([*heads, *lists]) + "\n}\n"


def read_document(path: str | Path) -> Document:
    """Read the file of a run.

    Columns that the file does not have, as those of later versions, are None.

    Raises:
        BadInput: there is no such file, or it is not one that `document_text` made.
    """
    try:
        content = json.loads(_read(Path(path)))
        problem = problem_of_tree(content)
    except OSError as error:
        hint = near_file(Path(path)) if isinstance(error, FileNotFoundError) else ""
        raise BadInput(f"{path}: {error.strerror}{hint} (allowed: {WHAT})") from None
    except (ValueError, *GZIP_ERRORS, RecursionError) as error:
        raise BadInput(f"{path}: not JSON: {error!s:.200} (allowed: {WHAT})") from None
    if problem:
        raise BadInput(f"{path}: {problem} (allowed: {WHAT})")
    if not isinstance(content, dict) or "format" not in content:
        raise BadInput(f"{path}: not the file of a run (allowed: {WHAT})")
    if content["format"] != FORMAT:
        raise BadInput(f"{path}: format {content['format']!s:.80} (allowed: {WHAT})")
    try:
        facts = {field.name: content[field.name] for field in fields(Run)}
        rows = [_row(row) for row in content["rows"]]
        if problem := problem_of_form(facts | {"rows": rows}):
            raise ValueError(problem)
        return Document(
            Run(**facts | {"rows": rows}),
            Differences(recorded_in(rows, content["differences"])),
            curves_in(rows, content.get("curves", [])),
        )
    except KeyError as error:
        raise BadInput(f"{path}: key {error} is missing (allowed: {WHAT})") from None
    except (TypeError, ValueError, IndexError) as error:
        raise BadInput(f"{path}: {error!s:.400} (allowed: {WHAT})") from None


def write_document(path: Path, text: str) -> None:
    """Write the text of a file, compressed if its name ends in ``.gz``.

    Raises:
        BadInput: it cannot be written.
    """
    data = text.encode()
    try:
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    except OSError as error:
        raise BadInput(f"-o {path}: {error.strerror}") from None


def _read(path: Path) -> str:
    data = gunzipped(path)
    if len(data) > MAX_RUN_BYTES:
        raise BadInput(f"{path}: {len(data)} bytes (allowed: {MAX_RUN_BYTES})")
    return data.decode("utf-8")


def _row(values: Any) -> Row:
    unknown = sorted(values.keys() - set(COLUMNS)) if isinstance(values, dict) else None
    if unknown is None or unknown:
        raise ValueError(f"rows: unknown columns {unknown}; was it written by a newer privbench?")
    if "status" not in values:
        raise KeyError("status")
    row: Row = {**dict.fromkeys(COLUMNS), **values}
    return row


def _indented(value: Any) -> str:
    return json_text(value, indent=1).replace("\n", "\n ")


def _one_per_line(values: Sequence[Any]) -> str:
    return (
        "[\n" + ",\n".join(f"  {json_text(value)}" for value in values) + "\n ]" if values else "[]"
    )
