"""Make the content of the leaderboard from files of runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from privbench.errors import BadInput
from privbench.escape import one_line
from privbench.leaderboard.board import AttackSummary, Board, Entry, Label, Number, Site
from privbench.leaderboard.entries import make_entry, number_of
from privbench.leaderboard.frozen.judgement import Judgement
from privbench.leaderboard.ranking import REFERENCES, UNDEFENDED, Margins
from privbench.leaderboard.sentences import sentence
from privbench.leaderboard.submissions.reported import Reported
from privbench.leaderboard.submissions.submission import BASELINES
from privbench.report.differences import Differences, first_known
from privbench.report.document import Document
from privbench.report.frontier import PUBLIC_ONLY, exposures, family, first_rows, only_on_data
from privbench.report.seeds import combine_seeds, parts_of
from privbench.report.tables import comparable_groups
from privbench.storage.results import Row, Run

BASELINE = "a baseline"
WORTHLESS = "not shown to be more accurate than public-only"
FEWER = "results of fewer seeds than others"
UNKNOWN = "errors of its differences are not known"
NO_ATTACK = "no attack on its models was run"


def make_site(
    documents: Sequence[Document],
    submissions: Sequence[tuple[Document, Label]] = (),
    reported: Sequence[Reported] = (),
    errata: Sequence[str] = (),
    judgements: Sequence[Judgement] = (),
) -> Site:
    """Return the leaderboard of some runs, and of what was submitted to it.

    There is no board where all attacks see released data, since boards rank by attacks on models.
    Boards without a ranked defense are the last.

    Args:
        documents: the project's own runs.
        submissions: runs of single defenses, each with its label. Their defenses join the boards of the
            same benchmark; without a run of it they have boards of their own.
        reported: numbers from papers, which boards of the same dataset show.
        errata: the log of errata, newest first.
        judgements: attacks that were judged on frozen outputs; they have a page of their own.
    """
    slugs = Slugs()
    joined, alone = _joined(documents, submissions)
    boards = [
        make_board(rows, source, slugs)
        for source in [*joined, *alone]
        for rows in comparable_groups(combine_seeds(source.rows))
        if any(row["status"] == "ok" for row in rows) and not only_on_data(rows)
    ]
    boards.sort(key=lambda board: not any(entry.rank for entry in board.entries))
    return Site(
        boards, attack_summaries(boards, slugs), tuple(reported), tuple(errata), tuple(judgements)
    )


@dataclass(frozen=True)
class _Source:
    """Rows of one benchmark, which may be of several runs."""

    document: Document
    rows: Sequence[Row]
    differences: Differences
    submitted: Mapping[str, tuple[Document, Label]]
    """Where the defenses that were submitted come from."""

    def of(self, defense: str) -> tuple[Document, Label]:
        """Return the run that a defense's rows are of, and its label."""
        return self.submitted.get(defense, (self.document, ""))


def _joined(
    documents: Sequence[Document], submissions: Sequence[tuple[Document, Label]]
) -> tuple[list[_Source], list[_Source]]:
    """Return a source for each run, with what was submitted to its benchmark, and those without a run.

    Of a submission, only the submitted defenses join: its baselines are those of the run.

    Raises:
        BadInput: a submission does not fit the run.
    """
    joined = []
    benchmarks = {document.run.benchmark for document in documents}
    for document in documents:
        rows = list(document.run.rows)
        submitted: dict[str, tuple[Document, Label]] = {}
        all_errors = [document.differences.errors]
        for other, label in submissions:
            if other.run.benchmark == document.run.benchmark:
                _check_same_benchmark(document.run, other.run)
                new = [row for row in other.run.rows if row["defense"] not in BASELINES]
                _check_names(other.run, new, {row["defense"] for row in rows})
                submitted |= {row["defense"]: (other, label) for row in new}
                rows += new
                all_errors.append(other.differences.errors)
        differences = Differences(first_known(all_errors))
        joined.append(_Source(document, rows, differences, submitted))
    alone = [
        _Source(other, other.run.rows, other.differences, {
            row["defense"]: (other, label)
            for row in other.run.rows if family(row["defense"]) not in REFERENCES
        })
        for other, label in submissions
        if other.run.benchmark not in benchmarks
    ]  # fmt: skip
    return joined, alone


