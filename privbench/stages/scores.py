"""The stages ``scores``: an attack on each model, or on each release, of a population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from privbench.components import Bound
from privbench.components.checks import checked_array
from privbench.components.faults import calling
from privbench.errors import Incompatible
from privbench.stages.base import Context, Stage
from privbench.stages.outputs import DefendedOutputsStage, OutputsStage
from privbench.stages.population import PopulationStage
from privbench.stages.release import ReleaseStage
from privbench.stages.setting import SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from privbench.attacks.base import Attack, Outputs, Views
    from privbench.attacks.synthetic import SyntheticViews
    from privbench.data import Data
    from privbench.mechanisms.base import OutputTransform
    from privbench.membership import Setting
    from privbench.models.trained import TrainedModel

AnyOutputsStage: TypeAlias = OutputsStage | DefendedOutputsStage


@dataclass(frozen=True, eq=False)
class ScoresStage(Stage):
    """Scores (models, pool) of an attack on models; each is the target once, the others its shadows.

    The adversary is adaptive if ``shadow`` is ``target``.
    """

    kind = "scores"
    weight = 2.0

    title: str
    seed: int
    setting: SettingStage
    attack: Bound
    target: AnyOutputsStage
    shadow: AnyOutputsStage

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.target, self.shadow, *self._populations)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (self.attack,)

    @property
    def _populations(self) -> tuple[PopulationStage, ...]:
        """The models themselves, for an attack that needs more than their outputs on the pool."""
        if not self.attack.component.needs_models():
            return ()
        target, shadow = self.target.population, self.shadow.population
        return (target,) if target is shadow else (target, shadow)

    def compute(self, context: Context) -> Artifact:
        views = self._views(context)
        attack: Attack = self.attack.component
        if obstacle := attack.obstacle(views):
            raise Incompatible(f"{self.attack.name} {obstacle}")
        return Artifact({"scores": score_views(self.attack, views)})

    def _views(self, context: Context) -> Views:
        from privbench.attacks.base import Views

        setting: Setting = context.get(self.setting).live
        observes = self.attack.component.observes
        target = context.get(self.target).arrays
        shadow = context.get(self.shadow).arrays
        target_models = self._models(context, self.target)
        return Views(
            labels=setting.pool.y,
            n_classes=setting.pool.spec.n_classes,
            targets=observe(target["pool"], observes),
            shadows=observe(shadow["pool"], observes),
            shadow_labels=setting.pool.y,
            shadow_member=setting.member,
            leave_one_out=True,
            reference_labels=setting.reference.y,
            target_reference=observe(target["reference"], observes),
            shadow_reference=observe(shadow["reference"], observes),
            rngs=[self.rng("score", model) for model in range(len(setting.member))],
            records=setting.pool.x,
            reference_records=setting.reference.x,
            target_models=target_models,
            shadow_models=(
                target_models if self.shadow is self.target else self._models(context, self.shadow)
            ),
            progress=context.progress,
        )

    def _models(self, context: Context, stage: AnyOutputsStage) -> list[QueriedModel]:
        if not self.attack.component.needs_models():
            return []
        observes = self.attack.component.observes
        models = stage.population.models(context)
        transforms: list[list[OutputTransform]] = [[] for _ in models]
        if isinstance(stage, DefendedOutputsStage):
            transforms = list(stage.transforms(context))
        return [
            QueriedModel(model, stage, transforms[i], observes, (self.names, i))
            for i, model in enumerate(models)
        ]


@dataclass
class QueriedModel:
    """One model as an adversary meets it: behind the defense's output mechanisms."""

    model: TrainedModel
    stage: AnyOutputsStage
    transforms: Sequence[OutputTransform]
    """Those of the output mechanisms."""
    observes: str
    name: tuple[str, int]
    """Names the random draws: whose queries, and of which model."""
    calls: int = 0

    def query(self, x: NDArray[np.float32]) -> Outputs:
        """Return the outputs on records (n, *shape); every call is a new query."""
        log_probs = self.model.log_probs(x)
        if isinstance(self.stage, DefendedOutputsStage):
            floor = self.stage.floor()
            name = ("ask", *self.name, self.calls)
            log_probs = self.stage.transform(log_probs, self.transforms, floor, *name)
        self.calls += 1
        return observe(log_probs, self.observes)

    def module(self) -> nn.Module:
        """Return the network. Raises TypeError unless the attack observes "parameters"."""
        if self.observes != "parameters":
            raise TypeError(
                f"this attack declares observes = {self.observes!r}, so it has no network"
            )
        return self.model.module()


@dataclass(frozen=True, eq=False)
class ReleaseScoresStage(Stage):
    """Scores (models, pool) of an attack on released data; each release is the target once.

    The adversary is adaptive, since naive shadows release nothing.
    """

    kind = "scores"
    weight = 2.0

    title: str
    seed: int
    setting: SettingStage
    attack: Bound
    release: ReleaseStage

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.release)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (self.attack,)

    def compute(self, context: Context) -> Artifact:
        return Artifact({"scores": score_views(self.attack, self._views(context))})

    def _views(self, context: Context) -> SyntheticViews:
        from privbench.attacks.synthetic import SyntheticViews

        setting: Setting = context.get(self.setting).live
        released: list[Data] = context.get(self.release).live
        return SyntheticViews(
            records=setting.pool.x,
            labels=setting.pool.y,
            targets=released,
            shadows=released,
            shadow_member=setting.member,
            reference=setting.reference,
            rngs=[self.rng("score", model) for model in range(len(released))],
            progress=context.progress,
        )


def observe(log_probs: NDArray[np.float32], observes: str) -> Outputs:
    """Cut log-probabilities (..., n, classes) down to what an attack declares that it observes."""
    from privbench.attacks.base import Outputs

    return Outputs(log_probs.argmax(-1), None if observes == "labels" else log_probs)


def score_views(attack: Bound, views: Views | SyntheticViews) -> NDArray[np.float64]:
    """Return the scores (targets, n_pool) of an attack.

    Raises:
        PrivbenchError: if they have another shape or are not finite.
    """
    import numpy as np

    from privbench.attacks.base import Attack
    from privbench.attacks.synthetic import SyntheticAttack

    component = attack.component
    shape = (len(views), len(views.labels))
    if type(component).score_all not in (Attack.score_all, SyntheticAttack.score_all):
        with calling(attack):
            returned = component.score_all(views)
        return checked_array(returned, shape, f"{attack.name}: score_all returned").astype(float)
    scores = np.empty(shape)
    for target, view in enumerate(views):
        with calling(attack):
            returned = component.score(view)
        scores[target] = checked_array(returned, shape[1:], f"{attack.name}: score returned")
    return scores
