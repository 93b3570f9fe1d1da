"""A single-file plugin: a target model that is a torch module."""

import math

from pydantic import Field

import privbench


class SkipMlp(privbench.TorchModel):
    """A hidden layer, and a linear path around it."""

    name = "skip-mlp"
    width: int = Field(64, ge=1, description="units of the hidden layer")

    def build(self, shape, n_classes):
        from torch import nn

        class Network(nn.Module):
            def __init__(self, features, width):
                super().__init__()
                self.direct = nn.Linear(features, n_classes)
                self.hidden = nn.Sequential(
                    nn.Linear(features, width), nn.ReLU(), nn.Linear(width, n_classes)
                )

            def forward(self, x):
                flat = x.flatten(1)
                return self.direct(flat) + self.hidden(flat)  # logits, not probabilities

        return Network(math.prod(shape), self.width)


@privbench.hookimpl
def register_models(register):
    register(SkipMlp)
