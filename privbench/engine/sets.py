"""The training sets of a population, one per model, all of one size."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from privbench.engine.arrays import Array, as_tensor


@dataclass(frozen=True)
class TrainingSets:
    """Who trains on what. Make one with ``TrainingSets.shared`` or ``TrainingSets.own``.

    Shared records: ``x`` (n, *shape), ``y`` (n,) and ``index`` int64 (models, m), the records of each
    model; the data live once in memory whatever the number of models. Own records, as after a
    generator: ``x`` (models, m, *shape), ``y`` (models, m), ``index`` None.
    Raises ValueError where the shapes do not fit together, or a set is empty.
    """

    x: Tensor
    y: Tensor
    index: Tensor | None = None

    @classmethod
    def shared(cls, x: Array, y: Array, index: Array) -> TrainingSets:
        """Sets that are drawn from the same records; arrays are not copied."""
        return cls(as_tensor(x), as_tensor(y), as_tensor(index))

    @classmethod
    def own(cls, x: Array, y: Array) -> TrainingSets:
        """Sets that have nothing in common; arrays are not copied."""
        return cls(as_tensor(x), as_tensor(y))

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

    def _check_index(self, index: Tensor) -> None:
        if index.ndim != 2 or index.dtype != torch.int64:
            raise ValueError(f"index must be int64 (models, m), got {index.dtype} {index.shape}")
        if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < len(self.y):
            raise ValueError(f"index points outside of the {len(self.y)} records")

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

    def to(self, device: torch.device | str) -> TrainingSets:
        """The same sets on ``device``; nothing is copied if they are there."""
        index = None if self.index is None else self.index.to(device)
        return TrainingSets(self.x.to(device), self.y.to(device), index)

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
