"""Components: what plugins provide. Their base, the registries, and how they are checked and blamed.

`base` and `registry` say what a component is and how it is found; `checks` holds what components
return to their contracts; `faults` attributes what they raise.
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
