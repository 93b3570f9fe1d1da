"""Randomness by name: every draw comes from a generator seeded by what it depends on.

There is no global random state. Two draws with different names are independent, and a draw's value
does not depend on what else runs, in which order, or where.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces, no NaN. Raises on what JSON cannot say."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Sha256 of the canonical JSON of ``value``, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def seed_of(*parts: Any) -> int:
    """A 63-bit seed from named parts, for example ``seed_of(0, "population", "digits", 3)``."""
    return int(digest(list(parts))[:16], 16) >> 1


def generator(*parts: Any) -> np.random.Generator:
    """A NumPy generator seeded by named parts."""
    import numpy as np

    return np.random.default_rng(seed_of(*parts))
