"""MST and AIM, differentially private generators of tables, for privbench.

Each has two halves: ``measure`` reads the private records and adds noise, and everything after it reads
the noisy measurements alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from privbench import hookimpl
from privbench_marginals.aim import Aim
from privbench_marginals.mst import Mst

if TYPE_CHECKING:
    from collections.abc import Callable

    from privbench_marginals.base import MarginalGenerator

__all__ = ["Aim", "Mst"]


@hookimpl
def register_generators(register: Callable[[type[MarginalGenerator]], None]) -> None:
    """Register MST and AIM."""
    register(Mst)
    register(Aim)
