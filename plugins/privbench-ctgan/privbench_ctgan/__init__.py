"""Generators of tables for privbench: CTGAN, TVAE and TabDDPM, and the Tartan-Federer attack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privbench import hookimpl
from privbench_ctgan.synthesizers import Ctgan, Tvae
from privbench_ctgan.tabddpm import TabDdpm
from privbench_ctgan.tartan_federer import TartanFederer

if TYPE_CHECKING:
    from collections.abc import Callable

    from privbench import SamplingGenerator, SyntheticAttack

__all__ = ["Ctgan", "TabDdpm", "TartanFederer", "Tvae"]


@hookimpl
def register_generators(register: Callable[[type[SamplingGenerator]], None]) -> None:
    """Register the generators."""
    register(Ctgan)
    register(Tvae)
    register(TabDdpm)


@hookimpl
def register_attacks(register: Callable[[type[SyntheticAttack]], None]) -> None:
    """Register the attack on diffusion generators."""
    register(TartanFederer)