def _check_same_benchmark(run: Run, other: Run) -> None:
    """Raise BadInput unless two runs differ in their defenses alone."""
    ours, theirs = run.configuration or {}, other.configuration or {}
    for key in sorted({*ours, *theirs} - {"defenses"}):
        if ours.get(key) != theirs.get(key):
            raise BadInput(
                f"a submission to {run.benchmark!r} has other {key}: {_short(theirs.get(key))}"
                f" (allowed: {_short(ours.get(key))})"
            )


def _check_names(run: Run, rows: Sequence[Row], taken: Collection[str]) -> None:
    """Raise BadInput if a submitted defense has the name of a reference point, or of another defense."""
    for defense in dict.fromkeys(row["defense"] for row in rows):
        if family(defense) in REFERENCES or defense in taken:
            raise BadInput(
                f"a submission to {run.benchmark!r} has a defense {one_line(defense)!r} (allowed: a name"
                f" that the leaderboard does not have, and none of {', '.join(REFERENCES)})"
            )


def _short(value: object) -> str:
    text = one_line(json.dumps(value))
    return text if len(text) <= 200 else f"{text[:200]}..."


def make_board(rows: Sequence[Row], source: _Source, slugs: Slugs) -> Board:
    """Return the board of one (benchmark, dataset, model).

    Args:
        rows: its rows, seeds combined, of which at least one is ok.
        source: where they come from.
        slugs: the names of pages so far.
    """
    run, differences = source.document.run, source.differences
    first = next(row for row in rows if row["status"] == "ok")
    place = f"{run.benchmark} {first['dataset']} {first['model']}"
    exposed = exposures([row for row in rows if row["subset"] == "records"], "auc")
    margins = Margins(exposed, differences)
    accuracies = first_rows(rows)
    not_ranked = {d: _not_ranked(d, accuracies, exposed, differences) for d in accuracies}
    found = {d: margins.of(d) for d, reason in not_ranked.items() if not reason}
    for defense, margin in found.items():
        if margin is None:
            not_ranked[defense] = UNKNOWN
    ranked = {defense: margin for defense, margin in found.items() if margin is not None}
    ranks = margins.ranks(list(ranked.values()))
    front = _front(accuracies, exposed)
    entries = []
    for defense in accuracies:
        margin = ranked.get(defense)
        position = {
            "rank": ranks.get(defense),
            "not_ranked": not_ranked[defense],
            "margin": None if margin is None else _number(margin.difference),
            "on_front": defense in front,
        }
        of_defense = [row for row in rows if row["defense"] == defense]
        document, label = source.of(defense)
        slug = slugs.of(f"{place} {defense}")
        entries.append(make_entry(of_defense, document.run, label, slug, document.curves, position))
    entries.sort(key=_order)
    public = next((row for d, row in accuracies.items() if family(d) == PUBLIC_ONLY), None)
    p_values = {defense: margin.difference.p_value() for defense, margin in ranked.items()}
    return Board(
        slug=slugs.of(place),
        title=f"{first['dataset']}, {first['model']}",
        benchmark=run.benchmark,
        dataset=first["dataset"],
        model=first["model"],
        n_models=first["n_models"],
        seeds=sorted(parts_of(first)),
        sentence=sentence(entries, p_values, sum(r == WORTHLESS for r in not_ranked.values())),
        entries=entries,
        public_only=None
        if public is None
        else number_of(public["test_accuracy"], public["test_accuracy_ci"]),
        frontier=margins.hull.points(),
        run=run,
        unmeasured=_unmeasured(rows, accuracies),
        differences=differences,
    )


