"""The contract of an attack.

    class Certainty(Attack):
        '''Log-probability of the predicted class.'''
        name = "certainty"

        def score(self, view):
            return view.target.log_prob_of(view.target.predicted)

Larger scores mean member, everywhere. An attack never sees the membership of its target. It sees the
outputs (or parameters) of the target and of the shadows, as its ``observes`` declares; the membership
of the shadows; and reference records, which are private records of no model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.outputs import Outputs
from privbench.components import Component

if TYPE_CHECKING:
    from torch import nn

Observes = Literal["labels", "probabilities", "parameters"]
NeedsShadows = Literal["no", "any", "same records"]
Task = Literal["classification", "regression", "multi-label"]
"""What the attacked models do; of the last two see `tasks`."""

Augment = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]
"""Returns a randomly augmented copy of each record (n, *shape)."""


class Model(Protocol):
    """One model that an adversary can query, or whose parameters it has."""

    def query(self, x: NDArray[np.float32]) -> Outputs:
        """Return its outputs for records (n, *shape), after the defense's output mechanisms.

        Every call is a new query: random mechanisms draw afresh.
        """
        ...

    def classify(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the classes (n,) that ``query`` would predict; cheaper where a defense keeps them."""
        ...

    def module(self) -> nn.Module:
        """Return its network, in eval mode: records to logits, without output mechanisms."""
        ...


@dataclass(frozen=True)
class View:
    """Everything that the adversary sees of one target.

    Attributes:
        labels: int64 (n_pool,), the labels of the pool. For other tasks see `tasks`.
        n_classes: number of classes.
        target: outputs of the target for the pool.
        shadows: outputs of the shadows, with a leading axis of models.
        shadow_labels: int64, the labels of the records of ``shadows``: those of the pool, unless an
            attack declares that "any" records will do (``needs_shadows``).
        shadow_member: bool (n_shadows, n_pool), which records each shadow was trained on.
        reference_labels: int64 (n_reference,), the labels of the reference records.
        target_reference: outputs of the target for the reference records.
        shadow_reference: outputs of the shadows for the reference records.
        rng: the only source of randomness.
        records: float32 (n_pool, *shape), features; None where only predictions are known.
        reference_records: float32 (n_reference, *shape); None where only predictions are known.
        target_model: None unless the attack declares ``queries`` or ``shadow_networks``, or observes
            "parameters".
        shadow_models: empty unless the attack declares ``queries`` or ``shadow_networks``, or observes
            "parameters".
        augment: augments records as training does; None where it does not, or without models. The
            adversary knows the recipe of training.
        task: what the models do; "classification" for an attack that declares no other ``tasks``.
    """

    labels: NDArray[np.int64]
    n_classes: int
    target: Outputs
    shadows: Outputs
    shadow_labels: NDArray[np.int64]
    shadow_member: NDArray[np.bool_]
    reference_labels: NDArray[np.int64]
    target_reference: Outputs
    shadow_reference: Outputs
    rng: np.random.Generator
    records: NDArray[np.float32] | None = None
    reference_records: NDArray[np.float32] | None = None
    target_model: Model | None = None
    shadow_models: Sequence[Model] = ()
    augment: Augment | None = None
    task: Task = "classification"


@dataclass(frozen=True)
class Views:
    """The views of several targets at once, for attacks that share work between targets.

    The attributes are those of `View`, with a leading axis of targets in ``targets`` and
    ``target_reference``. With ``leave_one_out``, shadow i is target i or stands for it, and target i
    must not use it: neither its outputs, nor its membership, nor its network.
    """

    labels: NDArray[np.int64]
    n_classes: int
    targets: Outputs
    shadows: Outputs
    shadow_labels: NDArray[np.int64]
    shadow_member: NDArray[np.bool_]
    leave_one_out: bool
    reference_labels: NDArray[np.int64]
    target_reference: Outputs
    shadow_reference: Outputs
    rngs: Sequence[np.random.Generator]
    records: NDArray[np.float32] | None = None
    reference_records: NDArray[np.float32] | None = None
    target_models: Sequence[Model] = ()
    shadow_models: Sequence[Model] = ()
    augment: Augment | None = None
    task: Task = "classification"
    progress: Callable[[int, int], None] = lambda done, total: None

    def __len__(self) -> int:
        return len(self.targets)

    def __iter__(self) -> Iterator[View]:
        """Iterate over the views of single targets, and report progress after each."""
        for target in range(len(self)):
            yield self[target]
            self.progress(target + 1, len(self))

    def __getitem__(self, target: int) -> View:
        """Return the view of one target."""
        may_use = np.ones(len(self.shadows), dtype=bool)
        if self.leave_one_out:
            may_use[target] = False
        return View(
            labels=self.labels,
            n_classes=self.n_classes,
            target=self.targets[target],
            shadows=self.shadows[may_use],
            shadow_labels=self.shadow_labels,
            shadow_member=self.shadow_member[may_use],
            reference_labels=self.reference_labels,
            target_reference=self.target_reference[target],
            shadow_reference=self.shadow_reference[may_use],
            rng=self.rngs[target],
            records=self.records,
            reference_records=self.reference_records,
            target_model=self.target_models[target] if self.target_models else None,
            shadow_models=[m for m, use in zip(self.shadow_models, may_use, strict=False) if use],
            augment=self.augment,
            task=self.task,
        )

    def part(self, targets: NDArray[np.int64], shadows: NDArray[np.int64]) -> Views:
        """Return the views of some targets, which may use some of the shadows, all of them.

        Args:
            targets: int64 (n,), indices of targets.
            shadows: int64 (k,), indices of shadows.
        """
        return replace(
            self,
            targets=self.targets[targets],
            shadows=self.shadows[shadows],
            shadow_member=self.shadow_member[shadows],
            leave_one_out=False,
            target_reference=self.target_reference[targets],
            shadow_reference=self.shadow_reference[shadows],
            rngs=[self.rngs[i] for i in targets],
            target_models=[self.target_models[i] for i in targets] if self.target_models else [],
            shadow_models=[self.shadow_models[i] for i in shadows] if self.shadow_models else [],
        )

    def among(self, models: NDArray[np.int64]) -> Views:
        """Return the views of some shadows (n,) that are targets as well, each with the others.

        Their draws are those of the targets they stand for.
        """
        part = self.part(models, models)
        return replace(
            part,
            targets=part.shadows,
            leave_one_out=True,
            target_reference=part.shadow_reference,
            target_models=part.shadow_models,
        )

    @classmethod
    def single(cls, view: View) -> Views:
        """Return the views of a single target, which may use all shadows."""
        return cls(
            labels=view.labels,
            n_classes=view.n_classes,
            targets=view.target[None],
            shadows=view.shadows,
            shadow_labels=view.shadow_labels,
            shadow_member=view.shadow_member,
            leave_one_out=False,
            reference_labels=view.reference_labels,
            target_reference=view.target_reference[None],
            shadow_reference=view.shadow_reference,
            rngs=[view.rng],
            records=view.records,
            reference_records=view.reference_records,
            target_models=[view.target_model] if view.target_model is not None else [],
            shadow_models=view.shadow_models,
            augment=view.augment,
            task=view.task,
        )


