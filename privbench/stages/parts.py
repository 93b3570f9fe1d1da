"""Stages that are computed in parts, each of which is stored when it is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from privbench.stages.base import Context, Stage
from privbench.storage.artifacts import Artifact

MODELS = {"cpu": 16, "cuda": 64}
"""How many models that are trained at once a part has, or up to half as many more, by kind of device."""
MANY = 16
"""The same for a device of another kind."""


def count_of_parts(n_models: int, device: str, *, at_once: bool) -> int:
    """Return in how many parts models are fitted.

    Args:
        n_models: how many models there are.
        device: the device; only its kind counts.
        at_once: whether the models of a part are trained at once; otherwise a part has one model.
    """
    size = MODELS.get(device.partition(":")[0], MANY) if at_once else 1
    return max(1, (2 * n_models + size) // (2 * size))  # rounded to the nearest


def models_of_part(n_models: int, number: int, count: int) -> range:
    """Return the models of a part; the sizes of two parts differ by one at most."""
    return range(n_models * number // count, n_models * (number + 1) // count)


def parts_of(stage: Stage, context: Context) -> Iterator[Artifact]:
    """Yield the parts of a stage's artifact, and compute and store those that are missing."""
    count = stage.n_parts(context.device)
    for number in range(count):
        part = None if count == 1 else context.parts.load(number)
        if part is None:
            start = time.perf_counter()
            part = stage.compute_part(_within(context, number, count), number, count)
            if count > 1:
                context.parts.save(number, part, time.perf_counter() - start)
        yield part
        context.progress(number + 1, count)


def _within(context: Context, number: int, count: int) -> Context:
    """Return the context of one of ``count`` parts, which reports its share of the progress."""

    def progress(done: int, total: int) -> None:
        context.progress(number * total + done, count * total)

    return replace(context, progress=progress)