def _unmeasured(rows: Sequence[Row], measured: Collection[str]) -> list[tuple[str, str]]:
    """Return the defenses that have no row that is ok, each with the reasons of its rows."""
    reasons: dict[str, dict[str, None]] = {}
    for row in rows:
        if row["defense"] not in measured:
            reasons.setdefault(row["defense"], {})[f"{row['status']}: {row['reason']}"] = None
    return [(defense, "; ".join(texts)) for defense, texts in reasons.items()]


def attack_summaries(boards: Sequence[Board], slugs: Slugs) -> list[AttackSummary]:
    """Return a summary for each attack, with its results on all boards, in alphabetical order."""
    results: dict[str, list[Any]] = {}
    for board in boards:
        for entry in board.entries:
            for attacked in entry.attacked:
                results.setdefault(attacked.attack, []).append((board, entry, attacked))
    docs = _documentation()
    return [
        AttackSummary(name, slugs.of(f"attack {name}"), docs.get(family(name), ""), results[name])
        for name in sorted(results)
    ]


class Slugs:
    """Names of pages: ASCII letters, digits and hyphens, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, text: str) -> str:
        """Return a new slug for a text.

        The same texts in the same order have the same slugs.

        >>> slugs = Slugs()
        >>> slugs.of("vae[epsilon=8]"), slugs.of("VAE, epsilon 8"), len(slugs.of("<>"))
        ('vae-epsilon-8', 'vae-epsilon-8-2', 8)
        """
        plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80].strip("-")
        stem = plain or hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
        slug, number = stem, 1
        while slug in self._taken:
            number += 1
            slug = f"{stem}-{number}"
        self._taken.add(slug)
        return slug


def _not_ranked(
    defense: str,
    accuracies: Mapping[str, Row],
    exposed: Mapping[str, Row],
    differences: Differences,
) -> str:
    """Return why a defense is not ranked; empty if it is, as far as this can be told."""
    if family(defense) in REFERENCES:
        return BASELINE
    if defense not in exposed:
        return NO_ATTACK
    if set(parts_of(exposed[defense])) != set().union(*map(parts_of, exposed.values())):
        return FEWER
    public = next((row for d, row in accuracies.items() if family(d) == PUBLIC_ONLY), None)
    if public is not None:
        found = differences.between(accuracies[defense], public, "accuracy")
        if found is not None and found.interval[0] <= 0:
            return WORTHLESS
    return ""


def _front(accuracies: Mapping[str, Row], exposed: Mapping[str, Row]) -> set[str]:
    """Return the defenses than which no other is both at least as accurate and at most as exposed."""
    points = {
        d: (row["test_accuracy"], -row["auc"]) for d, row in exposed.items() if d in accuracies
    }
    return {
        d
        for d, point in points.items()
        if not any(
            other != point and other[0] >= point[0] and other[1] >= point[1]
            for other in points.values()
        )
    }


def _number(difference: Any) -> Number:
    return Number(difference.value, *difference.interval)


def _order(entry: Entry) -> tuple[Any, ...]:
    """Ranked ones by rank; then undefended models and baselines; then what is not ranked."""
    if entry.rank is not None and entry.margin is not None:
        return 0, entry.rank, -entry.margin.value
    if entry.not_ranked == BASELINE:
        return 1, family(entry.defense) != UNDEFENDED, -entry.accuracy.value
    return 2, 0, -entry.accuracy.value


def _documentation() -> dict[str, str]:
    """Return the first paragraph of each installed attack's documentation, and its paper."""
    from privbench.components import summary
    from privbench.plugins.host import PluginHost

    host = PluginHost(installed=False)
    texts = {}
    for entry in host.registry("attack"):
        paper = f" ({entry.cls.paper})" if entry.cls.paper else ""
        texts[entry.name] = summary(entry.cls) + paper
    return texts
