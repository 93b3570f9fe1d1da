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
        import numpy as np

        from privbench.metrics.warnings import OutputTraits

        setting: Setting = context.get(self.setting).live
        outputs = context.get(self.outputs)
        in_subset = setting.attacked(self.setting.subset)
        labels = setting.pool.y[in_subset]
        phi = np.empty((len(setting.member), len(labels)))
        for model, log_probs in enumerate(
            outputs.arrays["pool"]
        ):  # one by one, to bound the memory
            observed = observe(log_probs[in_subset], "probabilities")
            phi[model] = observed.scaled_confidence(labels)
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
        stages = (self.metrics.setting, self.metrics, self.metrics.utility)
        return stages if self.traits is None else (*stages, self.traits)

    def compute(self, context: Context) -> Artifact:
        from privbench.metrics import warnings
        from privbench.metrics.clustered import Estimate

        setting: Setting = context.get(self.metrics.setting).live
        member = self.metrics.units(context).member
        utility = self.metrics.utility
        facts = context.get(utility).info
        stored = facts["guarantee"]
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
        numbers = context.get(self.metrics)
        psi, over = numbers.arrays["auc_influence"].astype(float), numbers.info["interval_over"]
        found += warnings.below_chance(Estimate.of(numbers.info["auc"], psi, over))
        if self.metrics.setting.subset == "records":
            found += warnings.repeated_records(setting.repeated, len(setting.pool))
        if guarantee is not None:
            bound = guarantee.tpr_bound(warnings.AT_FPR)
            found += warnings.guarantee_allows_all(bound)
            norms = [
                getattr(m.component, "max_grad_norm", None) for m in utility.defense.mechanisms
            ]
            norm = next((norm for norm in norms if norm is not None), None)
            found += warnings.clipping_binds(facts.get("clipped_share"), norm, bound)
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
        return (self.adaptive, self.naive)

    def compute(self, context: Context) -> Artifact:
        from privbench.metrics.clustered import Estimate
        from privbench.metrics.warnings import naive_is_stronger

        adaptive, naive = (context.get(stage) for stage in (self.adaptive, self.naive))
        psi = naive.arrays["auc_influence"].astype(float) - adaptive.arrays["auc_influence"]
        gain = naive.info["auc"] - adaptive.info["auc"]
        found = naive_is_stronger(Estimate.of(gain, psi, adaptive.info["interval_over"]))
        return Artifact(info={"warnings": found})
