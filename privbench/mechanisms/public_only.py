"""Training without private records: the baseline for whoever uses public ones.

A model of public records alone leaks nothing of the private ones. A defense that uses public records and
is less accurate is of no use: training on these records alone would give more of both.

The records are the first ones of the public records, which are in random order. All models of a
population have the same ones, and each has its own initial weights and batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.data import Data
from privbench.errors import Incompatible
from privbench.mechanisms.base import DataMechanism
from privbench.privacy import Guarantee, GuaranteeContext

if TYPE_CHECKING:
    import numpy as np


class PublicOnly(DataMechanism):
    """Trains on public records instead of the private ones."""

    name: ClassVar[str] = "public-only"
    reads_private: ClassVar[bool] = False

    records: int | None = Field(
        None, ge=1, description="how many public records to train on; by default all of them"
    )

    def apply(self, data: Data, rng: np.random.Generator) -> Data:
        """Raise TypeError, because it needs public records."""
        raise TypeError(f"{self.name} needs public records: use apply_with_reference")

    def apply_with_reference(self, data: Data, reference: Data, rng: np.random.Generator) -> Data:
        """Return the first ``records`` public ones.

        Raises Incompatible if there are fewer.
        """
        if self.records is not None and self.records > len(reference):
            raise Incompatible(
                f"{self.name}: records: {self.records} is more than the public records"
                f" (allowed: 1..{len(reference)})"
            )
        return reference.first(self.records)

    def guarantee(self, context: GuaranteeContext) -> Guarantee:
        """Return an epsilon of 0: what it returns depends on no private record, nor on their number."""
        return Guarantee("dp", 0.0, 0.0, "add-remove", "reads no private record")
