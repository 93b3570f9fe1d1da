"""A single-file plugin: a training mechanism that is a loop in plain PyTorch."""

from pydantic import Field

import privbench


class WeightAveraging(privbench.TrainingLoop):
    """Trains as usual, and averages the weights at the ends of the last epochs."""

    name = "weight-averaging"
    paper = "Izmailov et al. 2018, arXiv 1803.05407"
    last: int = Field(5, ge=1, description="epochs at whose ends weights are averaged")

    def train(self, module, x, y, model, rng):
        import torch
        from torch.nn.functional import cross_entropy

        optimizer = model.recipe().make_optimizer(module.parameters())
        averaged = range(max(0, model.epochs - self.last), model.epochs)
        means = [torch.zeros_like(weights) for weights in module.parameters()]
        for epoch in range(model.epochs):
            for batch in torch.from_numpy(rng.permutation(len(x))).split(model.batch_size):
                optimizer.zero_grad()
                cross_entropy(module(x[batch]), y[batch]).backward()
                optimizer.step()
            if epoch in averaged:
                for mean, weights in zip(means, module.parameters(), strict=True):
                    mean += weights.detach() / len(averaged)
        with torch.no_grad():
            for mean, weights in zip(means, module.parameters(), strict=True):
                weights.copy_(mean)


@privbench.hookimpl
def register_mechanisms(register):
    register(WeightAveraging)
