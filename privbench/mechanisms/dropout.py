"""Dropout (Srivastava et al. 2014), proposed against membership inference by Salem et al. 2019."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from privbench.errors import Incompatible
from privbench.mechanisms.base import TrainingMechanism, TrainingTask

if TYPE_CHECKING:
    from torch import Tensor, nn

    from privbench.engine import Population


class Dropout(TrainingMechanism):
    """Dropout before every linear layer except a first layer.

    The inputs of linear layers are dropped at random during training. Training a model without a
    linear layer after its first layer raises Incompatible.
    """

    name: ClassVar[str] = "dropout"
    paper: ClassVar[str] = "Salem et al. 2019, arXiv 1806.01246, section VII-A"

    rate: float = Field(0.5, gt=0, lt=1, description="share of the units that are dropped")

    def train_population(self, task: TrainingTask) -> Population:
        """Train all models at once; each draws its own masks."""
        if not later_linear_layers(task.build()):
            raise Incompatible(f"{self.name}: the model has no linear layer after its first layer")

        def build() -> nn.Module:
            module = task.build()
            for layer in later_linear_layers(module):
                layer.register_forward_pre_hook(self._drop)
            return module

        return task.train(build=build)

    def _drop(self, layer: nn.Module, inputs: tuple[Any, ...]) -> Tensor:
        from torch.nn import functional

        return functional.dropout(inputs[0], self.rate, layer.training)


def later_linear_layers(module: nn.Module) -> list[nn.Module]:
    """Return the linear layers of a module, without the first of all layers that have weights."""
    from torch import nn

    weighted = [m for m in module.modules() if next(m.parameters(recurse=False), None) is not None]
    return [layer for layer in weighted[1:] if isinstance(layer, nn.Linear)]
