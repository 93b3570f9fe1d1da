"""The training sets of a population: one per model, all of the same size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from privbench.engine.core.arrays import Array, as_tensor


@dataclass(frozen=True)
class TrainingSets:
    """The records that each model is trained on.

    There are two kinds:

    - Shared records (``TrainingSets.shared``): ``x`` (n, *shape), ``y`` (n,), and ``index`` int64
      (models, m), the rows of each model's records. The data are in memory once for all models.
    - Own records (``TrainingSets.own``), as after a generator: ``x`` (models, m, *shape), ``y``
      (models, m), and ``index`` None.

    ``adding`` attaches more data for a loss. Raises ValueError if shapes do not fit together, or a set
    is empty.
    """

    x: Tensor
    y: Tensor
    index: Tensor | None = None
    targets: Tensor | None = None
    other: tuple[Tensor, Tensor] | None = None

    @classmethod
    def shared(cls, x: Array, y: Array, index: Array) -> TrainingSets:
        """Return sets drawn from the same records.

        Records are copied only if they are not contiguous; stored feature by feature they would take
        five times as long to pick.
        """
        return cls(as_tensor(x).contiguous(), as_tensor(y), as_tensor(index))

    @classmethod
    def own(cls, x: Array, y: Array) -> TrainingSets:
        """Return sets with records of their own, copied only if they are not contiguous."""
        return cls(as_tensor(x).contiguous(), as_tensor(y))

    def adding(
        self, *, targets: Array | None = None, other: tuple[Array, Array] | None = None
    ) -> TrainingSets:
        """Return the same sets with more data for a loss; arrays are not copied.

        Args:
            targets: An entry (models, m, *) for each record of each model, in the order of its set (of
                its row of ``index``), such as soft labels of a teacher.
            other: Records (k, *shape) and labels (k,) that no model is trained on, such as reference
                records. Each step draws as many of them as its batch has records.
        """
        new_targets = None if targets is None else as_tensor(targets)
        new_other = None if other is None else (as_tensor(other[0]), as_tensor(other[1]))
        return replace(self, targets=new_targets, other=new_other)

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
                f"other: records {tuple(x.shape)} and labels {tuple(y.shape)} do not fit: there must be"
                " at least one record, as many labels, and each record must have the shape of the"
                f" training records, {tuple(self.flat()[0].shape[1:])}"
            )

    @property
    def _lead(self) -> tuple[int, ...]:
        return tuple(self.y.shape if self.index is None else self.index.shape)

    @property
    def n_models(self) -> int:
        """The number of models."""
        return self._lead[0]

    @property
    def m(self) -> int:
        """The number of records in each model's training set."""
        return self._lead[1]

    def of_model(self, i: int) -> tuple[Tensor, Tensor]:
        """Return records (m, *shape) and labels (m,) of model ``i``, in the order of its set."""
        if self.index is None:
            return self.x[i], self.y[i]
        return self.x[self.index[i]], self.y[self.index[i]]

    def take(self, models: Sequence[int]) -> TrainingSets:
        """Return the sets of some models, in this order; shared records are not copied."""
        chosen = torch.as_tensor(list(models))
        targets = None if self.targets is None else self.targets[chosen]
        if self.index is not None:
            return replace(self, index=self.index[chosen], targets=targets)
        return replace(self, x=self.x[chosen], y=self.y[chosen], targets=targets)

    def to(self, device: torch.device | str) -> TrainingSets:
        """Return the same sets on ``device``; nothing is copied if they are there already."""
        index = None if self.index is None else self.index.to(device)
        targets = None if self.targets is None else self.targets.to(device)
        other = None if self.other is None else (self.other[0].to(device), self.other[1].to(device))
        return TrainingSets(self.x.to(device), self.y.to(device), index, targets, other)

    def rows(self, models: range) -> Tensor:
        """Return the rows of some models' records in ``flat``: int64 (len(models), m)."""
        if self.index is not None:
            return self.index[models.start : models.stop]
        first = torch.arange(models.start, models.stop, device=self.y.device) * self.m
        return first[:, None] + torch.arange(self.m, device=self.y.device)

    def flat(self) -> tuple[Tensor, Tensor]:
        """Return views of all records (n, *shape) and labels (n,)."""
        if self.index is not None:
            return self.x, self.y
        return self.x.flatten(0, 1), self.y.flatten()
