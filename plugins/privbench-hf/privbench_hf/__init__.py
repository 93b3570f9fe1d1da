"""Datasets of the Hugging Face hub, and of folders in its formats, for privbench."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privbench import hookimpl
from privbench_hf.dataset import HuggingFace

if TYPE_CHECKING:
    from collections.abc import Callable

    from privbench import Dataset

__all__ = ["HuggingFace"]


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    """Register the dataset."""
    register(HuggingFace)
