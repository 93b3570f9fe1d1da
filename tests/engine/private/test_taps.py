"""Which layers are tapped."""

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from privbench.engine.core.population import Population
from privbench.engine.private.clipping import ClippedSums
from privbench.engine.private.taps import find_layers

from .problems import Scaled, example, slow_clipped_sum, tensors


def test_layers_are_tapped_and_other_parameters_have_gradients_of_their_own():
    module = Scaled()
    sums = ClippedSums(
        module, Population.of(Scaled, [module]), example(torch.zeros(1, 8)), stacked=False
    )
    assert [layer.names for layer in sums.layers] == [["last.weight", "last.bias"]]
    assert sums.untapped == ["scale", "first.weight", "first.bias"]


def test_taps_name_the_layers():
    module = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2))
    params = dict(module.named_parameters())
    layers = find_layers(params, lambda: functional_call(module, params, (torch.zeros(1, 4),)))
    assert [(one.weight, one.bias, one.shape) for one in layers] == [
        ("0.weight", None, (3,)),
        ("2.weight", "2.bias", (2,)),
    ]


def test_layers_of_functions_that_are_called_by_hand():
    """As ``F.conv1d(x, w, stride=2)``; an input without a batch has no examples to tell apart."""

    class ByHand(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.v = nn.Parameter(torch.ones(2, 1, 3)), nn.Parameter(torch.ones(3, 2))

        def forward(self, x):
            seen = functional.conv1d(input=x[:, None], weight=self.w, stride=2).mean(-1)
            return functional.linear(seen, weight=self.v)

    module = ByHand()
    sums = ClippedSums(
        module, Population.of(ByHand, [module]), example(torch.zeros(1, 9)), stacked=False
    )
    assert [layer.names for layer in sums.layers] == [["w"], ["v"]]
    x, y = torch.randn(1, 5, 9), torch.tensor([[0, 1, 2, 0, 1]])
    found = sums(dict(Population.of(ByHand, [module]).params), tensors(x, y), 0.2)
    for got, total in zip(found, slow_clipped_sum(module, x[0], y[0], 0.2), strict=True):
        torch.testing.assert_close(got[0], total, atol=1e-5, rtol=1e-4)
