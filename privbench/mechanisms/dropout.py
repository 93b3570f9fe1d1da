"""Dropout (Srivastava et al. 2014), which Salem et al. 2019 propose against membership inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from privbench.errors import Incompatible
from privbench.mechanisms.base import TrainingMechanism, TrainingTask

if TYPE_CHECKING:
    from torch import Tensor, nn

    from privbench.engine import Population


class Dropout(TrainingMechanism):
    """Drops inputs of the linear layers at random while training; the network's first layer keeps its.

    Raises Incompatible for a module without a linear layer behind its first layer.
    """

    name: ClassVar[str] = "dropout"
    paper: ClassVar[str] = "Salem et al. 2019, arXiv 1806.01246, section VII-A"

    rate: float = Field(0.5, gt=0, lt=1, description="share of the units that are dropped")

    def train_population(self, task: TrainingTask) -> Population:
        """Train with the engine's loop; each model draws masks of its own."""
        if not behind_the_first(task.build()):
            raise Incompatible(f"{self.name}: the model has no linear layer behind its first layer")

        def build() -> nn.Module:
            module = task.build()
            for layer in behind_the_first(module):
                layer.register_forward_pre_hook(self._drop)
            return module

        return task.train(build=build)

    def _drop(self, layer: nn.Module, inputs: tuple[Any, ...]) -> Tensor:
        from torch.nn import functional

        return functional.dropout(inputs[0], self.rate, layer.training)


def behind_the_first(module: nn.Module) -> list[nn.Module]:
    """The linear layers of a module, but for one that is its first layer with weights."""
    from torch import nn

    layers = [
        part for part in module.modules() if next(part.parameters(recurse=False), None) is not None
    ]
    return [layer for layer in layers[1:] if isinstance(layer, nn.Linear)]