class Attack(Component, ABC):
    """Gives each pool record a score for one target."""

    kind: ClassVar[str] = "attack"
    observes: ClassVar[Observes] = "probabilities"
    needs_shadows: ClassVar[NeedsShadows] = "same records"
    """Which shadows it needs, and is skipped without: "no", "any" (whose outputs may be for records
    other than the pool's), or "same records" (whose outputs are for the pool)."""
    needs_reference: ClassVar[bool] = False
    """Whether it needs reference records, and is skipped without."""
    needs_records: ClassVar[bool] = False
    """Whether it needs the records' features, and is skipped where only predictions are known."""
    queries: ClassVar[bool] = False
    """Whether it queries the target on records of its own."""
    shadow_networks: ClassVar[bool] = False
    """Whether it uses the networks of the shadows, which the adversary trained, although it does not
    observe that of the target."""
    fits_normals: ClassVar[bool] = False
    """Whether it takes the scaled confidences of a record's shadows to be normal."""
    tasks: ClassVar[tuple[Task, ...]] = ("classification",)
    """The tasks of models that it can attack; it is skipped for others."""
    arrays: ClassVar[int] = 16
    """How many float64 arrays (targets, n_pool) it takes at most, for the forecast of a run's memory."""
    additive: ClassVar[bool] = False
    """Whether the scores of independent records add up, as log-likelihood ratios and log-odds do. In an
    audit of groups of records the score of a group is then the sum over its records, otherwise the
    mean."""
    per_class_threshold: ClassVar[bool] = False
    """Whether balanced accuracy uses one threshold per class (Song, Mittal 2021)."""

    def adds_up(self) -> bool:
        """Return whether scores add up with these parameters; see ``additive``."""
        return self.additive

    def needs_models(self) -> bool:
        """Return whether it needs the models themselves, beyond their outputs for the pool."""
        return self.queries or self.observes == "parameters" or self.shadow_networks

    def queries_used(self) -> int | None:
        """Return how many queries of the target it makes per pool record.

        The outputs for the pool are one query. Override it in an attack that ``queries``: the default
        is then None, which stands for an unknown number. It is None, too, for an attack that observes
        "parameters", which makes no queries. Queries of reference records do not count. Return None as
        well if the score of a record depends on the target's outputs for others.
        """
        return None if self.needs_models() else 1

    def uses_reference(self) -> bool:
        """Return whether scores depend on the target's outputs for reference records.

        Override it in an attack that uses them where there are some, and does not need them.
        """
        return self.needs_reference

    def shadows_needed(self) -> NeedsShadows:
        """Return which shadows it needs with these parameters; see ``needs_shadows``."""
        return self.needs_shadows

    def obstacle(self, views: Views) -> str:
        """Return what is missing in ``views`` for this attack, or an empty string."""
        if self.needs_models() and not views.target_models:
            what = "parameters" if self.observes == "parameters" else "outputs for its own queries"
            return f"needs the target's {what}, and there are predictions only"
        if self.needs_records and views.records is None:
            return "needs the records themselves, and there are predictions only"
        if self.needs_reference and not len(views.reference_labels):
            return "needs reference records"
        needed = self.shadows_needed()
        if needed == "no":
            return ""
        if not len(views.shadows) - views.leave_one_out:
            return "needs shadows"
        if needed == "same records" and views.shadow_labels is not views.labels:
            return "needs shadows on the same records"
        return ""

    @abstractmethod
    def score(self, view: View) -> NDArray[np.float64]:
        """Return scores (n_pool,), finite, larger = member."""

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool), which must equal those of ``score`` for each view.

        Override it to share work between targets. The scores of a target must not depend on its own
        row of ``shadow_member``. Attacks that rehearse on their shadows, such as `auto`, may do so with
        fewer shadows for a group of targets than for a single view.
        """
        return np.stack([self.score(view) for view in views])


class BatchedAttack(Attack):
    """An attack that scores all targets at once; a single target is a special case."""

    @abstractmethod
    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool), finite, larger = member."""

    def score(self, view: View) -> NDArray[np.float64]:
        """Return the scores (n_pool,) of one target."""
        scores: NDArray[np.float64] = self.score_all(Views.single(view))[0]
        return scores
