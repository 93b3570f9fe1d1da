"""A single-file plugin: a training mechanism that is a loss per example."""

from pydantic import Field

import privbench


class Focal(privbench.PerExampleLoss):
    """Focal loss, which gives less weight to records that the model is sure of."""

    name = "focal"
    paper = "Lin et al. 2017, arXiv 1708.02002"
    gamma: float = Field(2.0, ge=0, description="exponent of one minus the label's probability")

    def loss(self, forward, batch):
        from torch.nn.functional import cross_entropy

        loss = cross_entropy(forward(batch.x), batch.y, reduction="none")  # -log p of the label
        return (1 - (-loss).exp()).clamp(min=1e-6) ** self.gamma * loss


@privbench.hookimpl
def register_mechanisms(register):
    register(Focal)
