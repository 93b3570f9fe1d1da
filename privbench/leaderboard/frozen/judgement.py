"""The file of a judgement: what `privbench leaderboard judge --json` prints, and `merge` adds.

Only who has the secret folder can judge, and its log has the digest of each judgement. So a judgement
that was changed, or made up, is refused where the secret is at hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privbench.errors import BadInput
from privbench.leaderboard.board import Number
from privbench.leaderboard.frozen.secret import JUDGED
from privbench.leaderboard.submissions.consistency import form_problems, refuse
from privbench.leaderboard.submissions.reading import read_strict
from privbench.seeds import canonical_json

KIND, FORMAT = "judgement", 1


@dataclass(frozen=True)
class JudgedRow:
    """What an attack finds in one population, or in one kind of its canaries."""

    benchmark: str
    dataset: str
    model: str
    defense: str
    on: str
    """``records``, or a kind of canaries."""
    n_models: int
    """Number of targets."""
    auc: Number
    tpr_at_1: Number | None
    """At 1% FPR; None if so few non-members do not resolve it."""
    tpr_at_01: Number | None
    """At 0.1% FPR; None if so few non-members do not resolve it."""
    less: Mapping[str, Number]
    """Its AUC less that of each built-in attack on the same outputs."""


@dataclass(frozen=True)
class Judgement:
    """How well one attack does on frozen outputs."""

    name: str
    authors: str
    paper: str
    code_url: str
    attack: str
    frozen: str
    """Digest of the public folder."""
    scores: str
    """Digest of the scores."""
    number: int
    """How many times scores were judged on these outputs, including this one."""
    isolated: bool | None
    """Whether the secret was hidden from the attack; None where a file of scores was judged."""
    rows: Sequence[JudgedRow]


def is_judgement(content: Any) -> bool:
    """Return whether a content says that it is a judgement."""
    return isinstance(content, dict) and content.get("kind") == KIND


def content_digest(content: Mapping[str, Any]) -> str:
    """Return the sha256 of a judgement without its number, which is known once it is logged."""
    rest = {key: value for key, value in content.items() if key != "judgement"}
    return hashlib.sha256(canonical_json(rest).encode()).hexdigest()


def read_judgement(path: str | Path) -> Judgement:
    """Return the judgement of a file.

    Raises:
        BadInput: it is not of the form of judgement.schema.json.
    """
    content = read_strict(path)
    refuse(path, form_problems(content, KIND))
    about = content["about"]
    return Judgement(
        name=about["name"],
        authors=about["authors"],
        paper=about["paper"],
        code_url=about["code_url"],
        attack=content["attack"],
        frozen=content["frozen"],
        scores=content["scores"],
        number=content["judgement"],
        isolated=content["isolated"],
        rows=[_row(row) for row in content["rows"]],
    )


def check_logged(path: str | Path, secret: Path) -> None:
    """Check that a judgement is one that was made with a secret folder, unchanged.

    Raises:
        BadInput: the log of the folder cannot be read, or does not have it.
    """
    content = read_strict(path)
    refuse(path, form_problems(content, KIND))
    log = secret / JUDGED
    try:
        lines = log.read_bytes().splitlines()
    except OSError as error:
        raise BadInput(f"--secret {secret}: {log}: {error.strerror}") from None
    digest = content_digest(content)
    numbers = [number for number, line in enumerate(lines, start=1) if _digest_of(line) == digest]
    if content["judgement"] not in numbers:
        raise BadInput(
            f"{path}: refused: {log} does not have this judgement; it was changed, or made with"
            " another secret folder"
        )


def _digest_of(line: bytes) -> str | None:
    """Return the digest that a line of the log has; None if it has none, as of older versions."""
    try:
        digest: str | None = json.loads(line)["digest"]
    except (ValueError, KeyError, TypeError):
        return None
    return digest


def judged_outputs(
    judgements: Sequence[Judgement],
) -> dict[str, dict[tuple[str, str, str, str, str], list[tuple[Judgement, JudgedRow]]]]:
    """Return what was found in each set of frozen outputs, and in each of its populations.

    Returns:
        By the digest of the folder, then by benchmark, dataset, model, defense and what was attacked:
        the judgements with their rows, the largest AUC first.
    """
    found: dict[str, dict[tuple[str, str, str, str, str], list[tuple[Judgement, JudgedRow]]]] = {}
    for judgement in judgements:
        of_outputs = found.setdefault(judgement.frozen, {})
        for row in judgement.rows:
            place = (row.benchmark, row.dataset, row.model, row.defense, row.on)
            of_outputs.setdefault(place, []).append((judgement, row))
    for of_outputs in found.values():
        for rows in of_outputs.values():
            rows.sort(key=lambda one: (-one[1].auc.value, one[0].name))
    return found


def _row(row: Mapping[str, Any]) -> JudgedRow:
    rates = row["tpr_at_fpr"]
    return JudgedRow(
        benchmark=row["benchmark"],
        dataset=row["dataset"],
        model=row["model"],
        defense=row["defense"],
        on=row["canary_kind"] or row["subset"],
        n_models=row["n_models"],
        auc=Number(row["auc"], *(row["auc_ci"] or ())),
        tpr_at_1=_rate(rates["0.01"]),
        tpr_at_01=_rate(rates["0.001"]),
        less={
            name: Number(difference["auc"]["value"], *difference["auc"]["ci"])
            for name, difference in row["differences"].items()
        },
    )


def _rate(rate: Mapping[str, Any]) -> Number | None:
    value = rate["value"]
    return None if value is None else Number(value, *(rate["ci"] or ()))
