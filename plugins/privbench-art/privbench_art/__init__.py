"""Membership inference of the Adversarial Robustness Toolbox (ART) as attacks of privbench."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privbench import hookimpl
from privbench_art.attacks import ArtBlackBox, ArtDecisionBoundary, ArtRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from privbench import Attack

__all__ = ["ArtBlackBox", "ArtDecisionBoundary", "ArtRule"]


@hookimpl
def register_attacks(register: Callable[[type[Attack]], None]) -> None:
    """Register the three attacks."""
    for attack in (ArtRule, ArtBlackBox, ArtDecisionBoundary):
        register(attack)
