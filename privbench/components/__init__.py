"""Components: what plugins provide.

- `base`, `registry`, `describe` and `distribution`: what a component is, and how it is found.
- `checks`: whether what a component returns keeps its contract.
- `faults`: which component raised an error, and where.
- `contained` and `sealed`: third-party code changes nothing but its own results.
"""

from privbench.components.base import KINDS, Component
from privbench.components.describe import describe, summary
from privbench.components.distribution import Distribution, is_local, source_digest, source_places
from privbench.components.registry import Bound, Entry, Registry

__all__ = [
    "KINDS",
    "Bound",
    "Component",
    "Distribution",
    "Entry",
    "Registry",
    "describe",
    "is_local",
    "source_digest",
    "source_places",
    "summary",
]
