"""Noisy copies of the records, about which models are asked while they are there, for `label-only`.

The attack sees records as numbers on the scale that its noise is for:

- the columns of a table have mean 0 and standard deviation 1, but for those that are 0 and 1;
- what has more dimensions, such as images, lies between 0 and 1.

Models are asked about the copies in the container and in the units in which the records were given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.copies import noisy_copies
from privbench.attacks.label_only import LabelOnly
from privbench.auditing.queried import Classes, Floats32, Queried, digests_of
from privbench.auditing.records import digest_of, is_sparse, is_tensor, take

if TYPE_CHECKING:
    from privbench.auditing.training.classification import Answer
    from privbench.components import Bound


@dataclass(frozen=True)
class Queries:
    """The copies that models are asked about.

    Attributes:
        copies: how many there are of each record.
        noise: standard deviation of the noise on numbers.
        flips: probability of flipping what is 0 or 1.
        scale: turns records into numbers, and back.
        given: the records, in the container in which they were given.
    """

    copies: int
    noise: float
    flips: float
    scale: Scale
    given: Any

    @classmethod
    def of(
        cls, attack: LabelOnly, x: Any, pool: NDArray[np.int64], asked: NDArray[np.int64]
    ) -> Queries:
        """Return the queries of an attack.

        Args:
            attack: the attack.
            x: all records.
            pool: the rows that give the scale.
            asked: the rows that models are asked about.
        """
        scale = Scale.of(take(x, pool))
        return cls(attack.copies, attack.noise, attack.flips, scale, take(x, asked))

    @cached_property
    def parts_of_key(self) -> list[Any]:
        """What the answers depend on beside the model."""
        return [self.copies, self.noise, self.flips, digest_of(self.given)]

    def ask(self, answer: Callable[[Any], Answer]) -> Classes:
        """Return the classes (copies, records) that a model gives to the copies."""
        return np.stack(
            [answer(self.scale.back(copy)).values.argmax(axis=1) for copy in self._copies()]
        ).astype(np.int32)

    def queried(self, classes: Sequence[Classes]) -> Queried:
        """Return the answers (copies, records) of each model as an audit takes them."""
        records = self.scale.numbers(self.given)
        return Queried(LabelOnly.name, records, digests_of(self._copies()), np.stack(classes))

    def _copies(self) -> Iterator[Floats32]:
        records = self.scale.numbers(self.given)
        return noisy_copies(records, self.copies, self.noise, self.flips)


@dataclass(frozen=True)
class Scale:
    """Turns records into numbers of a common scale, and numbers into records.

    Attributes:
        centre, width: float64 (features,) of a table, or single numbers: numbers are
            (record - centre) / width.
        is_binary: bool (features,), whether a column is 0 or 1 in all records.
        like: a record, in the container in which records are.
    """

    centre: NDArray[np.float64]
    width: NDArray[np.float64]
    is_binary: NDArray[np.bool_]
    like: Any

    @classmethod
    def of(cls, x: Any) -> Scale:
        """Fit the scale to records in their container; `why_not` must be empty for them."""
        values, like = _array(x), take(x, np.arange(1))
        if values.ndim > 2:
            low, high = float(values.min()), float(values.max())
            none = np.zeros(1, dtype=bool)
            return cls(np.array(low), np.array(high - low or 1.0), none, like)
        binary = ((values == 0) | (values == 1)).all(axis=0)
        width = np.where(values.max(axis=0) > values.min(axis=0), values.std(axis=0), 1.0)
        centre = np.where(binary, 0.0, values.mean(axis=0))
        return cls(centre, np.where(binary, 1.0, width), binary, like)

    def numbers(self, x: Any) -> Floats32:
        """Return records as float32 (records, *shape)."""
        scaled: Floats32 = ((_array(x) - self.centre) / self.width).astype(np.float32)
        return scaled

    def back(self, numbers: Floats32) -> Any:
        """Return numbers as records, in the container and with the types of the records.

        Whole numbers become fractions, but for columns that are 0 or 1.
        """
        values, like = numbers * self.width + self.centre, self.like
        if is_tensor(like):
            import torch

            return torch.as_tensor(values, dtype=like.dtype, device=like.device)
        if not hasattr(like, "iloc"):
            keeps = like.dtype.kind == "f" or bool(self.is_binary.all())
            return values.astype(like.dtype if keeps else np.float64)
        import pandas as pd

        columns = {}
        for place, (name, dtype) in enumerate(like.dtypes.items()):
            column = values[:, place]
            keeps = dtype.kind == "f" or self.is_binary[place]
            columns[name] = column.astype(dtype) if keeps else column
        return pd.DataFrame(columns)


def asking(
    attacks: Sequence[Bound], named: Collection[str], x: Any
) -> tuple[LabelOnly | None, str]:
    """Return the attack whose queries models are asked, or None and why they are not.

    Args:
        attacks: all attacks of the audit.
        named: those that were asked for by name; the others must not cost a query.
        x: the records.
    """
    component = next((a.component for a in attacks if isinstance(a.component, LabelOnly)), None)
    if component is None:
        return None, ""
    if LabelOnly.name not in named:
        return None, (
            f"asks each model {component.copies} more times about all records; to do so, name it"
            f" (--attack {LabelOnly.name})"
        )
    if reason := why_not(x):
        return None, f"asks each model about noisy copies of the records; {reason}"
    return component, ""


def why_not(x: Any) -> str:
    """Return why records cannot be given noise; empty if they can."""
    if is_sparse(x) or isinstance(x, list | tuple):
        return (
            f"x is of type {type(x).__name__}, and noise is added to arrays, tensors and DataFrames"
        )
    if hasattr(x, "iloc"):
        if x.ndim != 2 or not x.columns.is_unique:
            return "x is no DataFrame with distinct columns"
        words = [
            str(name)
            for name, dtype in x.dtypes.items()
            if getattr(dtype, "kind", "O") not in "biuf"
        ]
        if words:
            return f"column {words[0]!r} of x has no numbers, and noise is added to numbers"
    elif is_tensor(x):
        if not x.is_floating_point():
            return f"x is a tensor of {x.dtype}, and noise is added to floating point"
    elif not isinstance(x, np.ndarray) or x.dtype.kind not in "biuf":
        return "x has values that are no numbers, and noise is added to numbers"
    values = _array(x)
    if values.ndim < 2:
        return f"x has the shape {values.shape}, and noise is added to (records, ...)"
    if not np.isfinite(values).all():
        return "x has missing or infinite values, and noise is added to numbers"
    return ""


def _array(x: Any) -> NDArray[np.float64]:
    """Return records of numbers as an array."""
    values = x.detach().cpu().numpy() if is_tensor(x) else np.asarray(x)
    return values.astype(np.float64)
