"""The data that a defense releases, and attacks on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.components import Bound
from privbench.stages.answers import DefendedOutputsStage, OutputsStage
from privbench.stages.attacking import outputs_of, score_views
from privbench.stages.base import Context, Stage
from privbench.stages.training import PopulationStage, SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    from privbench.attacks.synthetic import SyntheticViews
    from privbench.data import Data
    from privbench.membership import Setting


@dataclass(frozen=True, eq=False)
class ReleaseStage(Stage):
    """The training set of each model as it leaves the pipeline; made again rather than stored."""

    kind = "release"
    stored = False

    title: str
    seed: int
    population: PopulationStage

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return self.population.inputs

    def versions(self) -> dict[str, Any]:
        return {"population": self.population.key}

    def compute(self, context: Context) -> Artifact:
        setting: Setting = context.get(self.population.setting).live
        return Artifact(live=self.population.release(context, setting) or [])


@dataclass(frozen=True, eq=False)
class FidelityStage(Stage):
    """How close each model's released set is to its private one; means over the models."""

    kind = "fidelity"

    title: str
    seed: int
    release: ReleaseStage

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.release.population.setting, self.release)

    def compute(self, context: Context) -> Artifact:
        import numpy as np

        from privbench.metrics.fidelity import column_fidelity, pairwise_fidelity

        setting: Setting = context.get(self.release.population.setting).live
        spec = setting.pool.spec
        blocks = [column.features for column in spec.columns if column.type == "categorical"]
        if spec.kind != "tabular":  # decoded bits and pixels are probabilities
            blocks = [(i, i + 1) for i in range(math.prod(spec.shape))]
        columns, pairs = [], []
        for model, data in enumerate(context.get(self.release).live):
            real, released = (
                one.x.reshape(len(one), -1) for one in (setting.train_set(model), data)
            )
            columns.append(column_fidelity(real, released, blocks).mean())
            pairs.append(pairwise_fidelity(real, released))
        found = {"column_fidelity": columns, "pairwise_fidelity": pairs}
        return Artifact(info={name: float(np.mean(one)) for name, one in found.items()})


@dataclass(frozen=True, eq=False)
class SyntheticScoresStage(Stage):
    """Scores (models, pool) of an attack on released data, as `ScoresStage` of one on answers."""

    kind = "scores"
    weight = 2.0

    title: str
    seed: int
    setting: SettingStage
    attack: Bound
    target: OutputsStage | DefendedOutputsStage
    shadow: OutputsStage | DefendedOutputsStage

    @property
    def inputs(self) -> tuple[Stage, ...]:
        target, shadow = self._releases
        return (
            (self.setting, target) if target.key == shadow.key else (self.setting, target, shadow)
        )

    @property
    def components(self) -> tuple[Bound, ...]:
        return (self.attack,)

    @property
    def _releases(self) -> tuple[ReleaseStage, ReleaseStage]:
        target, shadow = (
            ReleaseStage(f"data of {one.title}", self.seed, outputs_of(one).population)
            for one in (self.target, self.shadow)
        )
        return target, shadow

    def compute(self, context: Context) -> Artifact:
        return Artifact({"scores": score_views(self.attack, self._views(context))})

    def _views(self, context: Context) -> SyntheticViews:
        from privbench.attacks.synthetic import SyntheticViews

        setting: Setting = context.get(self.setting).live
        released: list[list[Data]] = [context.get(one).live for one in self._releases]
        targets, shadows = released
        return SyntheticViews(
            records=setting.pool.x,
            labels=setting.pool.y,
            targets=targets,
            shadows=shadows,
            shadow_member=setting.member[: len(shadows)],
            reference=setting.reference,
            rngs=[self.rng("score", model) for model in range(len(targets))],
            progress=context.progress,
        )
