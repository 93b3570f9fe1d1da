"""Seeds of random draws, derived from the names of what a draw depends on.

There is no global random state. Draws with different names are independent, and a draw does not depend
on which other trials run, in which order, or where.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces, so that equal values have equal text.

    Raises ValueError for NaN and infinity, and TypeError for types that JSON does not have.

    >>> canonical_json({"b": 1, "a": [1.5, None]})
    '{"a":[1.5,null],"b":1}'
    """
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the sha256 of the canonical JSON of ``value``, in hexadecimal."""
    return digest_of_json(canonical_json(value))


def digest_of_json(text: str) -> str:
    """Return the sha256 of canonical JSON, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def seed_of(*parts: Any) -> int:
    """Return a 63-bit seed that depends on all parts, which can be any JSON values.

    >>> seed_of(0, "population", "digits", 3) == seed_of(0, "population", "digits", 4)
    False
    """
    return int(digest(list(parts))[:16], 16) >> 1


def generator(*parts: Any) -> np.random.Generator:
    """Return a NumPy generator with the seed of ``parts``."""
    import numpy as np

    return np.random.default_rng(seed_of(*parts))
