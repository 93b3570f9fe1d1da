"""The training sets of a population, one per model, all of one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from privbench.engine.arrays import Array, as_tensor


@dataclass(frozen=True)
class TrainingSets:
    """Who trains on what. Make one with ``TrainingSets.shared`` or ``TrainingSets.own``.

    Shared records: ``x`` (n, *shape), ``y`` (n,) and ``index`` int64 (models, m), the records of each
    model; the data live once in memory whatever the number of models. Own records, as after a
    generator: ``x`` (models, m, *shape), ``y`` (models, m), ``index`` None. Losses may use more, see
    ``adding``. Raises ValueError where the shapes do not fit together, or a set is empty.
    """

    x: Tensor
    y: Tensor
    index: Tensor | None = None
    targets: Tensor | None = None
    other: tuple[Tensor, Tensor] | None = None

    @classmethod
    def shared(cls, x: Array, y: Array, index: Array) -> TrainingSets:
        """Sets that are drawn from the same records; arrays are not copied if they are contiguous.

        Records that lie in memory feature by feature take five times as long to pick.
        """
        return cls(as_tensor(x).contiguous(), as_tensor(y), as_tensor(index))

    @classmethod
    def own(cls, x: Array, y: Array) -> TrainingSets:
        """Sets that have nothing in common; arrays are not copied if they are contiguous."""
        return cls(as_tensor(x).contiguous(), as_tensor(y))

    def adding(
        self, *, targets: Array | None = None, other: tuple[Array, Array] | None = None
    ) -> TrainingSets:
        """The same sets with more for losses to use; arrays are not copied.

        ``targets`` (models, m, *) belongs to the records of each model, in the order of its set (of
        its row of ``index``): a teacher's answers, say. ``other`` are records (k, *shape) and labels
        (k,) that no model is trained on: reference records, from which each step draws as many as its
        batch has.
        """
        added = None if targets is None else as_tensor(targets)
        records = None if other is None else (as_tensor(other[0]), as_tensor(other[1]))
        return replace(self, targets=added, other=records)

    def __post_init__(self) -> None:
        lead = 1 if self.index is not None else 2
        if self.y.ndim != lead or self.x.shape[:lead] != self.y.shape:
            raise ValueError(
                f"records {tuple(self.x.shape)} and labels {tuple(self.y.shape)} do not match:"
                f" the first {lead} dimension(s) of the records must be the labels' shape"
            )
        if self.index is not None:
            self._check_index(self.index)
        if 0 in self._lead:
            raise ValueError(f"empty training sets: {self.n_models} models of {self.m} records")
        self._check_additions()

    def _check_index(self, index: Tensor) -> None:
        if index.ndim != 2 or index.dtype != torch.int64:
            raise ValueError(f"index must be int64 (models, m), got {index.dtype} {index.shape}")
        if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < len(self.y):
            raise ValueError(f"index points outside of the {len(self.y)} records")

    def _check_additions(self) -> None:
        if self.targets is not None and self.targets.shape[:2] != self._lead:
            raise ValueError(
                f"targets {tuple(self.targets.shape)}: the first two dimensions must be"
                f" {self.n_models} models and {self.m} records"
            )
        if self.other is None:
            return
        x, y = self.other
        if x.shape[1:] != self.flat()[0].shape[1:] or x.shape[:1] != y.shape or not len(y):
            raise ValueError(
                f"other: records {tuple(x.shape)} and labels {tuple(y.shape)} must be at least one of"
                f" the shape of the training records, {tuple(self.flat()[0].shape[1:])}"
            )

    @property
    def _lead(self) -> tuple[int, ...]:
        return tuple(self.y.shape if self.index is None else self.index.shape)

    @property
    def n_models(self) -> int:
        """Number of models."""
        return self._lead[0]

    @property
    def m(self) -> int:
        """Records in each model's training set."""
        return self._lead[1]

    def one(self, i: int) -> tuple[Tensor, Tensor]:
        """Records (m, *shape) and labels (m,) of model ``i``, in the set's order."""
        if self.index is None:
            return self.x[i], self.y[i]
        return self.x[self.index[i]], self.y[self.index[i]]

    def take(self, models: Sequence[int]) -> TrainingSets:
        """The sets of some models, in this order; shared records are not copied."""
        chosen = torch.as_tensor(list(models))
        targets = None if self.targets is None else self.targets[chosen]
        if self.index is not None:
            return replace(self, index=self.index[chosen], targets=targets)
        return replace(self, x=self.x[chosen], y=self.y[chosen], targets=targets)

    def to(self, device: torch.device | str) -> TrainingSets:
        """The same sets on ``device``; nothing is copied if they are there."""
        index = None if self.index is None else self.index.to(device)
        targets = None if self.targets is None else self.targets.to(device)
        other = None if self.other is None else (self.other[0].to(device), self.other[1].to(device))
        return TrainingSets(self.x.to(device), self.y.to(device), index, targets, other)

    def rows(self, models: range) -> Tensor:
        """Where the records of some models lie in ``flat``: int64 (len(models), m)."""
        if self.index is not None:
            return self.index[models.start : models.stop]
        first = torch.arange(models.start, models.stop, device=self.y.device) * self.m
        return first[:, None] + torch.arange(self.m, device=self.y.device)

    def flat(self) -> tuple[Tensor, Tensor]:
        """All records (n, *shape) and labels (n,); a view."""
        if self.index is not None:
            return self.x, self.y
        return self.x.flatten(0, 1), self.y.flatten()
