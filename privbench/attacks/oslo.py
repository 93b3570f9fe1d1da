"""OSLO: one query of the target, which answers with a label alone.

Peng, Roh, Maini, Houmansadr 2024, "OSLO: One-Shot Label-Only Membership Inference Attacks", arXiv
2405.16978. The adversary perturbs a record until models that were not trained on it no longer predict
its label, and no further. A target that still does so is likely to have been trained on the record. The
record's OUT shadows are divided into source and validation models:

1. The momentum iterative fast gradient sign method (Dong et al. 2018, arXiv 1710.06081) perturbs the
   record by at most a small budget, by the gradients of the source models. Their logits are averaged.
2. If the validation models' mean confidence in the label is still ``threshold`` or more, the attack
   starts again with a larger budget, up to the largest one.
3. The perturbed record is the one query. A record that is given its label is called a member.

A smaller ``threshold`` takes larger perturbations: fewer members are found, and fewer others with them.

This follows the abstract and descriptions of the attack by others. Deviations that we know of:

- One bit gives a single point of the ROC. Records with the same answer are ordered by p, the mean
  confidence of all their OUT shadows after the perturbation, which takes no query: the score is 2 - p if
  the target predicts the label, and 1 - p otherwise. The less models in general expect the label, the
  more it says that the target gives it. With p the adversary also ranks records that no budget moved.
- The paper trains surrogate models on other data, for instance nine sources and three models for
  validation. Here they are the record's OUT shadows, about half of all, and some targets share the
  perturbed records (see `own_shadows`). A single OUT shadow is source and validation model. Without any,
  the record itself is the query, and p is taken to be 1/2.
- The budget is the share of each feature's range by which it may change, and records stay in the range
  of the pool and the reference records. Binary features take values between 0 and 1, which no real
  record has.
- A record that the validation models doubt from the start is asked about as it is.
- The defaults of ``threshold``, ``stages`` and ``iterations`` were chosen on 400 records of Location-30.

Shadows must be torch modules. Of the target nothing but the label is used; its output mechanisms act on
the query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, Observes, Views
from privbench.attacks.moments import Bools, Floats
from privbench.attacks.own_shadows import groups_of_targets

if TYPE_CHECKING:
    from torch import Tensor, nn

Records = NDArray[np.float32]
Ints = NDArray[np.int64]

MOMENTUM = 1.0
"""Decay of the accumulated gradient, as in Dong et al."""
BATCH = 512
"""Records that are perturbed at a time, which bounds the memory that the gradients take."""
UNKNOWN = 0.5
"""Mean confidence of the OUT shadows of a record that has none."""


class Oslo(BatchedAttack):
    """Whether an adversarial example of the record's OUT shadows keeps the label under the target."""

    name: ClassVar[str] = "oslo"
    paper: ClassVar[str] = "Peng et al. 2024, arXiv 2405.16978"
    observes: ClassVar[Observes] = "labels"
    needs_records: ClassVar[bool] = True
    queries: ClassVar[bool] = True
    shadow_networks: ClassVar[bool] = True

    threshold: float = Field(
        0.03,
        gt=0,
        le=1,
        description="mean confidence of the validation models in the label below which a record is "
        "perturbed enough; a smaller one finds fewer members with more precision",
    )
    budget: float = Field(
        0.5,
        gt=0,
        le=1,
        description="largest change of each feature, as a share of the feature's range; with a smaller "
        "one the steps up to it are finer",
    )
    stages: int = Field(
        10, ge=1, description="number of budgets to try, at equal steps up to the largest"
    )
    iterations: int = Field(5, ge=1, description="gradient steps for each budget")
    validation: float = Field(
        0.25,
        gt=0,
        lt=1,
        description="share of a record's OUT shadows, at least one, that tell when a perturbation is "
        "enough; the others are its sources",
    )

    def queries_used(self) -> int:
        """Return 1: the outputs for the pool are not used."""
        return 1

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool): above 1 if the target predicts the label, else below."""
        scores = np.empty((len(views), len(views.labels)))
        done = 0
        for group, known in groups_of_targets(views):
            records, confidence = self.perturb(views.part(group, known))
            for target in group:
                keeps_label = views.target_models[target].classify(records) == views.labels
                scores[target] = keeps_label + 1 - confidence
            done += len(group)
            views.progress(done, len(views))
        return scores

    def perturb(self, views: Views) -> tuple[Records, Floats]:
        """Perturb the records by means of all shadows in ``views``.

        Returns:
            The records (n_pool, *shape) to ask targets about, and the mean confidence (n_pool,) of their
            OUT shadows in their labels.
        """
        import torch

        assert views.records is not None  # needs_records
        modules = [model.module() for model in views.shadow_models]
        out = ~views.shadow_member
        is_source, validates = split(out, self.validation)
        low, high = ranges(views)
        device = next((p.device for module in modules for p in module.parameters()), None)

        def tensor(array: NDArray[np.generic]) -> Tensor:
            return torch.tensor(array, device=device)

        records, confidence = views.records.copy(), np.full(len(views.labels), UNKNOWN)
        usable = np.flatnonzero(out.any(axis=0))
        for start in range(0, len(usable), BATCH):
            part = usable[start : start + BATCH]
            surrogates = Surrogates(
                modules,
                tensor(is_source[:, part]),
                tensor(validates[:, part]),
                tensor(views.labels[part]),
            )
            moved = self._perturb(
                surrogates, tensor(views.records[part]), tensor(low), tensor(high)
            )
            records[part] = moved.cpu().numpy()
            confidence[part] = surrogates.confidence(moved, surrogates.out).cpu().numpy()
        return records, confidence

    def _perturb(self, surrogates: Surrogates, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return the records ``x`` (n, *shape) after the perturbation."""
        import torch

        moved, confidence = x.clone(), surrogates.confidence(x, surrogates.validates)
        for stage in range(1, self.stages + 1):
            left = torch.nonzero(confidence >= self.threshold).ravel()
            if not len(left):
                break
            these = surrogates.of(left)
            reach = self.budget * stage / self.stages * (high - low)
            moved[left] = momentum_steps(these, x[left], reach, low, high, self.iterations)
            confidence[left] = these.confidence(moved[left], these.validates)
        return moved


