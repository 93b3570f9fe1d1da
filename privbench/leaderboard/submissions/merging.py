"""The folder of submissions of a leaderboard, with a label for each that says how far it was checked.

``submissions/NAME.json`` is what was submitted, as it was. The label is beside it, in
``submissions/checks/NAME.json``, with the digest of the file that was checked.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from privbench.errors import BadInput
from privbench.leaderboard.board import Label
from privbench.leaderboard.frozen.judgement import Judgement, is_judgement, read_judgement
from privbench.leaderboard.submissions.checking import Outcome
from privbench.leaderboard.submissions.names import checked_name
from privbench.leaderboard.submissions.reading import read_strict
from privbench.leaderboard.submissions.reported import Reported, is_reported, read_reported
from privbench.report.document import Document, read_document

FOLDER, CHECKS, SUFFIX = "submissions", "checks", ".json"
LABELS: dict[Any, Label] = {label: label for label in get_args(Label) if label}


def add_submission(
    content: bytes, name: str, into: Path, check: Mapping[str, Any], *, replace: bool
) -> Path:
    """Write a file that was checked, and its label beside it.

    Args:
        content: the file.
        name: the name of the submission.
        into: the folder of data.
        check: what was done; ``check_of`` makes it.
        replace: whether a submission of the same name is replaced.

    Raises:
        BadInput: the name is taken, another file has the same content, or the folder cannot be written.
    """
    path = free_path(content, name, into, replace=replace)
    try:
        (path.parent / CHECKS).mkdir(parents=True, exist_ok=True)
        _write(path, content)
        _write(_check_path(path), (json.dumps(check, indent=1) + "\n").encode())
    except OSError as error:
        raise BadInput(f"--into {into}: {error.strerror}") from None
    return path


def free_path(content: bytes, name: str, into: Path, *, replace: bool) -> Path:
    """Return where `add_submission` will write, so that a name is refused before anything is computed.

    Raises:
        BadInput: the name is taken, or another file has the same content.
    """
    folder = into / FOLDER
    path = folder / (checked_name(name, "submission.about.name") + SUFFIX)
    if path.is_symlink() or folder.is_symlink():
        raise BadInput(f"{path}: a symbolic link (allowed: a folder and files)")
    taken = {other.stem.lower(): other for other in _files(folder)}  # as on any file system
    if name.lower() in taken and not replace:
        raise BadInput(f"{taken[name.lower()]}: there is one of this name (allowed with --replace)")
    for other in taken.values():
        if other != path and other.read_bytes() == content:
            raise BadInput(f"{other}: is the same submission")
    return path


def check_of(content: bytes, label: Label, outcome: Outcome | None = None) -> dict[str, Any]:
    """Return what was done with a file, as JSON values.

    Args:
        content: the file.
        label: the label that it earned.
        outcome: what was compared; None for reported numbers and for judgements.
    """
    facts: dict[str, Any] = {
        "label": label,
        "sha256": hashlib.sha256(content).hexdigest(),
        "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if outcome is not None:
        facts |= {
            "secret_seeds": list(outcome.rerun.seeds),
            "exact": outcome.exact,
            "compared": len(outcome.compared),
            "environment": dict(outcome.rerun.environment),
        }
    return facts


def submissions_in(into: str | Path) -> list[tuple[Document, Label]]:
    """Return the submissions of a folder of data, by name, each with its label.

    Numbers of papers and judgements, which have no such rows, are left out: see `reported_in` and
    `judgements_in`.

    Raises:
        BadInput: a submission has no label, or was changed since it was checked.
    """
    return [
        (read_document(path), label)
        for path, label in _labelled(Path(into))
        if label not in ("reported", "judged")
    ]


def reported_in(into: str | Path) -> list[Reported]:
    """Return the numbers of papers in a folder of data, by name."""
    return [read_reported(path) for path, label in _labelled(Path(into)) if label == "reported"]


def judgements_in(into: str | Path) -> list[Judgement]:
    """Return the attacks that were judged on frozen outputs in a folder of data, by name."""
    return [read_judgement(path) for path, label in _labelled(Path(into)) if label == "judged"]


def _labelled(into: Path) -> list[tuple[Path, Label]]:
    found = []
    for path in _files(into / FOLDER):
        content = read_strict(path)
        check = read_strict(_check_path(path))
        label = check.get("label") if isinstance(check, dict) else None
        if not isinstance(label, str) or label not in LABELS:
            raise BadInput(f"{_check_path(path)}: label {label!a} (allowed: {', '.join(LABELS)})")
        if (label == "reported") != is_reported(content) or (label == "judged") != is_judgement(
            content
        ):
            raise BadInput(f"{_check_path(path)}: label {label!a} is not for such a file")
        if check.get("sha256") != hashlib.sha256(path.read_bytes()).hexdigest():
            raise BadInput(f"{path}: was changed since it was checked; merge it again")
        found.append((path, LABELS[label]))
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []


def _check_path(path: Path) -> Path:
    return path.parent / CHECKS / path.name


def _write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all, and replace a link rather than follow it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).chmod(0o644)
    os.replace(temporary, path)
