"""Forecast the memory of a run before it starts, so that one that cannot be kept in bounds is refused.

What grows with the population and the pool are arrays (models, records, classes) of outputs, scores
(models, records), weights and releases. They are kept as long as a stage reads them, in the order of the
plan. A stage takes a multiple of what it reads and makes while it computes; the multiples were measured
(docs/performance.md) and rounded up. Training takes what the engine may take, beside the data.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privbench.errors import BadInput
from privbench.forecast import setting_of
from privbench.report.numbers import bytes_text
from privbench.stages import DefendedOutputsStage, OutputsStage, SettingStage

if TYPE_CHECKING:
    from privbench.data import Data
    from privbench.plan import Plan
    from privbench.stages import Stage

PROGRAM = 450 * 2**20
"""Bytes of Python and its libraries when everything is loaded."""
TRAINING = 2**30
"""Bytes that the engine may use to train on a CPU."""
DATA = 3
"""Copies of the dataset: loaded, split, and as tensors."""
COPIES = 3
"""How many arrays of the size of outputs there are when outputs are made and written."""
ATTACK = 5
"""How many arrays of the size of the outputs on the pool an attack takes, beside the outputs."""
SCORES = 16
"""How many arrays of the size of scores what is computed from scores takes."""


@dataclass(frozen=True)
class Peak:
    """When a run takes most memory."""

    bytes: int
    stage: Stage | None = None
    """The stage that is computed then; None if there is none."""


def forecast_memory(plan: Plan, missing: Sequence[Stage]) -> Peak:
    """Return the most memory that a run will take in its process.

    Args:
        plan: the plan.
        missing: the stages that will be computed, inputs first; see `missing_stages`.
    """
    readers = Counter(one.key for stage in missing for one in stage.inputs)
    by_key = {one.key: one for stage in missing for one in (stage, *stage.inputs)}
    held: dict[str, int] = {}
    peak = Peak(PROGRAM)
    loaded = 0
    for stage in missing:
        setting = setting_of(stage)
        if setting is None:
            continue
        data = plan.data.get(setting.dataset)
        loaded = max(loaded, DATA * data.x.nbytes)
        for one in stage.inputs:  # what was computed before is held, too, from now on
            held[one.key] = _size(by_key[one.key], setting, data)
        now = PROGRAM + loaded + sum(held.values()) + _working(stage, setting, data)
        if now > peak.bytes:
            peak = Peak(now, stage)
        if readers[stage.key]:
            held[stage.key] = _size(stage, setting, data)
        for one in stage.inputs:
            readers[one.key] -= 1
            if not readers[one.key]:
                held.pop(one.key, None)
    return peak


def check_memory(plan: Plan, missing: Sequence[Stage], limit: int) -> None:
    """Raise BadInput if a run will not keep within ``limit`` bytes, with what would."""
    peak = forecast_memory(plan, missing)
    if peak.bytes <= limit or peak.stage is None:
        return
    setting = setting_of(peak.stage)
    assert setting is not None  # stages without one take nothing
    n_classes = plan.data.get(setting.dataset).spec.n_classes
    raise BadInput(
        f"--memory: {bytes_text(limit)} are not enough: {peak.stage} takes about"
        f" {bytes_text(peak.bytes)}, with {setting.n_models} models, {setting.n_pool} pool records and"
        f" {n_classes} classes (allowed: more memory, a smaller population or pool, or fewer trials at"
        " once by -k)"
    )


def _working(stage: Stage, setting: SettingStage, data: Data) -> int:
    """Return the bytes that a stage takes while it computes, beside the artifacts that it reads."""
    on_pool = setting.n_models * setting.n_pool
    if stage.kind in ("population", "fit"):
        return TRAINING + COPIES * _size(stage, setting, data)
    if stage.kind in ("outputs", "defended-outputs"):
        return COPIES * _size(stage, setting, data)
    if stage.kind in ("scores", "split-scores", "left-out"):
        return ATTACK * on_pool * data.spec.n_classes * 4 + SCORES * on_pool * 8
    if stage.kind in ("utility", "output-traits"):
        return 2 * _outputs(setting, data)
    return SCORES * on_pool * 8


def _size(stage: Stage, setting: SettingStage, data: Data) -> int:
    """Return the bytes of an artifact in memory; those of small ones are not counted."""
    n_models, n_pool = setting.n_models, setting.n_pool
    if isinstance(stage, OutputsStage | DefendedOutputsStage):
        return _outputs(setting, data)
    if stage.kind in ("scores", "split-scores", "left-out"):
        return 2 * n_models * n_pool * 8
    if stage.kind == "metrics":
        return 3 * n_models * n_pool * 4
    if stage.kind == "release":
        return n_models * (n_pool // 2) * (math.prod(data.spec.shape) * 4 + 8)
    if stage.kind == "setting":
        return n_models * n_pool
    return 0


def _outputs(setting: SettingStage, data: Data) -> int:
    return setting.n_models * len(data) * data.spec.n_classes * 4
