"""The stages of warnings: reasons to doubt the numbers of a row (see `privbench.metrics.warnings`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from privbench.privacy.guarantees import Guarantee
from privbench.stages.base import Context, Stage
from privbench.stages.results import MetricsStage
from privbench.stages.scores import AnyOutputsStage, observe
from privbench.stages.setting import SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    from privbench.membership import Setting


@dataclass(frozen=True, eq=False)
class OutputTraitsStage(Stage):
    """What attacks have to cope with in the outputs of a population: randomness, ties, their shape."""

    kind = "output-traits"
    weight = 0.2

    title: str
    seed: int
    setting: SettingStage
    outputs: AnyOutputsStage

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.outputs)

    def compute(self, context: Context) -> Artifact:
        from privbench.metrics.warnings import OutputTraits

        setting: Setting = context.get(self.setting).live
        outputs = context.get(self.outputs)
        in_subset = setting.attacked(self.setting.subset)
        observed = observe(outputs.arrays["pool"][:, in_subset], "probabilities")
        phi = observed.scaled_confidence(setting.pool.y[in_subset])
        traits = OutputTraits.of(phi, setting.member[:, in_subset], outputs.info.get("random", 0.0))
        return Artifact(info=traits.to_json())


@dataclass(frozen=True, eq=False)
class WarningsStage(Stage):
    """The warnings of one row, other than those that compare it with another row."""

    kind = "warnings"
    weight = 0.2

    title: str
    seed: int
    metrics: MetricsStage
    queries: int | None
    """Queries of the target per pool record; see `Attack.queries_used`."""
    traits: OutputTraitsStage | None
    """Traits of the target's outputs; None for attacks on released data."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        stages = (self.metrics.setting, self.metrics.scores, self.metrics, self.metrics.utility)
        return stages if self.traits is None else (*stages, self.traits)

    def compute(self, context: Context) -> Artifact:
        from privbench.metrics import Pairs, warnings

        setting: Setting = context.get(self.metrics.setting).live
        in_subset = setting.attacked(self.metrics.setting.subset, self.metrics.canary_kind)
        member = setting.member[:, in_subset]
        scores = context.get(self.metrics.scores).arrays["scores"][:, in_subset].astype(float)
        stored = context.get(self.metrics.utility).info["guarantee"]
        guarantee = None if stored is None else Guarantee.from_json(stored)
        attack = self.metrics.scores.attack.component
        found = []
        if self.traits is not None:
            traits = warnings.OutputTraits.from_json(context.get(self.traits).info)
            found += warnings.of_outputs(
                traits,
                queries=self.queries,
                sees_probabilities=attack.observes == "probabilities",
                fits_normals=attack.fits_normals,
            )
            if attack.shadows_needed() == "same records":
                found += warnings.few_shadows(member, leave_one_out=True)
        found += warnings.below_chance(
            Pairs.of(scores, member), context.get(self.metrics).info["auc"]
        )
        if guarantee is not None:
            found += warnings.guarantee_allows_all(guarantee.tpr_bound(warnings.AT_FPR))
        return Artifact(info={"warnings": found})


@dataclass(frozen=True, eq=False)
class ComparisonStage(Stage):
    """The warning of an adaptive attack that the naive one is stronger."""

    kind = "comparison"
    weight = 0.2

    title: str
    seed: int
    adaptive: MetricsStage
    naive: MetricsStage

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.adaptive.setting, self.adaptive.scores, self.naive.scores)

    def compute(self, context: Context) -> Artifact:
        from privbench.metrics.warnings import naive_is_stronger

        setting: Setting = context.get(self.adaptive.setting).live
        in_subset = setting.attacked(self.adaptive.setting.subset, self.adaptive.canary_kind)
        adaptive, naive = (
            context.get(stage.scores).arrays["scores"][:, in_subset].astype(float)
            for stage in (self.adaptive, self.naive)
        )
        return Artifact(
            info={"warnings": naive_is_stronger(adaptive, naive, setting.member[:, in_subset])}
        )
