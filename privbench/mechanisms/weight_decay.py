"""Weight decay, one of the defenses of Shokri et al. 2017, arXiv 1610.05820, section VIII."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import TrainingMechanism, TrainingTask

if TYPE_CHECKING:
    from privbench.engine import Population


class WeightDecay(TrainingMechanism):
    """L2 penalty on the weights, instead of the model's own."""

    name: ClassVar[str] = "weight-decay"
    paper: ClassVar[str] = "Shokri et al. 2017, arXiv 1610.05820, section VIII"

    strength: float = Field(
        5e-3, gt=0, description="weight_decay of the optimizer, in place of the model's"
    )

    def train_population(self, task: TrainingTask) -> Population:
        """Train all models at once with this weight decay."""
        return task.train(recipe=replace(task.model.recipe(), weight_decay=self.strength))
