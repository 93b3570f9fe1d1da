"""Plan a benchmark: every trial of the matrix, and the stages that it needs, each with its key."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from privbench.canaries import CanaryKind, obstacle
from privbench.components import Bound
from privbench.components.checks import checked_reason
from privbench.components.faults import calling, trace_of
from privbench.components.messages import error_text
from privbench.components.outcome import NoResult
from privbench.config import NONE, Benchmark, Defense, Knowledge, Unavailable, Variant
from privbench.config.selection import Selector
from privbench.errors import BadInput, ComponentError
from privbench.sizes import check_sizes, fitting_kinds
from privbench.stages import (
    AnyOutputsStage,
    AuditStage,
    ComparisonStage,
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
    walk,
)
from privbench.stages.records import MIN_MODELS
from privbench.trial import Attacked, Trial

if TYPE_CHECKING:
    from privbench.data import DataSpec
    from privbench.datasets.loading import Datasets
    from privbench.membership import Subset

AnyStage = TypeVar("AnyStage", bound=Stage)


@dataclass(frozen=True)
class Plan:
    """The trials of one benchmark and the loaded datasets."""

    benchmark: Benchmark
    trials: tuple[Trial, ...]
    data: Datasets
    remark: str = ""
    """How it differs from the benchmark of the file: overrides and selection."""

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """All stages of the trials, inputs first, each once."""
        return tuple(walk([stage for trial in self.trials for stage in trial.results]))


def make_plan(benchmark: Benchmark, select: Selector, datasets: Datasets) -> Plan:
    """Return all selected trials with their stages.

    Loads the datasets, because sizes and kinds decide what can run.

    Raises:
        BadInput: if the pool, the canaries or the public records do not fit a dataset.
    """
    planner = _Planner(benchmark, datasets)
    trials = tuple(trial for trial in planner.trials() if select(str(trial)))
    return Plan(benchmark, planner.compared(trials), datasets)


def check_plans(plans: Sequence[Plan], hint: str = "") -> None:
    """Raise BadInput if no trial of any plan is selected, or none can run with its dataset as it is.

    Args:
        plans: the plans.
        hint: what the message says at the end if no trial is selected.
    """
    trials = [trial for plan in plans for trial in plan.trials]
    if plans and not trials:
        names = ", ".join(repr(plan.benchmark.name) for plan in plans)
        raise BadInput(f"-k selects none of the trials of benchmark {names}{hint}")
    failed = [t.rejected for t in trials if t.rejected and t.rejected.status == "failed"]
    # What raised is a broken component rather than bad input: its trials fail, with the traceback.
    if failed and len(failed) == len(trials) and not any(f.traceback for f in failed):
        raise BadInput("\n".join(sorted({rejected.reason for rejected in failed})))


@dataclass
class _Planner:
    """Builds the trials of the matrix. Stages with equal keys are one object, so that sharing shows."""

    benchmark: Benchmark
    datasets: Datasets
    _stages: dict[str, Stage] = field(default_factory=dict)
    _settings: dict[str, SettingStage] = field(default_factory=dict)

    def trials(self) -> Iterator[Trial]:
        """Yield every trial of the matrix, by dataset, seed, model, defense, attack and knowledge."""
        benchmark = self.benchmark
        for dataset, seed, model, defense in itertools.product(
            benchmark.datasets, benchmark.seeds, benchmark.models, benchmark.defenses
        ):
            pipeline = self._pipeline(dataset, seed, model, defense)
            for attack, knowledge in itertools.product(benchmark.attacks, benchmark.knowledge):
                trial = Trial(
                    benchmark.name, dataset.label, defense.label, model.label, attack.label,
                    knowledge, seed, self._attacked,
                )  # fmt: skip
                if isinstance(attack, Unavailable):
                    trial = replace(trial, rejected=NoResult("unavailable", attack.reason))
                else:
                    trial = replace(trial, observes=str(attack.bound.component.observes))
                if isinstance(pipeline, NoResult):
                    yield replace(trial, rejected=pipeline)
                elif isinstance(attack, Unavailable):
                    yield trial
                else:
                    yield _planned(pipeline, trial, attack.bound)

    def compared(self, trials: Sequence[Trial]) -> tuple[Trial, ...]:
        """Return the trials, where adaptive ones are compared with the naive ones of the same attack.

        An attack with the same scores in both, such as one without a defense, is not compared.
        """
        naive = {str(replace(t, knowledge="adaptive")): t for t in trials if t.knowledge == "naive"}

        def with_comparisons(trial: Trial) -> Trial:
            other = naive.get(str(trial))
            if other is None:
                return trial
            pairs = zip(trial.metrics, other.metrics, strict=False)
            stages = tuple(self._comparison(*pair) for pair in pairs)
            return replace(trial, comparisons=stages if any(stages) else ())

        return tuple(map(with_comparisons, trials))

    def _comparison(
        self, adaptive: MetricsStage | NoResult, naive: MetricsStage | NoResult
    ) -> ComparisonStage | None:
        if isinstance(adaptive, NoResult) or isinstance(naive, NoResult):
            return None
        if adaptive.scores is naive.scores:
            return None
        return self.shared(ComparisonStage(adaptive.title, adaptive.seed, adaptive, naive))

    def shared(self, stage: AnyStage) -> AnyStage:
        """Return the stage of this plan that has the same key, or else ``stage``."""
        known = self._stages.setdefault(stage.key, stage)
        assert type(known) is type(stage)
        return known

    def with_groups(self, clean: SettingStage) -> SettingStage:
        """Return the setting of this plan with as many reference records as groups leave."""
        from privbench.membership import reference_of_groups

        data = self.datasets.get(clean.dataset)
        if clean.key not in self._settings and data.groups is not None:
            names, n_pool = clean.names, clean.n_pool
            n, n_public = reference_of_groups(data, n_pool, clean.n_public, names)
            self._settings[clean.key] = replace(clean, n_reference=n, n_public=n_public)
        return self.shared(self._settings.get(clean.key, clean))

    @property
    def _attacked(self) -> tuple[Attacked, ...]:
        kinds = self.benchmark.canary_kinds if self.benchmark.canaries else ()
        return (Attacked("records"), *(Attacked("canaries", kind) for kind in kinds))

    def _pipeline(
        self,
        dataset: Variant | Unavailable,
        seed: int,
        model: Variant | Unavailable,
        defense: Defense | Unavailable,
    ) -> _Pipeline | NoResult:
        """Return what builds the stages of a defense, or why its trials cannot run."""
        if isinstance(dataset, Unavailable):
            return NoResult("unavailable", dataset.reason)
        if isinstance(model, Unavailable):
            return NoResult("unavailable", model.reason)
        if isinstance(defense, Unavailable):
            return NoResult("unavailable", defense.reason)
        data = self.datasets.load(dataset.bound)
        if isinstance(data, NoResult):
            return data
        check_sizes(self.benchmark, dataset.label, data)
        try:
            reason = _incompatible(data.spec, model.bound, defense)
        except Exception as error:  # third-party code; the other trials go on
            return NoResult("failed", f"skip: {error_text(error)}", trace_of(error))
        if reason:
            return NoResult("skipped", reason)
        return _Pipeline(self, dataset, seed, model, defense)


@dataclass(frozen=True)
class _Pipeline:
    """Builds the stages of one (dataset, seed, model, defense)."""

    planner: _Planner
    dataset: Variant
    seed: int
    model: Variant
    defense: Defense

    def planned(self, trial: Trial, attack: Bound) -> Trial:
        """Return the trial of an attack with its stages, or rejected."""
        on_release = trial.observes == "synthetic"
        if on_release and (reason := self._no_release(trial.knowledge)):
            return replace(trial, rejected=NoResult("skipped", reason))
        make_metrics = self._release_metrics if on_release else self._metrics
        metrics: list[MetricsStage | NoResult] = []
        for attacked in trial.attacked:
            if reason := self._obstacle(attacked.canary_kind):
                metrics.append(NoResult("skipped", reason))
            else:
                metrics.append(make_metrics(attack, trial.knowledge, attacked))
        with calling(attack):
            queries = None if on_release else attack.component.queries_used()
        return replace(
            trial,
            utility=self.utility(),
            metrics=tuple(metrics),
            queries=queries,
            records=tuple(
                self._records(stage) if isinstance(stage, MetricsStage) else None
                for stage in metrics
            ),
            audits=tuple(
                self._audit(stage) if isinstance(stage, MetricsStage) else None for stage in metrics
            ),
            warnings=tuple(
                self._warnings(stage, queries) if isinstance(stage, MetricsStage) else None
                for stage in metrics
            ),
        )

    def setting(self, subset: Subset) -> SettingStage:
        """Return the stage of the split and membership."""
        from privbench.membership import pool_size, reference_size

        benchmark, datasets, bound = (
            self.planner.benchmark,
            self.planner.datasets,
            self.dataset.bound,
        )
        n_records = len(datasets.get(bound))
        n_pool = pool_size(n_records, benchmark.pool)
        n_reference = reference_size(n_records, n_pool)
        clean = SettingStage(
            title=self.dataset.label,
            seed=self.seed,
            dataset=bound,
            fingerprint=datasets.fingerprint(bound),
            n_pool=n_pool,
            n_models=benchmark.population,
            n_reference=n_reference,
            n_public=n_reference if benchmark.public is None else benchmark.public,
        )
        clean = self.planner.with_groups(clean)
        if subset == "records":
            return clean
        kinds = fitting_kinds(benchmark, datasets.get(bound).spec)
        return self.planner.shared(
            replace(clean, subset="canaries", canaries=benchmark.canaries, kinds=kinds, clean=clean)
        )

    def _obstacle(self, kind: CanaryKind | None) -> str:
        """Return why the dataset has no canaries of a kind; empty if it has."""
        spec = self.planner.datasets.get(self.dataset.bound).spec
        return "" if kind is None else obstacle(kind, spec)

    def release(self, subset: Subset) -> ReleaseStage | None:
        """Return the stage of the release; None if models are trained on the private records."""
        if not self.defense.releases:
            return None
        setting, title = self.setting(subset), self._title(subset)
        data_mechanisms, fit = self.defense.at("data"), None
        if self.defense.generator is not None:
            fit = self.planner.shared(
                FitStage(title, self.seed, setting, self.defense.generator, data_mechanisms)
            )
        return self.planner.shared(
            ReleaseStage(title, self.seed, setting, data_mechanisms, fit, self.defense.at("latent"))
        )

    def outputs(self, subset: Subset) -> AnyOutputsStage:
        """Return the stage of the outputs that an adversary sees."""
        setting, title, shared = self.setting(subset), self._title(subset), self.planner.shared
        training, release = self.defense.at("training"), self.release(subset)
        population = shared(
            PopulationStage(title, self.seed, setting, self.model.bound, training, release)
        )
        bare = shared(OutputsStage(title, self.seed, setting, population))
        if not self.defense.at("output"):
            return bare
        return shared(DefendedOutputsStage(title, self.seed, bare, self.defense.at("output")))

    def utility(self) -> UtilityStage:
        """Return the stage of accuracies and the guarantee."""
        title, release, fidelity = self._title("records"), self.release("records"), None
        if release is not None:
            fidelity = self.planner.shared(FidelityStage(title, self.seed, release))
        setting, outputs = self.setting("records"), self.outputs("records")
        return self.planner.shared(
            UtilityStage(
                title, self.seed, setting, outputs, self.defense, self.model.bound, fidelity
            )
        )

    def _metrics(self, attack: Bound, knowledge: Knowledge, attacked: Attacked) -> MetricsStage:
        subset, kind = attacked
        setting, target = self.setting(subset), self.outputs(subset)
        shadows = self if knowledge == "adaptive" else replace(self, defense=NONE)
        shadow = shadows.outputs(subset)
        title = f"{attack.name} on {target.title}"
        if knowledge == "naive":
            title += ", naive"
        scores, shadow_scores = (
            self.planner.shared(ScoresStage(title, self.seed, setting, attack, outputs, shadow))
            for outputs in (target, shadow)
        )
        return self.planner.shared(
            MetricsStage(title, self.seed, setting, scores, shadow_scores, self.utility(), kind)
        )

    def _release_metrics(self, attack: Bound, _: Knowledge, attacked: Attacked) -> MetricsStage:
        subset, kind = attacked
        release = self.release(subset)
        assert release is not None  # see `_no_release`
        setting, title = self.setting(subset), f"{attack.name} on data of {release.title}"
        scores = self.planner.shared(ReleaseScoresStage(title, self.seed, setting, attack, release))
        return self.planner.shared(
            MetricsStage(title, self.seed, setting, scores, scores, self.utility(), kind)
        )

    def _audit(self, metrics: MetricsStage) -> AuditStage:
        scores, split = metrics.scores, None
        attack = scores.attack
        if scores.is_naive:
            return self.planner.shared(AuditStage(metrics.title, self.seed, metrics, None))
        # That privbench's own attacks use no shadows if they need none is tested.
        if attack.entry.third_party or shadows_needed(attack) != "no":
            split = self.planner.shared(SplitScoresStage(metrics.title, self.seed, scores))
        return self.planner.shared(AuditStage(metrics.title, self.seed, metrics, split))

    def _records(self, metrics: MetricsStage) -> RecordsStage:
        scores, left_out = metrics.scores, None
        possible = metrics.setting.n_models >= MIN_MODELS and not scores.is_naive
        if possible and isinstance(scores, ScoresStage) and scores_left_out(scores.attack):
            left_out = self.planner.shared(LeftOutStage(metrics.title, self.seed, scores))
        return self.planner.shared(RecordsStage(metrics.title, self.seed, metrics, left_out))

    def _warnings(self, metrics: MetricsStage, queries: int | None) -> WarningsStage:
        scores, traits = metrics.scores, None
        if isinstance(scores, ScoresStage):
            outputs = scores.target
            traits = self.planner.shared(
                OutputTraitsStage(outputs.title, self.seed, scores.setting, outputs)
            )
        return self.planner.shared(
            WarningsStage(metrics.title, self.seed, metrics, queries, traits)
        )

    def _no_release(self, knowledge: Knowledge) -> str:
        """Return why there is nothing for an attack on released data; empty if there is."""
        if not self.defense.releases:
            return "an attack on released data, and this defense releases none"
        if knowledge == "naive":
            return "an attack on released data, and naive shadows release none"
        return ""

    def _title(self, subset: Subset) -> str:
        return f"{self.dataset.label}/{self.defense.label}/{self.model.label} ({subset})"


def _planned(pipeline: _Pipeline, trial: Trial, attack: Bound) -> Trial:
    """Return the trial with its stages; what its attack raises is why it has none."""
    try:
        if trial.observes != "synthetic":
            with calling(attack):
                attack.component.needs_models()  # which the keys of its stages depend on
        return pipeline.planned(trial, attack)
    except ComponentError as error:
        return replace(trial, rejected=NoResult("failed", str(error), trace_of(error)))


def _incompatible(spec: DataSpec, model: Bound, defense: Defense) -> str:
    """Return why this model cannot be trained under this defense on such data; empty if it can."""
    with calling(model):
        reasons = [(model, model.component.skip(spec))]
    if defense.generator is not None:
        with calling(defense.generator):
            reasons.append((defense.generator, defense.generator.component.skip(spec)))
    for bound in defense.mechanisms:
        with calling(bound):
            reasons.append((bound, bound.component.skip(spec, model.component)))
    texts = [checked_reason(reason, bound.name) for bound, reason in reasons]
    return next((text for text in texts if text), "")