def split(out: Bools, share: float) -> tuple[Bools, Bools]:
    """Divide each record's OUT shadows into source and validation models: (shadows, n) each.

    The last ones validate: a ``share`` of them, but one at least, and one source is left. A single OUT
    shadow is both.
    """
    count = out.sum(axis=0)
    n_validate = np.clip(np.rint(share * count), 1, np.maximum(count - 1, 1))
    later = np.cumsum(out[::-1], axis=0)[::-1]  # 1 for the last OUT shadow
    validates = out & (later <= n_validate)
    return out & (~validates | (count == 1)), validates


def ranges(views: Views) -> tuple[Records, Records]:
    """Return the least and the largest value of each feature (*shape) in pool and reference records."""
    assert views.records is not None
    low, high = views.records.min(axis=0), views.records.max(axis=0)
    if views.reference_records is None or not len(views.reference_records):
        return low, high
    reference = views.reference_records
    return np.minimum(low, reference.min(axis=0)), np.maximum(high, reference.max(axis=0))


class Surrogates:
    """The models that stand for one that was not trained on a record: its OUT shadows.

    Args:
        modules: the networks, in eval mode.
        is_source: bool (modules, n), the records that each is a source model of.
        validates: bool (modules, n), the records that each is a validation model of.
        labels: int64 (n,).
    """

    def __init__(
        self, modules: Sequence[nn.Module], is_source: Tensor, validates: Tensor, labels: Tensor
    ) -> None:
        self.modules = modules
        self.is_source = is_source
        self.validates = validates
        self.labels = labels

    def of(self, records: Tensor) -> Surrogates:
        """Return those of some of the records."""
        return Surrogates(
            self.modules,
            self.is_source[:, records],
            self.validates[:, records],
            self.labels[records],
        )

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient of each record's loss, of the sources' mean logits, up to its scale.

        It is that of log sum_{c != y} exp(z_c) - z_y, the margin of the logits z. The gradient of the
        cross-entropy is parallel, and vanishes where the label's probability rounds to one.
        """
        import torch

        x = x.detach().requires_grad_()
        with torch.enable_grad():
            logits = self._sum(x, self.is_source, lambda z: z) / self.is_source.sum(0)[:, None]
            label = logits.gather(1, self.labels[:, None])[:, 0]
            others = logits.scatter(1, self.labels[:, None], -torch.inf)
            loss = (others.logsumexp(1) - label).sum()
            (gradient,) = torch.autograd.grad(loss, x)
        return gradient

    @property
    def out(self) -> Tensor:
        """Which models (modules, n) are source or validation models."""
        return self.is_source | self.validates

    def confidence(self, x: Tensor, which: Tensor) -> Tensor:
        """Return the mean probability (n,) of each record's label; ``which`` as ``is_source``."""
        import torch

        with torch.no_grad():
            total = self._sum(x, which, lambda z: z.softmax(1))
        of_label = total.gather(1, self.labels[:, None])[:, 0]
        return of_label / which.sum(0)

    def _sum(self, x: Tensor, which: Tensor, answer: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the sum (n, classes) of what each record's models answer; ``which`` (modules, n)."""
        total: Tensor | None = None
        for module, asked in zip(self.modules, which, strict=True):
            rows = asked.nonzero().ravel()
            if not len(rows):
                continue
            answers = answer(module(x[rows]).float())
            if total is None:
                total = answers.new_zeros(len(x), answers.shape[1])
            total = total.index_add(0, rows, answers)
        assert total is not None  # each record has a model
        return total


def momentum_steps(
    surrogates: Surrogates, x: Tensor, reach: Tensor, low: Tensor, high: Tensor, iterations: int
) -> Tensor:
    """Perturb records by the momentum iterative fast gradient sign method.

    Args:
        surrogates: the models whose loss is raised.
        x: (n, *shape), the records.
        reach: (*shape), the largest change of each feature.
        low: (*shape), the least value of each feature.
        high: (*shape), its largest value.
        iterations: the number of steps, of ``reach / iterations`` each.

    Returns:
        (n, *shape).
    """
    import torch

    moved, momentum = x, torch.zeros_like(x)
    axes = tuple(range(1, x.ndim))
    for _ in range(iterations):
        gradient = surrogates.gradient(moved)
        norm = gradient.abs().sum(dim=axes, keepdim=True)
        momentum = MOMENTUM * momentum + gradient / torch.where(norm > 0, norm, 1.0)
        moved = (moved + reach / iterations * momentum.sign()).clamp(low, high)
    return moved
