"""The stages behind the trials of one (dataset, seed, model, defense), each of them built once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from privbench.canaries import CanaryKind, obstacle
from privbench.components import Bound
from privbench.components.faults import calling
from privbench.components.outcome import NoResult
from privbench.config import Benchmark, Defense, Knowledge, Variant
from privbench.sizes import fitting_kinds
from privbench.stages import (
    AnyOutputsStage,
    AuditStage,
    DefendedOutputsStage,
    FidelityStage,
    FitStage,
    LeftOutStage,
    MetricsStage,
    OutputsStage,
    OutputTraitsStage,
    PopulationStage,
    RecordsStage,
    ReleaseScoresStage,
    ReleaseStage,
    ScoresStage,
    SettingStage,
    SplitScoresStage,
    Stage,
    UtilityStage,
    WarningsStage,
    scores_left_out,
    shadows_needed,
)
from privbench.stages.records import MIN_MODELS
from privbench.trial import Attacked, Trial

if TYPE_CHECKING:
    from privbench.datasets.loading import Datasets
    from privbench.membership import Subset

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
        """Whether it observes released data rather than models."""
        return self.observes == "synthetic"

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

    def shared(self, stage: AnyStage) -> AnyStage:
        """Return the stage of this plan that has the same key, or else ``stage``."""
        known = self._by_key.setdefault(stage.key, stage)
        assert type(known) is type(stage)
        return known

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


@dataclass(eq=False)
class Pipeline:
    """Builds the stages of one (dataset, seed, model, defense)."""

    benchmark: Benchmark
    datasets: Datasets
    stages: SharedStages
    dataset: Variant
    seed: int
    model: Variant
    defense: Defense
    undefended: Pipeline | None = None
    """The pipeline without a defense, which trains naive shadows; None if this is it."""

    def planned(self, trial: Trial, attack: AttackFacts) -> Trial:
        """Return the trial of an attack with its stages, or rejected."""
        if attack.on_release and (reason := self._no_release(trial.knowledge)):
            return replace(trial, rejected=NoResult("skipped", reason))
        rows = [self._row(attack, trial.knowledge, attacked) for attacked in trial.attacked]
        with_numbers = [row if isinstance(row, RowStages) else None for row in rows]
        return replace(
            trial,
            utility=self.utility,
            metrics=tuple(row.metrics if isinstance(row, RowStages) else row for row in rows),
            queries=attack.queries,
            records=tuple(row and row.records for row in with_numbers),
            audits=tuple(row and row.audit for row in with_numbers),
            warnings=tuple(row and row.warnings for row in with_numbers),
        )

    def branch(self, subset: Subset) -> Branch:
        """Return the stages of the population that is trained without canaries, or with them."""
        return self._records if subset == "records" else self._canaries

    @cached_property
    def _records(self) -> Branch:
        return Branch(self, "records")

    @cached_property
    def _canaries(self) -> Branch:
        return Branch(self, "canaries")

    @cached_property
    def utility(self) -> UtilityStage:
        """The stage of accuracies and the guarantee."""
        clean, shared, fidelity = self.branch("records"), self.stages.shared, None
        if clean.release is not None:
            fidelity = shared(FidelityStage(clean.title, self.seed, clean.release))
        setting, outputs, model = clean.setting, clean.outputs, self.model.bound
        return shared(
            UtilityStage(clean.title, self.seed, setting, outputs, self.defense, model, fidelity)
        )

    def _row(
        self, attack: AttackFacts, knowledge: Knowledge, attacked: Attacked
    ) -> RowStages | NoResult:
        subset, kind = attacked
        if reason := self._obstacle(kind):
            return NoResult("skipped", reason)
        branch, undefended = self.branch(subset), self.undefended or self
        scores = shadow_scores = branch.scores(attack)
        if attack.on_release:
            title = scores.title
        else:
            title = f"{attack.bound.name} on {branch.outputs.title}"
            if knowledge == "naive":
                title += ", naive"
                scores = branch.naive_scores(attack)
                shadow_scores = undefended.branch(subset).scores(attack)
        setting, utility = branch.setting, self.utility
        return self.stages.row(
            MetricsStage(title, self.seed, setting, scores, shadow_scores, utility, kind), attack
        )

    def _obstacle(self, kind: CanaryKind | None) -> str:
        """Return why the dataset has no canaries of a kind; empty if it has."""
        return "" if kind is None else obstacle(kind, self.datasets.get(self.dataset.bound).spec)

    def _no_release(self, knowledge: Knowledge) -> str:
        """Return why there is nothing for an attack on released data; empty if there is."""
        if not self.defense.releases:
            return "an attack on released data, and this defense releases none"
        if knowledge == "naive":
            return "an attack on released data, and naive shadows release none"
        return ""


@dataclass(eq=False)
class Branch:
    """The stages of a pipeline with one of its two populations: with canaries, or without."""

    pipeline: Pipeline
    subset: Subset
    _scores: dict[tuple[str, Knowledge], AnyScoresStage] = field(default_factory=dict)
    """By the attack's label."""

    @cached_property
    def title(self) -> str:
        """What users see."""
        p = self.pipeline
        return f"{p.dataset.label}/{p.defense.label}/{p.model.label} ({self.subset})"

    @cached_property
    def setting(self) -> SettingStage:
        """The stage of the split and membership."""
        from privbench.membership import pool_size, reference_size

        p, shared = self.pipeline, self.pipeline.stages.shared
        benchmark, bound = p.benchmark, p.dataset.bound
        data = p.datasets.get(bound)
        if self.subset == "canaries":
            clean, kinds = p.branch("records").setting, fitting_kinds(benchmark, data.spec)
            canaries = benchmark.canaries
            return shared(
                replace(clean, subset="canaries", canaries=canaries, kinds=kinds, clean=clean)
            )
        n_pool = pool_size(len(data), benchmark.pool)
        n_reference = reference_size(len(data), n_pool)
        return shared(
            SettingStage(
                title=p.dataset.label,
                seed=p.seed,
                dataset=bound,
                fingerprint=p.datasets.fingerprint(bound),
                n_pool=n_pool,
                n_models=benchmark.population,
                n_reference=n_reference,
                n_public=n_reference if benchmark.public is None else benchmark.public,
            )
        )

    @cached_property
    def release(self) -> ReleaseStage | None:
        """The stage of the release; None if models are trained on the private records."""
        p, shared, setting = self.pipeline, self.pipeline.stages.shared, self.setting
        defense, fit = p.defense, None
        if not defense.releases:
            return None
        data, latent = defense.at("data"), defense.at("latent")
        if defense.generator is not None:
            fit = shared(FitStage(self.title, p.seed, setting, defense.generator, data))
        return shared(ReleaseStage(self.title, p.seed, setting, data, fit, latent))

    @cached_property
    def outputs(self) -> AnyOutputsStage:
        """The stage of the outputs that an adversary sees."""
        p, shared, setting = self.pipeline, self.pipeline.stages.shared, self.setting
        training, output, model = p.defense.at("training"), p.defense.at("output"), p.model.bound
        population = shared(
            PopulationStage(self.title, p.seed, setting, model, training, self.release)
        )
        bare = shared(OutputsStage(self.title, p.seed, setting, population))
        return shared(DefendedOutputsStage(self.title, p.seed, bare, output)) if output else bare

    def scores(self, attack: AttackFacts) -> AnyScoresStage:
        """Return the stage of an attack whose shadows went through the defense."""
        name: tuple[str, Knowledge] = (attack.label, "adaptive")
        if name not in self._scores:
            p, setting, bound = self.pipeline, self.setting, attack.bound
            stage: AnyScoresStage
            if attack.on_release:
                assert self.release is not None  # see `Pipeline._no_release`
                title = f"{bound.name} on data of {self.release.title}"
                stage = ReleaseScoresStage(title, p.seed, setting, bound, self.release)
            else:
                title, outputs = f"{bound.name} on {self.outputs.title}", self.outputs
                stage = ScoresStage(title, p.seed, setting, bound, outputs, outputs)
            self._scores[name] = p.stages.shared(stage)
        return self._scores[name]

    def naive_scores(self, attack: AttackFacts) -> AnyScoresStage:
        """Return the stage of an attack whose shadows have no defense."""
        name: tuple[str, Knowledge] = (attack.label, "naive")
        if name not in self._scores:
            p, bound, target = self.pipeline, attack.bound, self.outputs
            shadow = (p.undefended or p).branch(self.subset).outputs
            title = f"{bound.name} on {target.title}, naive"
            self._scores[name] = p.stages.shared(
                ScoresStage(title, p.seed, self.setting, bound, target, shadow)
            )
        return self._scores[name]
