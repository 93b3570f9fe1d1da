from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import privbench
from privbench.auditing import Audit


@pytest.fixture
def audit(tmp_path: Path) -> Callable[..., Audit]:
    """``privbench.audit_training`` with few models and a cheap attack, stored in the test's folder."""

    def audit(train: Any, x: Any, y: Any, **options: Any) -> Audit:
        chosen = {
            "models": 4,
            "attacks": ["calibration"],
            "results": tmp_path / "results",
        } | options
        return privbench.audit_training(train, x, y, **chosen)

    return audit


@pytest.fixture
def noise() -> tuple[np.ndarray, np.ndarray]:
    """120 records of two classes whose labels are coins: what a model knows of them, it remembers."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(120, 3)), rng.integers(0, 2, 120)
