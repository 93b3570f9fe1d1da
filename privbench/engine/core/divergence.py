"""Detect models whose weights have become infinite or NaN."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor


class Diverged(FloatingPointError):
    """A model's weights are no longer finite."""


def check_finite(
    weights: Iterable[Tensor], models: range, when: str = "", lr: float | None = None
) -> None:
    """Check the stacked weights (len(models), ...) of some models.

    Args:
        weights: One stacked tensor per parameter.
        models: The numbers of the models in the population, for the message.
        when: The point in training, such as "in epoch 3 of 20", for the message.
        lr: The learning rate, for the message.

    Raises:
        Diverged: If a weight is not finite; the message names the first such model.
    """
    for stacked in weights:
        if (
            stacked.detach().sum().isfinite()
        ):  # one pass over memory, where isfinite().all() takes four
            continue
        finite = stacked.detach().isfinite().flatten(1).all(1)  # (models,)
        if not finite.all():
            model = models[int(finite.int().argmin())]
            raise Diverged(
                f"model {model} diverged{when and ' ' + when}: its weights are not finite; lower lr"
                + ("" if lr is None else f" (now {lr:g})")
            )
