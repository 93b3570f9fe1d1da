"""Plan a benchmark: every trial of the matrix, and the stages that it needs, each with its key."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from privbench.components import Bound
from privbench.components.checks import checked_reason
from privbench.components.faults import calling, trace_of
from privbench.components.messages import error_text
from privbench.components.outcome import NoResult
from privbench.config import NONE, Benchmark, Defense, Unavailable, Variant
from privbench.config.selection import Selector
from privbench.errors import BadInput, ComponentError
from privbench.pipeline import Pipeline
from privbench.shared_stages import AttackFacts, SharedStages
from privbench.sizes import check_sizes
from privbench.stages import ComparisonStage, MetricsStage, Stage, walk
from privbench.trial import Attacked, Trial

if TYPE_CHECKING:
    from privbench.data import DataSpec
    from privbench.datasets.loading import Datasets


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
        return tuple(walk(stage for trial in self.trials for stage in trial.results))


def make_plan(benchmark: Benchmark, select: Selector, datasets: Datasets) -> Plan:
    """Return all selected trials with their stages.

    Loads the datasets, because sizes and kinds decide what can run.

    Raises:
        BadInput: if the pool, the canaries or the public records do not fit a dataset.
    """
    planner = _Planner(benchmark, datasets, select)
    with _without_garbage_collection():
        return Plan(benchmark, planner.compared(list(planner.trials())), datasets)


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


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Suspend the search for cycles: a plan has millions of objects, and all of them stay."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass
class _Planner:
    """Builds the trials of the matrix."""

    benchmark: Benchmark
    datasets: Datasets
    select: Selector
    _stages: SharedStages = field(default_factory=SharedStages)
    _rejected: dict[tuple[str, str, str], NoResult | None] = field(default_factory=dict)
    """Why trials of a dataset, model and defense cannot run, by label; None if they can."""

    def trials(self) -> Iterator[Trial]:
        """Yield the selected trials, by dataset, seed, model, defense, attack and knowledge."""
        benchmark = self.benchmark
        attacks = [
            attack if isinstance(attack, Unavailable) else AttackFacts(attack.label, attack.bound)
            for attack in benchmark.attacks
        ]
        for dataset, seed, model in itertools.product(
            benchmark.datasets, benchmark.seeds, benchmark.models
        ):
            undefended: Pipeline | None = None
            for defense in benchmark.defenses:
                pipeline = self._pipeline(dataset, seed, model, defense, undefended)
                if isinstance(pipeline, Pipeline):
                    undefended = pipeline.undefended
                for attack, knowledge in itertools.product(attacks, benchmark.knowledge):
                    observes = attack.observes if isinstance(attack, AttackFacts) else None
                    trial = Trial(
                        benchmark.name, dataset.label, defense.label, model.label, attack.label,
                        knowledge, seed, self._attacked, observes,
                    )  # fmt: skip
                    if self.select(str(trial)):
                        yield _planned(pipeline, trial, attack)

    def compared(self, trials: Sequence[Trial]) -> tuple[Trial, ...]:
        """Return the trials, where adaptive ones are compared with the naive ones of the same attack.

        An attack with the same scores in both, such as one without a defense, is not compared.
        """

        def compared_parts(trial: Trial) -> tuple[str | int, ...]:
            return (trial.dataset, trial.seed, trial.model, trial.defense, trial.attack)

        naive = {compared_parts(trial): trial for trial in trials if trial.knowledge == "naive"}

        def with_comparisons(trial: Trial) -> Trial:
            other = naive.get(compared_parts(trial))
            if other is None or other is trial:
                return trial
            pairs = zip(trial.metrics, other.metrics, strict=False)
            stages = tuple(self._comparison(*pair) for pair in pairs)
            return replace(trial, comparisons=stages) if any(stages) else trial

        return tuple(map(with_comparisons, trials))

    def _comparison(
        self, adaptive: MetricsStage | NoResult, naive: MetricsStage | NoResult
    ) -> ComparisonStage | None:
        if isinstance(adaptive, NoResult) or isinstance(naive, NoResult):
            return None
        if adaptive.scores is naive.scores:
            return None
        return self._stages.shared(ComparisonStage(adaptive.title, adaptive.seed, adaptive, naive))

    @cached_property
    def _attacked(self) -> tuple[Attacked, ...]:
        kinds = self.benchmark.canary_kinds if self.benchmark.canaries else ()
        return (Attacked("records"), *(Attacked("canaries", kind) for kind in kinds))

    def _pipeline(
        self,
        dataset: Variant | Unavailable,
        seed: int,
        model: Variant | Unavailable,
        defense: Defense | Unavailable,
        undefended: Pipeline | None,
    ) -> Pipeline | NoResult:
        """Return what builds the stages of a defense, or why its trials cannot run."""
        name = (dataset.label, model.label, defense.label)
        if name not in self._rejected:
            self._rejected[name] = self._rejection(dataset, model, defense)
        if (rejected := self._rejected[name]) is not None:
            return rejected
        # What is unavailable is rejected.
        assert isinstance(dataset, Variant)
        assert isinstance(model, Variant)
        assert isinstance(defense, Defense)
        parts = (self.benchmark, self.datasets, self._stages, dataset, seed, model)
        return Pipeline(*parts, defense, undefended or Pipeline(*parts, NONE))

    def _rejection(
        self,
        dataset: Variant | Unavailable,
        model: Variant | Unavailable,
        defense: Defense | Unavailable,
    ) -> NoResult | None:
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
        return NoResult("skipped", reason) if reason else None


def _planned(
    pipeline: Pipeline | NoResult, trial: Trial, attack: AttackFacts | Unavailable
) -> Trial:
    """Return the trial with its stages; what its attack raises is why it has none."""
    if isinstance(pipeline, NoResult):
        return replace(trial, rejected=pipeline)
    if not isinstance(attack, AttackFacts):
        return replace(trial, rejected=NoResult("unavailable", attack.reason))
    try:
        attack.check()
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
