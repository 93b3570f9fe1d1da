"""Forecast the memory of a run before it starts, so that one that cannot be kept in bounds is refused.

Outputs (models, records, classes), the largest arrays of a run, lie in files that are mapped, which the
system takes out of memory when it needs to. What grows with the population and the pool are arrays
(models, records) of scores, and what attacks make of them; weights, and releases. Artifacts are kept as
long as a stage reads them, in the order of the plan. How many arrays a stage takes was measured and
rounded up (``bench/memory.py``). Training takes what the engine may take.
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
from privbench.storage import scratch

if TYPE_CHECKING:
    from privbench.data import Data
    from privbench.plan import Plan
    from privbench.stages import Stage

PROGRAM = 450 * 2**20
"""Bytes of Python and its libraries when everything is loaded."""
TRAINING, ACTIVATIONS = 2**30, 100
"""Bytes that the engine may use to train on a CPU, and how many times the training sets are enough."""
DATA = 3
"""Copies of the dataset: loaded, split, and as tensors."""
COPIES = 3
"""How many arrays of the size of outputs there are when they are made and written, if not in files."""
COPIED = 5
"""How many arrays of the size of the outputs on the pool the attack of a plugin may make of them: of all
shadows, as they are and in float64, and of their copies."""
AVERAGED = 3
"""The same for an attack of privbench that queries models, and takes means of their outputs."""
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
        sets = setting.n_models * (setting.n_pool // 2) * math.prod(data.spec.shape) * 4
        return min(TRAINING, ACTIVATIONS * sets) + COPIES * _size(stage, setting, data)
    if stage.kind in ("outputs", "defended-outputs"):
        one_model = len(data) * data.spec.n_classes * 8
        return COPIES * max(_size(stage, setting, data), one_model)
    if stage.kind in ("scores", "split-scores", "left-out"):
        copies, arrays = _of_attack(stage)
        return copies * on_pool * data.spec.n_classes * 4 + arrays * on_pool * 8
    return SCORES * on_pool * 8


def _of_attack(stage: Stage) -> tuple[int, int]:
    """Return how many arrays of the size of outputs, and of scores, the attack of a stage takes."""
    from privbench.attacks.base import Attack

    (attack,) = (one for one in stage.components if one.entry.kind == "attack")
    if attack.entry.third_party:
        return COPIED, SCORES
    if not isinstance(attack.component, Attack):  # one on releases
        return 0, SCORES
    averages = attack.component.needs_models() and attack.component.observes == "probabilities"
    return AVERAGED if averages else 0, attack.component.arrays


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
    """Return the bytes of outputs in memory; there are none if they lie in a file."""
    size = setting.n_models * len(data) * data.spec.n_classes * 4
    return 0 if scratch.MAPS and size >= scratch.LARGE else size
