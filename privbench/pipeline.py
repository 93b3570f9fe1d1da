"""The stages behind the trials of one (dataset, seed, model, defense), each of them built once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from privbench.canaries import CanaryKind, obstacle
from privbench.components.outcome import NoResult
from privbench.config import Benchmark, Defense, Knowledge, Variant
from privbench.shared_stages import AnyScoresStage, AttackFacts, RowStages, SharedStages
from privbench.sizes import fitting_kinds
from privbench.stages import (
    AnyOutputsStage,
    DefendedOutputsStage,
    FidelityStage,
    FitStage,
    MetricsStage,
    OutputsStage,
    PopulationStage,
    ReleaseScoresStage,
    ReleaseStage,
    ScoresStage,
    SettingStage,
    UtilityStage,
)
from privbench.trial import Attacked, Trial

if TYPE_CHECKING:
    from privbench.datasets.loading import Datasets
    from privbench.membership import Subset


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
        if attack.on_generator and self.defense.generator is None:
            reason = "an attack on generators, and this defense has none"
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
        setting = SettingStage(
            title=p.dataset.label,
            seed=p.seed,
            dataset=bound,
            fingerprint=p.datasets.fingerprint(bound),
            n_pool=n_pool,
            n_models=benchmark.population,
            n_reference=n_reference,
            n_public=n_reference if benchmark.public is None else benchmark.public,
        )
        return p.stages.with_groups(setting, data)

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
