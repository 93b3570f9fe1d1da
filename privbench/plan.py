"""Benchmark -> plan: every trial of the matrix, and the stages that it needs, each with its key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from privbench.components import Bound
from privbench.components.checks import shown
from privbench.components.faults import calling, error_text, origin, trace_of
from privbench.config import NONE, Benchmark, Defense, Knowledge, Variant
from privbench.config.selection import Selector
from privbench.errors import BadInput, DatasetUnavailable
from privbench.stages import (
    DefendedOutputsStage,
    FidelityStage,
    FitStage,
    MetricsStage,
    OutputsStage,
    PopulationStage,
    ReleaseStage,
    ScoresStage,
    SettingStage,
    Stage,
    SyntheticScoresStage,
    UtilityStage,
    outputs_of,
    walk,
)

if TYPE_CHECKING:
    from privbench.data import Data, DataSpec
    from privbench.membership import Subset


@dataclass(frozen=True)
class Rejected:
    """Why a trial cannot run: ``skipped`` (it makes no sense), ``unavailable`` or ``failed``."""

    status: str
    reason: str
    traceback: str = ""


@dataclass(frozen=True)
class Trial:
    """One (dataset, defense, model, attack, knowledge, seed); it gives one row for each subset."""

    benchmark: str
    dataset: str
    defense: str
    model: str
    attack: str
    knowledge: Knowledge
    seed: int
    subsets: tuple[Subset, ...]
    observes: str | None = None
    """What the attack sees; None if it is unavailable."""
    rejected: Rejected | None = None
    utility: UtilityStage | None = None
    metrics: tuple[MetricsStage, ...] = ()
    """One for each subset; empty if the trial is rejected."""

    def __str__(self) -> str:
        parts = (self.dataset, self.defense, self.model, self.attack, self.knowledge)
        return "/".join((*parts, f"seed={self.seed}"))


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
        """All stages of the trials, inputs first, each key once."""
        targets: list[Stage] = []
        for trial in self.trials:
            if trial.utility is not None:
                targets += [trial.utility, *trial.metrics]
        return tuple(walk(targets))


@dataclass
class Datasets:
    """Loads each dataset once, and remembers why one could not be loaded.

    With ``fetch=False`` a dataset that would have to be downloaded counts as unavailable.
    """

    fetch: bool = True
    loaded: dict[str, Data | Rejected] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)

    def get(self, bound: Bound) -> Data:
        """A dataset that the plan has loaded."""
        data = self.load(bound)
        if isinstance(data, Rejected):
            raise BadInput(data.reason)
        return data

    def load(self, bound: Bound) -> Data | Rejected:
        """The data, or why there are none."""
        name = repr(bound.seed_part())
        if name not in self.loaded:
            self.loaded[name] = self._load(bound)
        return self.loaded[name]

    def fingerprint(self, bound: Bound) -> str:
        """Sha256 of the contents: a changed file never meets an old result."""
        name = repr(bound.seed_part())
        if name not in self.fingerprints:
            data = self.get(bound)
            content = hashlib.sha256(repr(data.spec).encode())
            content.update(data.x.data if data.x.flags.c_contiguous else data.x.tobytes())
            content.update(data.y.tobytes())
            self.fingerprints[name] = content.hexdigest()
        return self.fingerprints[name]

    def _load(self, bound: Bound) -> Data | Rejected:
        try:
            if not self.fetch and (missing := bound.component.missing()):
                return Rejected("unavailable", f"dataset {bound.name!r}: {missing}")
            data: Data = bound.component.load()
            return _check_data(bound.name, data) or data
        except DatasetUnavailable as error:
            return Rejected("unavailable", f"dataset {bound.name!r}: {error}")
        except Exception as error:  # third-party code; the other datasets go on
            _, line = origin(error, bound)
            reason = f"dataset {bound.name!r}: {error_text(error, line)}"
            return Rejected("failed", reason, trace_of(error))


def _check_data(name: str, data: Data) -> Rejected | None:
    """Hold a dataset to its contract."""
    import numpy as np

    from privbench.data import Data

    problems = []
    if not isinstance(data, Data):
        problems.append(f"load returned {shown(data)}, expected privbench.Data")
    elif data.x.dtype != np.float32 or data.y.dtype != np.int64:
        problems.append(f"x must be float32 and y int64, got {data.x.dtype} and {data.y.dtype}")
    elif data.x.shape != (len(data.y), *data.spec.shape):
        problems.append(f"x has shape {data.x.shape}, expected {(len(data.y), *data.spec.shape)}")
    elif not np.isfinite(data.x).all():
        problems.append("x has NaN or infinite values")
    elif data.spec.n_classes < 2:
        problems.append(f"there must be at least 2 classes, got {data.spec.n_classes}")
    elif len(data.y) == 0 or data.y.min() < 0 or data.y.max() >= data.spec.n_classes:
        problems.append(f"labels must lie in 0..{data.spec.n_classes - 1}")
    return Rejected("failed", f"dataset {name!r}: {problems[0]}") if problems else None


def make_plan(benchmark: Benchmark, select: Selector, datasets: Datasets) -> Plan:
    """All selected trials with their stages.

    Loads the datasets, because sizes and kinds decide what can run. Raises BadInput if the pool or the
    canaries do not fit.
    """
    trials = tuple(trial for trial in _matrix(benchmark, datasets) if select(str(trial)))
    return Plan(benchmark, trials, datasets)


def check_plans(plans: Sequence[Plan]) -> None:
    """Raise BadInput if no trial of any plan is selected, or none can run with its dataset as it is."""
    trials = [trial for plan in plans for trial in plan.trials]
    if plans and not trials:
        names = ", ".join(repr(plan.benchmark.name) for plan in plans)
        raise BadInput(f"-k selects none of the trials of benchmark {names}")
    failed = [t.rejected for t in trials if t.rejected and t.rejected.status == "failed"]
    # What raised is a broken component rather than bad input: its trials fail, with the traceback.
    if failed and len(failed) == len(trials) and not any(one.traceback for one in failed):
        raise BadInput("\n".join(sorted({rejected.reason for rejected in failed})))


def _matrix(benchmark: Benchmark, datasets: Datasets) -> Iterator[Trial]:
    for dataset in benchmark.datasets:
        for seed in benchmark.seeds:
            for model in benchmark.models:
                yield from _Block(benchmark, dataset, seed, model, datasets).trials()


@dataclass
class _Block:
    """The trials that share dataset, seed and model, and thus the populations."""

    benchmark: Benchmark
    dataset: Variant
    seed: int
    model: Variant
    datasets: Datasets

    def trials(self) -> Iterator[Trial]:
        subsets: tuple[Subset, ...] = ("records", "canaries")
        if self.benchmark.canaries == 0:
            subsets = ("records",)
        for defense in self.benchmark.defenses:
            reason = self._reject(defense)
            for attack in self.benchmark.attacks:
                for knowledge in self.benchmark.knowledge:
                    trial = Trial(
                        self.benchmark.name, self.dataset.label, defense.label, self.model.label,
                        attack.label, knowledge, self.seed, subsets, _observed(attack), reason,
                    )  # fmt: skip
                    yield trial if reason else self._with_stages(trial, defense, attack)

    def _reject(self, defense: Defense) -> Rejected | None:
        for part in (self.dataset, self.model, defense):
            if part.unavailable:
                return Rejected("unavailable", part.unavailable)
        assert self.dataset.bound is not None
        assert self.model.bound is not None
        data = self.datasets.load(self.dataset.bound)
        if isinstance(data, Rejected):
            return data
        _check_pool(self.benchmark, self.dataset.label, len(data))
        try:
            reason = _incompatible(data.spec, self.model.bound, defense)
        except Exception as error:  # third-party code; the other trials go on
            return Rejected("failed", f"skip: {error_text(error)}", trace_of(error))
        return Rejected("skipped", reason) if reason else None

    def _with_stages(self, trial: Trial, defense: Defense, attack: Variant) -> Trial:
        from dataclasses import replace

        if attack.bound is None:
            return replace(trial, rejected=Rejected("unavailable", attack.unavailable))
        if trial.observes == "synthetic" and (reason := _no_data(defense, trial.knowledge)):
            return replace(trial, rejected=Rejected("skipped", reason))
        return replace(
            trial,
            utility=self._utility(defense),
            metrics=tuple(
                self._metrics(defense, attack.bound, trial.knowledge, subset)
                for subset in trial.subsets
            ),
        )

    def _metrics(
        self, defense: Defense, attack: Bound, knowledge: Knowledge, subset: Subset
    ) -> MetricsStage:
        trains = (
            defense if knowledge == "adaptive" else NONE
        )  # what the adversary's shadows go through
        setting = self._setting(subset)
        target, shadow = self._answers(defense, subset), self._answers(trains, subset)
        name = f"{attack.name} on {target.title}"
        title = name if knowledge == "adaptive" else f"{name}, naive"
        on_data = attack.component.observes == "synthetic"
        kind = SyntheticScoresStage if on_data else ScoresStage
        scores = kind(title, self.seed, setting, attack, target, shadow)
        own = kind(f"{attack.name} on {shadow.title}", self.seed, setting, attack, shadow, shadow)
        utility = self._utility(defense)
        return MetricsStage(title, self.seed, setting, scores, own, utility)

    def _utility(self, defense: Defense) -> UtilityStage:
        assert self.model.bound is not None
        answers = self._answers(defense, "records")
        setting, title, fidelity = self._setting("records"), answers.title, None
        if defense.generator is not None or defense.at("data"):
            release = ReleaseStage(f"data of {title}", self.seed, outputs_of(answers).population)
            fidelity = FidelityStage(f"data of {title}", self.seed, release)
        return UtilityStage(
            title, self.seed, setting, answers, defense, self.model.bound, fidelity
        )  # fmt: skip

    def _answers(self, defense: Defense, subset: Subset) -> OutputsStage | DefendedOutputsStage:
        setting = self._setting(subset)
        title = f"{self.dataset.label}/{defense.label}/{self.model.label} ({subset})"
        assert self.model.bound is not None
        fit = None
        if defense.generator is not None:
            fit = FitStage(title, self.seed, setting, defense.generator, defense.at("data"))
        population = PopulationStage(title, self.seed, setting, self.model.bound, defense, fit)
        outputs = OutputsStage(title, self.seed, setting, population)
        if not defense.at("output"):
            return outputs
        return DefendedOutputsStage(title, self.seed, outputs, defense.at("output"))

    def _setting(self, subset: Subset) -> SettingStage:
        from privbench.membership import pool_size

        bound = self.dataset.bound
        assert bound is not None
        n_pool = pool_size(len(self.datasets.get(bound)), self.benchmark.pool)
        clean = SettingStage(
            self.dataset.label, self.seed, bound, self.datasets.fingerprint(bound),
            n_pool, self.benchmark.population,
        )  # fmt: skip
        if subset == "records":
            return clean
        return SettingStage(
            self.dataset.label, self.seed, bound, clean.fingerprint, n_pool, clean.n_models,
            "canaries", self.benchmark.canaries, clean,
        )  # fmt: skip


def _no_data(defense: Defense, knowledge: Knowledge) -> str:
    """Why there is nothing for an attack on released data; empty if there is."""
    if not defense.releases:
        return "an attack on released data, and this defense releases none"
    if knowledge == "naive":
        return "an attack on released data, and naive shadows release none"
    return ""


def _observed(attack: Variant) -> str | None:
    return None if attack.bound is None else str(attack.bound.component.observes)


def _check_pool(benchmark: Benchmark, dataset: str, n_records: int) -> None:
    from privbench.membership import pool_size

    if benchmark.pool is not None and benchmark.pool > n_records - 2:
        raise BadInput(
            f"benchmarks.{benchmark.name}.pool: {benchmark.pool} records do not fit: {dataset} has"
            f" {n_records}, and at least 2 must remain (allowed: 4..{n_records - 2})"
        )
    n_pool = pool_size(n_records, benchmark.pool)
    if benchmark.canaries and round(benchmark.canaries * n_pool) < 1:
        raise BadInput(
            f"benchmarks.{benchmark.name}.canaries: {benchmark.canaries:g} of a pool of {n_pool} records"
            f" is not one canary (allowed: 0 for none, or at least {1 / n_pool:.3g})"
        )
    if n_records < 10:
        raise BadInput(f"dataset {dataset!r} has {n_records} records; at least 10 are needed")


def _incompatible(spec: DataSpec, model: Bound, defense: Defense) -> str:
    """Why this model cannot be trained under this defense on such data; empty if it can."""
    with calling(model):
        reasons = [model.component.skip(spec)]
    if defense.generator is not None:
        with calling(defense.generator):
            reasons.append(defense.generator.component.skip(spec))
    for bound in defense.mechanisms:
        with calling(bound):
            reasons.append(bound.component.skip(spec, model.component))
    return next((reason for reason in reasons if reason), "")
