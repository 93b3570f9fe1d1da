"""The stages ``scores``: an attack on each model, or on each release, of a population."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias, TypeVar

from privbench.components import Bound
from privbench.components.checks import checked_array
from privbench.components.copies import own_arrays
from privbench.components.faults import calling
from privbench.components.sealed import Sealed
from privbench.data import read_only
from privbench.errors import Incompatible
from privbench.stages.base import Context, Stage
from privbench.stages.fit import FitStage
from privbench.stages.outputs import DefendedOutputsStage, OutputsStage
from privbench.stages.population import PopulationStage
from privbench.stages.query_cache import QueryCache, What
from privbench.stages.release import ReleaseStage
from privbench.stages.setting import SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from privbench.attacks.base import Attack, Augment, Views
    from privbench.attacks.outputs import Outputs
    from privbench.attacks.synthetic import SyntheticViews
    from privbench.data import Data
    from privbench.mechanisms.base import OutputTransform
    from privbench.membership import Setting
    from privbench.models.trained import TrainedModel

AnyOutputsStage: TypeAlias = OutputsStage | DefendedOutputsStage
AnyViews = TypeVar("AnyViews", "Views", "SyntheticViews")


@dataclass(frozen=True, eq=False)
class ScoresStage(Stage):
    """Scores (models, pool) of an attack on models; each is the target once, the others its shadows.

    The adversary is adaptive if ``shadow`` is ``target``, and naive otherwise.
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
    def is_naive(self) -> bool:
        """Whether the shadows did not go through the defense of the targets."""
        return self.shadow is not self.target

    @property
    def _populations(self) -> tuple[PopulationStage, ...]:
        """The models themselves, for an attack that needs more than their outputs on the pool."""
        if not self.attack.component.needs_models():
            return ()
        target, shadow = self.target.population, self.shadow.population
        return (target,) if target is shadow else (target, shadow)

    def compute(self, context: Context) -> Artifact:
        attack: Attack = self.attack.component
        views = self.views(context)
        with calling(self.attack):
            obstacle = attack.obstacle(views)
        if obstacle:
            raise Incompatible(f"{self.attack.name} {obstacle}")
        return Artifact({"scores": score_views(self.attack, views, lambda: self.views(context))})

    def views(self, context: Context) -> Views:
        """Return what the adversary sees of each target; models answer as if never asked before."""
        from privbench.attacks.base import Views

        setting: Setting = context.get(self.setting).live
        observes = self.attack.component.observes
        shadow_networks = self.attack.component.shadow_networks
        target = context.get(self.target).arrays
        shadow = context.get(self.shadow).arrays
        pool, reference = observe(target["pool"], observes), observe(target["reference"], observes)
        target_models = self._models(context, self.target)
        adaptive = not self.is_naive  # then attacks see by identity that work is shared
        views = Views(
            labels=setting.pool.y,
            n_classes=setting.pool.spec.n_classes,
            targets=pool,
            shadows=pool if adaptive else observe(shadow["pool"], observes),
            shadow_labels=setting.pool.y,
            shadow_member=setting.member,
            leave_one_out=True,
            reference_labels=setting.reference.y,
            target_reference=reference,
            shadow_reference=(reference if adaptive else observe(shadow["reference"], observes)),
            rngs=[self.rng("score", model) for model in range(len(setting.member))],
            records=setting.pool.x,
            reference_records=setting.reference.x,
            target_models=target_models,
            shadow_models=target_models
            if adaptive and not shadow_networks
            else self._models(context, self.shadow, shadow_networks=shadow_networks),
            augment=self._augment() if target_models else None,
            progress=Sealed(context.progress),
        )
        return own_arrays(views) if self.attack.entry.third_party else views

    def _augment(self) -> Augment | None:
        """Return the augmentation of training; None without one."""
        from privbench.models.base import TorchModel

        model = self.target.population.model
        if not isinstance(model.component, TorchModel):
            return None
        with calling(model):
            augmentation = model.component.augmentation()
        if augmentation is None:
            return None

        def augment(x: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
            import torch

            draws = torch.from_numpy(rng.random((len(x), augmentation.draws), dtype="float32"))
            with calling(model):
                copies: NDArray[np.float32] = augmentation(torch.tensor(x), draws).numpy()
            return copies

        return Sealed(augment)

    def _models(
        self, context: Context, stage: AnyOutputsStage, *, shadow_networks: bool = False
    ) -> list[SealedModel]:
        if not self.attack.component.needs_models():
            return []
        observes = self.attack.component.observes
        shape = context.get(self.setting).live.pool.spec.shape
        models = stage.population.models(context)
        kept = _kept_answers(context, stage.population)
        transforms: list[list[OutputTransform]] = [[] for _ in models]
        if isinstance(stage, DefendedOutputsStage):
            transforms = list(stage.transforms(context))
        queried = [
            QueriedModel(
                *(model, stage, transforms[i], observes, (self.names, i), shape),
                context.query_cache,
                kept,
                has_network=shadow_networks or observes == "parameters",
            )
            for i, model in enumerate(models)
        ]
        return [
            SealedModel(Sealed(one.query), Sealed(one.classify), Sealed(one.module))
            for one in queried
        ]


@dataclass(frozen=True, slots=True)
class SealedModel:
    """One model as an attack is handed it: nothing leads from it to membership or other models."""

    query: Callable[[NDArray[np.float32]], Outputs]
    classify: Callable[[NDArray[np.float32]], NDArray[np.int64]]
    module: Callable[[], nn.Module]


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
    shape: tuple[int, ...]
    """The shape of a record."""
    query_cache: QueryCache
    kept: frozenset[What] = frozenset({"classes"})
    """What the model is not asked for again about the same records."""
    has_network: bool = False
    """Whether the attack may have its network."""
    calls: int = 0

    def query(self, x: NDArray[np.float32]) -> Outputs:
        """Return the outputs on records (n, *shape); every call is a new query.

        Raises ValueError if the records have another shape.
        """
        log_probs = self._log_probs(self._checked(x))
        if isinstance(self.stage, DefendedOutputsStage):
            floor = self.stage.floor()
            name = ("ask", *self.name, self.calls)
            log_probs = self.stage.transform(log_probs, self.transforms, floor, *name)
        self.calls += 1
        return observe(log_probs, self.observes)

    def classify(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the classes (n,) that ``query`` would predict."""
        defended = isinstance(self.stage, DefendedOutputsStage) and not self.stage.keeps_classes()
        if defended or "classes" not in self.kept:
            return self.query(x).predicted
        _, index = self.name
        return self.query_cache.of(
            self.stage.population.key, index, self._checked(x), self._classes
        )

    def _log_probs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        if "log-probabilities" not in self.kept:
            return self.model.log_probs(x)
        population, index = self.stage.population.key, self.name[1]
        return self.query_cache.of(population, index, x, self.model.log_probs, "log-probabilities")

    def _classes(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        population, index = self.stage.population.key, self.name[1]
        log_probs = None
        # Those that are not known yet are not kept: classes are smaller.
        if "log-probabilities" in self.kept:
            log_probs = self.query_cache.known(population, index, x, "log-probabilities")
        if log_probs is None:
            log_probs = self.model.log_probs(x)
        return observe(log_probs, "labels").predicted

    def _checked(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        x = np.asarray(x, dtype=np.float32)
        if x.shape[1:] != self.shape or x.ndim == 0:
            expected = "(n, " + ", ".join(map(str, self.shape)) + ")"
            raise ValueError(f"query: records have shape {x.shape}, expected {expected}")
        return x

    def module(self) -> nn.Module:
        """Return the network.

        Raises TypeError unless the attack observes "parameters"; of a shadow also if it declares
        ``shadow_networks``.
        """
        if not self.has_network:
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
    is_naive: ClassVar[bool] = False

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.release, *self._fits)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (self.attack,)

    @property
    def _fits(self) -> tuple[FitStage, ...]:
        """The fitted generators, for an attack that is handed them."""
        fit = self.release.fit
        return (fit,) if fit is not None and self.attack.component.observes == "generator" else ()

    def compute(self, context: Context) -> Artifact:
        views = self.views(context)
        with calling(self.attack):
            obstacle = self.attack.component.obstacle(views)
        if obstacle:
            raise Incompatible(f"{self.attack.name} {obstacle}")
        return Artifact({"scores": score_views(self.attack, views, lambda: self.views(context))})

    def views(self, context: Context) -> SyntheticViews:
        """Return what the adversary sees of each release."""
        from privbench.attacks.synthetic import SyntheticViews

        setting: Setting = context.get(self.setting).live
        released: list[Data] = context.get(self.release).live
        if self.attack.entry.third_party:
            # Records are released in the order of the pool, which no guarantee for each record covers.
            # privbench's own attacks do not look at it.
            released = [
                data.take(self.rng("order", model).permutation(len(data)))
                for model, data in enumerate(released)
            ]
        views = SyntheticViews(
            records=setting.pool.x,
            labels=setting.pool.y,
            targets=released,
            shadows=released,
            shadow_member=setting.member,
            reference=setting.reference,
            rngs=[self.rng("score", model) for model in range(len(released))],
            progress=Sealed(context.progress),
        )
        for fit in self._fits:
            generators = fit.published(context.get(fit), setting)
            views = replace(views, target_generators=generators, shadow_generators=generators)
        return own_arrays(views) if self.attack.entry.third_party else views


def _kept_answers(context: Context, population: PopulationStage) -> frozenset[What]:
    """Return what the models of a population are not asked for again about the same records.

    That is everything for estimators, unless their answers are random; the cache then knows their
    outputs on the records that they were asked about when they were fitted.
    """
    if not population.is_of_estimators:
        return frozenset({"classes"})
    known = context.get(population)
    if known.info["random"]:
        return frozenset()
    setting: Setting = context.get(population.setting).live
    for name in ("pool", "reference"):
        for model, log_probs in enumerate(known.arrays[name]):
            x = getattr(setting, name).x
            context.query_cache.add(population.key, model, x, log_probs, "log-probabilities")
    return frozenset({"classes", "log-probabilities"})


def observe(log_probs: NDArray[np.float32], observes: str) -> Outputs:
    """Cut log-probabilities (..., n, classes) down to what an attack declares that it observes."""
    from privbench.attacks.outputs import Outputs

    predicted = read_only(log_probs.argmax(-1))
    return Outputs(predicted, None if observes == "labels" else read_only(log_probs))


def score_views(
    attack: Bound, views: AnyViews, make_views: Callable[[], AnyViews]
) -> NDArray[np.float64]:
    """Return the scores (targets, n_pool) of an attack.

    Args:
        attack: the attack.
        views: what it sees.
        make_views: makes equal views, with the same draws to come. A third-party attack that is
            written for all targets at once is called again on some, which checks that a target's
            scores do not depend on its own membership.

    Raises:
        PrivbenchError: if they have another shape, are not finite, or depend on the membership.
    """
    import numpy as np

    from privbench.attacks.base import Attack
    from privbench.attacks.own_row import check_own_row
    from privbench.attacks.synthetic import SyntheticAttack

    component = attack.component
    shape = (len(views), len(views.labels))
    if type(component).score_all not in (Attack.score_all, SyntheticAttack.score_all):

        def score_all(views: AnyViews) -> NDArray[np.float64]:
            with calling(attack):
                returned = component.score_all(views)
            what = f"{attack.name}: score_all returned"
            return checked_array(returned, shape, what).astype(float)

        scores = score_all(views)
        if attack.entry.third_party:  # privbench's own are held to this by its tests
            check_own_row(score_all, make_views, scores, attack.name)
        return scores
    scores = np.empty(shape)
    for target, view in enumerate(views):
        with calling(attack):
            returned = component.score(view)
        scores[target] = checked_array(returned, shape[1:], f"{attack.name}: score returned")
    return scores
