"""The content of the leaderboard, without a word about how it looks: a pure function of files of runs.

A `Site` has a `Board` for each (dataset, model), and a board has an `Entry` for each defense.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from privbench.storage.results import Row, Run

if TYPE_CHECKING:
    from privbench.leaderboard.frozen.judgement import Judgement
    from privbench.leaderboard.submissions.reported import Reported

Label = Literal["", "rerun", "spot-checked", "reported", "judged"]
"""How far a submission was checked: all rows or a sample were computed again, it is a number from a
paper, or an attack that was judged on frozen outputs. Empty for runs of the project's own."""


@dataclass(frozen=True)
class Number:
    """A number with its 95% interval; ``low`` and ``high`` are None where it has none."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends of the interval; None where it has none."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True)
class Curve:
    """A ROC curve with a pointwise 95% band, on one grid of false positive rates for all curves."""

    fpr: Sequence[float]
    tpr: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Attacked:
    """What one attack finds: one row of results, or rows of several seeds as one."""

    attack: str
    knowledge: str
    canary_kind: str | None
    """None for records."""
    auc: Number
    tpr_at_1: Number | None
    """At 1% FPR; None if so few non-members do not resolve it."""
    tpr_at_01: Number | None
    """At 0.1% FPR; None if so few non-members do not resolve it."""
    row: Row
    """All columns."""
    curve: Curve | None = None


@dataclass(frozen=True)
class Flag:
    """A warning: a short code that a cell has room for, and the sentence it stands for."""

    code: str
    text: str


@dataclass(frozen=True)
class Entry:
    """One defense on one board."""

    defense: str
    slug: str
    """Name of its page, unique on the site: ASCII letters, digits and hyphens."""
    label: Label
    rank: tuple[int, int] | None
    """The best and the worst rank that the intervals allow, from 1; rows that cannot be told apart share
    them. None for a baseline, and for what is not ranked (`not_ranked`)."""
    not_ranked: str
    """Why it has no rank, as "less accurate than public-only"; empty if it has one."""
    margin: Number | None
    """How much less exposed it is (AUC of the ranking attack) than the frontier at its accuracy; see
    `ranking`."""
    on_front: bool
    """Whether no other defense is both more accurate and less exposed."""
    accuracy: Number
    generalization_gap: float | None
    ranked_by: Attacked | None
    """The ranking attack (`auto`, adaptive, on records; else the strongest)."""
    strongest: Attacked | None
    naive: Attacked | None
    """The strongest naive attack on records."""
    canaries: Attacked | None
    """The most exposed kind of canaries."""
    release: Attacked | None
    """The strongest attack on released data."""
    claim: str
    """The guarantee as tables show it, such as "8 dp"; empty without."""
    verdict: str
    audited: float | None
    ceiling: float | None
    detectable: float | None
    flags: Sequence[Flag]
    seconds: float | None
    """Seconds of everything behind the row that took longest."""
    attacked: Sequence[Attacked]
    """All attacks that worked, by subset, knowledge and exposure."""
    failed: Sequence[Row]
    """Rows that are not `ok`, with their reasons."""
    configuration: dict[str, Any]
    """The resolved defense: generator and mechanisms with all parameters."""
    run: Run
    command: str
    """The command that computes its rows again."""


@dataclass(frozen=True)
class Board:
    """One (dataset, model) of one benchmark."""

    slug: str
    title: str
    benchmark: str
    dataset: str
    model: str
    n_models: int
    seeds: Sequence[int]
    sentence: str
    """Who wins and why, from the intervals."""
    entries: Sequence[Entry]
    """Ranked first, by rank; then baselines; then what is not ranked."""
    public_only: Number | None
    """The accuracy of training on public records alone."""
    frontier: Sequence[tuple[float, float]]
    """Corners (AUC, accuracy) of the frontier of what anybody can have; see `ranking`."""
    run: Run
    differences: Any = None
    """`report.differences.Differences`, for pages that compare two defenses."""
    unmeasured: Sequence[tuple[str, str]] = ()
    """Defenses without a row that is ok, and why."""


@dataclass(frozen=True)
class AttackSummary:
    """One attack over all boards."""

    attack: str
    slug: str
    doc: str
    """The first paragraph of its documentation, and its paper."""
    results: Sequence[tuple[Board, Entry, Attacked]]


@dataclass(frozen=True)
class Site:
    """The whole leaderboard."""

    boards: Sequence[Board]
    attacks: Sequence[AttackSummary]
    reported: Sequence[Reported] = ()
    """Numbers from papers; nobody computed them here."""
    errata: Sequence[str] = ()
    """Entries of the log of errata, newest first, as Markdown."""
    judgements: Sequence[Judgement] = ()
    """Attacks that were judged on frozen outputs."""
