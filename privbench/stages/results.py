"""The stages of results: utility, fidelity of the release, and an attack's metrics."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from privbench.components import Bound
from privbench.components.faults import calling
from privbench.config import Defense
from privbench.privacy.composition import PIPELINE_ORDER, ActsOn, Composed
from privbench.stages.base import Context, Stage
from privbench.stages.guarantees import guarantee_of
from privbench.stages.release import ReleaseStage
from privbench.stages.scores import AnyOutputsStage, ReleaseScoresStage, ScoresStage
from privbench.stages.setting import SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    from privbench.canaries import CanaryKind
    from privbench.data import Data
    from privbench.membership import Setting
    from privbench.units import Units

AnyScoresStage: TypeAlias = ScoresStage | ReleaseScoresStage


@dataclass(frozen=True, eq=False)
class FidelityStage(Stage):
    """How close each model's release is to its private records; means over the models."""

    kind = "fidelity"

    title: str
    seed: int
    release: ReleaseStage

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.release.setting, self.release)

    def compute(self, context: Context) -> Artifact:
        import numpy as np

        from privbench.metrics.fidelity import column_fidelity, pairwise_fidelity

        setting: Setting = context.get(self.release.setting).live
        released: list[Data] = context.get(self.release).live
        spec = setting.pool.spec
        blocks = list(spec.categorical_blocks)
        if spec.kind != "tabular":  # decoded bits and pixels are probabilities
            blocks = [(i, i + 1) for i in range(spec.n_features)]
        columns, pairs = [], []
        for model, data in enumerate(released):
            private = setting.train_set(model)
            real, synthetic = (d.x.reshape(len(d), -1) for d in (private, data))
            columns.append(column_fidelity(real, synthetic, blocks).mean())
            pairs.append(pairwise_fidelity(real, synthetic))
        return Artifact(
            info={
                "column_fidelity": float(np.mean(columns)),
                "pairwise_fidelity": float(np.mean(pairs)),
            }
        )


@dataclass(frozen=True, eq=False)
class UtilityStage(Stage):
    """Accuracies of the clean population, and the guarantee of the defense.

    Its array ``test_correct`` (n_models, ceil(n_test / 8)) has a bit for each model and test record:
    whether the model predicts the record correctly. Differences between defenses are paired by it.
    """

    kind = "utility"

    title: str
    seed: int
    setting: SettingStage
    outputs: AnyOutputsStage
    defense: Defense
    model: Bound
    fidelity: FidelityStage | None
    """Fidelity of the release, if there is one."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        stages = (self.setting, self.outputs)
        return stages if self.fidelity is None else (*stages, self.fidelity)

    @property
    def components(self) -> tuple[Bound, ...]:
        generator = () if self.defense.generator is None else (self.defense.generator,)
        return (*generator, *self.defense.mechanisms, self.model)

    def compute(self, context: Context) -> Artifact:
        import numpy as np

        from privbench.metrics.accuracy import (
            accuracy,
            accuracy_difference,
            class_balanced_accuracy,
            majority_correct,
        )

        setting: Setting = context.get(self.setting).live
        artifact = context.get(self.outputs)
        outputs = artifact.arrays
        right_pool = outputs["pool"].argmax(-1) == setting.pool.y
        right_test = outputs["test"].argmax(-1) == setting.test.y
        test_accuracy, interval = accuracy(right_test)
        balanced_accuracy, balanced_interval = class_balanced_accuracy(right_test, setting.test.y)
        majority = majority_correct(setting.test.y, setting.pool.y)
        above_majority = accuracy_difference(
            right_test, np.broadcast_to(majority, right_test.shape)
        )[1]
        guarantee, reason = self.guarantee(setting, facts=artifact.info)
        fidelity = {} if self.fidelity is None else dict(context.get(self.fidelity).info)
        return Artifact(
            {"test_correct": np.packbits(right_test, axis=1)},
            info=fidelity
            | {
                "test_accuracy": test_accuracy,
                "test_accuracy_ci": list(interval),
                "test_balanced_accuracy": balanced_accuracy,
                "test_balanced_accuracy_ci": list(balanced_interval),
                "majority_accuracy": float(majority.mean()),
                "majority_difference_ci": list(above_majority),
                "n_test": len(setting.test),
                "clipped_share": artifact.info.get("clipped_share"),
                "train_accuracy": float(right_pool[setting.member].mean()),
                "guarantee": None if guarantee is None else guarantee.to_json(),
                "guarantee_reason": reason,
                "facts": dict(artifact.info),
            },
        )

    def guarantee(
        self,
        setting: Setting,
        acts_on: Collection[ActsOn] = PIPELINE_ORDER,
        *,
        facts: Mapping[str, float],
    ) -> Composed:
        """Return the guarantee of the mechanisms that act on ``acts_on``, or why there is none.

        ``facts`` are what training reported of itself: those of the artifact.
        """
        pool, model = setting.pool, self.model.component
        return guarantee_of(self.defense, pool.spec, len(pool) // 2, model, acts_on, facts)


@dataclass(frozen=True, eq=False)
class MetricsStage(Stage):
    """The numbers of one row of results.

    Its arrays float32 (n_models, units of the row) are the influences of pairs: ``auc_influence``, and
    ``tpr_influence_0.01`` and ``tpr_influence_0.001`` where these FPRs are resolved. Units are records,
    or groups of records that are members together. Differences between rows are paired by influences.
    The array ``roc`` float32 (3, FPRs) is what `metrics.band.roc_band` returns.
    The fact ``interval_over`` says of what the intervals take samples: "models and records" for attacks
    with shadows, and "models" for others.
    """

    kind = "metrics"

    title: str
    seed: int
    setting: SettingStage
    scores: AnyScoresStage
    shadow_scores: AnyScoresStage
    """The same attack on the population that the adversary can train: it chooses the thresholds."""
    utility: UtilityStage
    """Has the guarantee that the row is compared with."""
    canary_kind: CanaryKind | None = None
    """The canaries that the row is about; None for ordinary records."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.scores, self.shadow_scores, self.utility)

    def details(self) -> dict[str, Any]:
        # Not for wrong labels, once the only kind, so that draws stay the same.
        named = self.canary_kind not in (None, "mislabel")
        return {"canary_kind": self.canary_kind} if named else {}

    def units(self, context: Context) -> Units:
        """Return what the row is about: its records, or its groups of records."""
        from privbench.units import Units

        return Units.of(context.get(self.setting).live, self.setting.subset, self.canary_kind)

    def compute(self, context: Context) -> Artifact:
        from privbench.metrics import Influences, Pairs, Roc, summarise
        from privbench.metrics.band import roc_band

        units = self.units(context)
        member = units.member
        attack = self.scores.attack.component
        with calling(self.scores.attack):
            uses_shadows, add = attack.shadows_needed() != "no", attack.adds_up()
        target, shadow = (
            units.scores(context.get(stage).arrays["scores"], add=add)
            for stage in (self.scores, self.shadow_scores)
        )
        influences = Influences.of(target, member)
        summary = summarise(
            target,
            member,
            shadow,
            member,
            groups=units.labels if attack.per_class_threshold else None,
            rng=self.rng("bootstrap"),
            influences=influences if uses_shadows else None,
        )
        roc = Roc.of(Pairs.of(target, member))
        band = roc_band(target, member, roc, summary.interval_over)
        return Artifact(influences.arrays() | {"roc": band}, info=summary.to_json())
