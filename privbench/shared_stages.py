"""The stages of a plan, each of them built once, and what attacks say that decides about them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from privbench.components import Bound
from privbench.components.faults import calling
from privbench.stages import (
    AuditStage,
    LeftOutStage,
    MetricsStage,
    OutputTraitsStage,
    RecordsStage,
    ReleaseScoresStage,
    ScoresStage,
    SettingStage,
    SplitScoresStage,
    Stage,
    WarningsStage,
    scores_left_out,
    shadows_needed,
)
from privbench.stages.records import MIN_MODELS

if TYPE_CHECKING:
    from privbench.data import Data

AnyScoresStage: TypeAlias = ScoresStage | ReleaseScoresStage
AnyStage = TypeVar("AnyStage", bound=Stage)


@dataclass(frozen=True)
class AttackFacts:
    """An attack and what it says of itself, which it is asked once.

    What it raises becomes a ComponentError; then it is asked again for the next trial.
    """

    label: str
    bound: Bound

    @cached_property
    def observes(self) -> str:
        """What it sees."""
        return str(self.bound.component.observes)

    @property
    def on_release(self) -> bool:
        """Whether it observes released data or its generator, rather than models."""
        return self.observes in ("synthetic", "generator")

    @property
    def on_generator(self) -> bool:
        """Whether it observes fitted generators."""
        return self.observes == "generator"

    @cached_property
    def queries(self) -> int | None:
        """Queries of the target per pool record; None if it makes none, or an unknown number."""
        if self.on_release:
            return None
        with calling(self.bound):
            n_queries: int | None = self.bound.component.queries_used()
        return n_queries

    def check(self) -> None:
        """Ask what the keys of its stages depend on, which must not raise when keys are computed."""
        if not self.on_release:
            with calling(self.bound):
                self.bound.component.needs_models()

    @cached_property
    def has_split_scores(self) -> bool:
        """Whether an audit needs scores by means of models that are not targets."""
        # That privbench's own attacks use no shadows if they need none is tested.
        return self.bound.entry.third_party or shadows_needed(self.bound) != "no"

    @cached_property
    def is_scored_left_out(self) -> bool:
        """Whether it is scored with groups of models left out."""
        return scores_left_out(self.bound)


class RowStages(NamedTuple):
    """The stages of one row of a trial, besides utility and comparison."""

    metrics: MetricsStage
    records: RecordsStage
    audit: AuditStage
    warnings: WarningsStage


@dataclass
class SharedStages:
    """The stages of a plan. Those with equal keys are one object, so that sharing shows."""

    _by_key: dict[str, Stage] = field(default_factory=dict)
    _rows: dict[Stage, RowStages] = field(default_factory=dict)
    """By the stage ``metrics``: what follows from it is not built twice."""
    _settings: dict[str, SettingStage] = field(default_factory=dict)
    """Settings of datasets with groups, by the key of the setting that knows of none."""

    def shared(self, stage: AnyStage) -> AnyStage:
        """Return the stage of this plan that has the same key, or else ``stage``."""
        known = self._by_key.setdefault(stage.key, stage)
        assert type(known) is type(stage)
        return known

    def with_groups(self, setting: SettingStage, data: Data) -> SettingStage:
        """Return the setting of this plan with as many reference records as groups leave."""
        from privbench.membership import reference_of_groups

        if setting.key not in self._settings and data.groups is not None:
            n_reference, n_public = reference_of_groups(
                data, setting.n_pool, setting.n_public, setting.names
            )
            self._settings[setting.key] = replace(
                setting, n_reference=n_reference, n_public=n_public
            )
        return self.shared(self._settings.get(setting.key, setting))

    def row(self, metrics: MetricsStage, attack: AttackFacts) -> RowStages:
        """Return the stages of the row whose numbers are ``metrics``."""
        metrics = self.shared(metrics)
        if metrics not in self._rows:
            title, seed = metrics.title, metrics.seed
            traits = self._traits(metrics.scores)
            self._rows[metrics] = RowStages(
                metrics,
                self.shared(RecordsStage(title, seed, metrics, self._left_out(metrics, attack))),
                self.shared(AuditStage(title, seed, metrics, self._split(metrics, attack))),
                self.shared(WarningsStage(title, seed, metrics, attack.queries, traits)),
            )
        return self._rows[metrics]

    def _split(self, metrics: MetricsStage, attack: AttackFacts) -> SplitScoresStage | None:
        scores = metrics.scores
        if scores.is_naive or not attack.has_split_scores:
            return None
        return self.shared(SplitScoresStage(metrics.title, metrics.seed, scores))

    def _left_out(self, metrics: MetricsStage, attack: AttackFacts) -> LeftOutStage | None:
        scores = metrics.scores
        if metrics.setting.n_models < MIN_MODELS or scores.is_naive:
            return None
        if not isinstance(scores, ScoresStage) or not attack.is_scored_left_out:
            return None
        return self.shared(LeftOutStage(metrics.title, metrics.seed, scores))

    def _traits(self, scores: AnyScoresStage) -> OutputTraitsStage | None:
        if not isinstance(scores, ScoresStage):
            return None
        outputs = scores.target
        return self.shared(OutputTraitsStage(outputs.title, scores.seed, scores.setting, outputs))
