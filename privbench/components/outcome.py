"""Describe why a dataset, a stage or a trial has no result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "skipped", "failed", "timeout", "unavailable"]
"""Of a trial, and of its rows."""


@dataclass(frozen=True)
class NoResult:
    """Why a dataset, a stage or a trial has no result.

    ``skipped``: the combination is not possible. ``unavailable``: a plugin or a dataset is missing.
    ``failed``: it raised, and ``traceback`` says where, unless ``reason`` is all that a user needs.
    ``timeout``: it took longer than the user allows.
    """

    status: Literal["skipped", "unavailable", "failed", "timeout"]
    reason: str
    traceback: str = ""
