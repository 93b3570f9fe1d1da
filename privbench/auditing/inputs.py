"""What audits read: the files that numbers came from."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from privbench.auditing.predictions import Predictions


@dataclass(frozen=True)
class Input:
    """Something that an audit read."""

    role: str
    """Such as ``target``, ``shadow``, ``train`` or ``synthetic``."""
    name: str
    """The name of the file; empty for data in memory."""
    sha256: str | None
    """The digest of the file."""


@dataclass(frozen=True)
class PredictionsInput(Input):
    """Predictions that an audit read."""

    n_models: int
    n_records: int
    read_as: tuple[str, ...] = ()
    """What was taken for what, where there was a choice."""

    @classmethod
    def of(cls, role: str, source: object, predictions: Predictions) -> PredictionsInput:
        """Describe predictions that came from ``source``, a file or arrays."""
        n_models, n_records = predictions.member.shape
        n_holdout, notes = predictions.n_holdout, predictions.notes
        if role == "holdout":
            n_records, notes = n_holdout, ()
        elif role == "target":
            n_records -= n_holdout
        return cls(role, *_name_and_digest(source), n_models, n_records, notes)


@dataclass(frozen=True)
class TableInput(Input):
    """A table that an audit read."""

    n_rows: int

    @classmethod
    def of(cls, role: str, source: object, n_rows: int) -> TableInput:
        """Describe a table that came from ``source``, a file or data in memory."""
        return cls(role, *_name_and_digest(source), n_rows)


def _name_and_digest(source: object) -> tuple[str, str | None]:
    if not isinstance(source, str | Path):
        return "", None
    with Path(source).open("rb") as file:
        return Path(source).name, file_digest(file, "sha256").hexdigest()
