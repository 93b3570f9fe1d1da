"""One trial of a benchmark: what its rows are about, and the stages behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from privbench.canaries import CanaryKind
from privbench.components.outcome import NoResult
from privbench.config import Knowledge
from privbench.stages import (
    AuditStage,
    ComparisonStage,
    MetricsStage,
    RecordsStage,
    Stage,
    UtilityStage,
    WarningsStage,
)

if TYPE_CHECKING:
    from privbench.membership import Subset


class Attacked(NamedTuple):
    """Which pool records a row of results is about."""

    subset: Subset
    canary_kind: CanaryKind | None = None
    """None for ordinary records."""


@dataclass(frozen=True)
class Trial:
    """One (dataset, defense, model, attack, knowledge, seed).

    It gives a row for ordinary records and one for each kind of canaries.
    """

    benchmark: str
    dataset: str
    defense: str
    model: str
    attack: str
    knowledge: Knowledge
    seed: int
    attacked: tuple[Attacked, ...]
    """What each of its rows is about."""
    observes: str | None = None
    """What the attack sees; None if the attack is unavailable."""
    rejected: NoResult | None = None
    """Why the trial cannot run; it has no stages then."""
    utility: UtilityStage | None = None
    metrics: tuple[MetricsStage | NoResult, ...] = ()
    """One for each row, or why the row has no numbers."""
    queries: int | None = None
    """Queries of the target per pool record; None if the attack makes none, or an unknown number."""
    records: tuple[RecordsStage | None, ...] = ()
    """One for each row that has numbers."""
    warnings: tuple[WarningsStage | None, ...] = ()
    """One for each row that has numbers."""
    audits: tuple[AuditStage | None, ...] = ()
    """One for each row that has numbers."""
    comparisons: tuple[ComparisonStage | None, ...] = ()
    """One for each row that has numbers and a row of the naive attack to be compared with."""

    def __str__(self) -> str:
        parts = (self.dataset, self.defense, self.model, self.attack, self.knowledge)
        return "/".join((*parts, f"seed={self.seed}"))

    @property
    def results(self) -> tuple[Stage, ...]:
        """The stages whose artifacts are the trial's rows; none if it is rejected."""
        if self.utility is None:
            return ()
        stages = (
            *self.metrics, *self.records, *self.audits, *self.warnings, *self.comparisons
        )  # fmt: skip
        return (self.utility, *(stage for stage in stages if isinstance(stage, Stage)))
