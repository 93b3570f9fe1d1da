from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from privbench.storage.results import COLUMNS, Results

TPR = {"value": 0.125, "ci": [0.0, 0.25], "resolved": True}
BASE = {
    "benchmark": "b", "dataset": "d", "defense": "none", "model": "m", "attack": "a",
    "knowledge": "adaptive", "subset": "records", "seed": 0, "status": "ok", "reason": "",
    "auc": 0.75, "auc_ci": [0.7, 0.8], "tpr_at_fpr": {"0.01": TPR}, "test_accuracy": 0.5,
    "n_models": 4, "key": "k",
}  # fmt: skip


@pytest.fixture
def add(tmp_path: Path) -> Callable[..., int]:
    """Adds a run with rows that have such values, one for each trial, and returns its number."""
    results = Results(tmp_path / "results")

    def add(
        *rows: dict[str, object], benchmark: str = "b", finished: bool = True, **more: object
    ) -> int:
        facts = {"commit": "0123456789abcdef" + 24 * "0", "python": "3.11"}
        run = results.start_run(benchmark, facts | more.pop("environment", {}), **more)  # type: ignore
        for position, values in enumerate(rows or ({},)):
            row = dict.fromkeys(COLUMNS) | BASE | {"benchmark": benchmark} | values
            results.add(run, [row], position=position)
        if finished:
            results.finish_run(run, 95.0)
        return run

    return add
