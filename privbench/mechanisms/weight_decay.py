"""Weight decay: the oldest regulariser, and a defense of Shokri et al. 2017, section VIII."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import TrainingMechanism, TrainingTask

if TYPE_CHECKING:
    from privbench.engine import Population


class WeightDecay(TrainingMechanism):
    """An L2 penalty on the weights, in the place of the model's own."""

    name: ClassVar[str] = "weight-decay"
    paper: ClassVar[str] = "Shokri et al. 2017, arXiv 1610.05820, section VIII"

    strength: float = Field(
        5e-3, gt=0, description="of the penalty: weight_decay of torch's optimizers"
    )

    def train_population(self, task: TrainingTask) -> Population:
        """Train with the engine's loop."""
        return task.train(recipe=replace(task.model.recipe(), weight_decay=self.strength))
