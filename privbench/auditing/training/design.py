"""Which records each model is trained on, and which are left for the adversary's reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.canaries.plant import plant_canaries
from privbench.data import Data, DataSpec
from privbench.errors import BadInput, DataError
from privbench.membership import draw_membership
from privbench.seeds import generator, seed_of

REFERENCE_SHARE = 0.1
"""Share of the records, or of those that the target was not trained on, that are held out."""
MIN_RECORDS = 20

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """Models that are trained on subsets of the same records, with the same labels.

    Attributes:
        name: ``records`` or ``canaries``.
        codes: int64 (records,), the class of each record in this group, which is wrong for canaries.
        member: bool (models, pool), which pool record each model is trained on.
        canary: bool (pool,), which pool records are canaries.
        seeds: the seed of each model, below 2**31, as all libraries take it.
    """

    name: str
    codes: NDArray[Any]
    member: NDArray[np.bool_]
    canary: NDArray[np.bool_]
    seeds: list[int]

    @property
    def attacked(self) -> NDArray[np.bool_]:
        """Which pool records (pool,) the report on this group is about."""
        return self.canary if self.name == "canaries" else ~self.canary

    @property
    def models(self) -> list[str]:
        """What each model is called."""
        prefix = "canary " if self.name == "canaries" else ""
        return [f"{prefix}model {number}" for number in range(len(self.seeds))]


@dataclass(frozen=True)
class Design:
    """How the records are divided.

    Attributes:
        pool: the rows whose membership is attacked, ascending.
        reference: the rows that no model is trained on, in random order; empty if others are given.
        target: bool (pool,), the members of an existing model; None without one.
        n_members: number of records that each model is trained on.
    """

    pool: Rows
    reference: Rows
    target: NDArray[np.bool_] | None
    n_members: int

    @classmethod
    def draw(
        cls, n: int, member: NDArray[np.bool_] | None, *, holds_out: bool, seed: int
    ) -> Design:
        """Hold out reference records, and decide how many records each model is trained on.

        1. Without an existing model, models are trained on half of the pool.
        2. With one, they are trained on as many records as it was, and reference records are taken
           from those that it was not trained on.

        Raises:
            DataError: there are too few records.
        """
        outside = np.arange(n) if member is None else np.flatnonzero(~member)
        if n < MIN_RECORDS:
            raise DataError(f"x has {n} records; an audit takes at least {MIN_RECORDS}")
        n_held = round(REFERENCE_SHARE * len(outside)) if holds_out else 0
        reference = generator("audit training", "reference", seed).permutation(outside)[:n_held]
        pool = np.setdiff1d(np.arange(n), reference)
        if member is None:
            return cls(pool, reference, None, len(pool) // 2)
        target = member[pool]
        return cls(pool, reference, target, int(target.sum()))

    def group(self, name: str, codes: NDArray[Any], n_models: int, seed: int) -> Group:
        """Draw the models on ordinary records."""
        none = np.zeros(len(self.pool), dtype=bool)
        return self._group(name, codes, none, n_models, seed)

    def canaries(self, share: float, codes: NDArray[Any], n_models: int, seed: int) -> Group:
        """Draw the models on records of which a share has a wrong label.

        Of several labels, a canary has the opposite of each.

        Args:
            share: the share of the pool.
            codes: int64 (records,), the true classes, or (records, labels), each 0 or 1.
            n_models: number of models.
            seed: determines all random draws.

        Raises:
            BadInput: so many canaries cannot be made.
        """
        n_canaries = round(share * len(self.pool))
        if not 1 <= n_canaries <= min(self.n_members, len(self.pool) - self.n_members):
            raise BadInput(
                f"canaries={share} makes {n_canaries} canaries of {len(self.pool)} records, of which"
                f" each model gets {self.n_members}; there must be at least 1, and no more than either"
                " the members or the non-members of a model"
            )
        has_several = codes.ndim == 2
        classes = np.zeros(len(codes), dtype=np.int64) if has_several else codes
        n_classes = max(2, int(classes.max()) + 1)
        numbers = self.pool[:, None].astype(np.float32)  # wrong labels need no features
        pool = Data(numbers, classes[self.pool], DataSpec("tabular", (1,), n_classes))
        planted = plant_canaries(pool, share, ["audit training", seed])
        is_canary = planted.kind != ""
        wrong = self.pool[is_canary]
        changed = codes.copy()
        changed[wrong] = 1 - codes[wrong] if has_several else planted.pool.y[is_canary]
        return self._group("canaries", changed, is_canary, n_models, seed)

    def _group(
        self,
        name: str,
        codes: NDArray[Any],
        canary: NDArray[np.bool_],
        n_models: int,
        seed: int,
    ) -> Group:
        names: list[Any] = ["audit training", name, seed]
        member = draw_membership(n_models, canary, names, n_members=self.n_members)
        seeds = [seed_of(*names, "train", model) % 2**31 for model in range(n_models)]
        return Group(name, codes, member, canary, seeds)


def check_member(member: Any, n: int) -> NDArray[np.bool_]:
    """Return which records an existing model was trained on, as a mask (records,).

    Raises:
        BadInput: it is not a mask, or one side is empty.
    """
    try:
        mask = np.asarray(member)
    except ValueError:  # its parts have different lengths
        mask = np.zeros(0, dtype=object)
    if mask.dtype != np.bool_ and not (mask.dtype.kind in "iuf" and np.isin(mask, (0, 1)).all()):
        raise BadInput("member must be a mask of True and False (or 1 and 0) for each record")
    if mask.shape != (n,):
        raise BadInput(
            f"member has the shape {mask.shape}, expected {(n,)}: a value for each record"
        )
    mask = mask.astype(bool)
    if mask.all() or not mask.any():
        kind = "was" if mask.any() else "was not"
        raise BadInput(f"member: the model {kind} trained on every record; an audit needs both")
    return mask
