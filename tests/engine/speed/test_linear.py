"""The stacked linear layer against autograd, model by model."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap

from privbench.engine.speed.linear import StackedLinear, speed_up


def stacked():
    rng = torch.Generator().manual_seed(0)
    shapes = (3, 5, 4), (3, 2, 4), (3, 2)
    return [torch.randn(s, generator=rng, dtype=torch.float64, requires_grad=True) for s in shapes]


def test_gradients_are_right():
    assert torch.autograd.gradcheck(StackedLinear.apply, stacked())


def test_an_input_that_needs_no_gradient_gets_none():
    x, weight, bias = stacked()
    StackedLinear.apply(x.detach(), weight, bias).sum().backward()
    assert x.grad is None
    assert weight.grad.is_contiguous()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("lead", [(7,), (7, 2)], ids=["vectors", "sequences"])
def test_fast_layers_compute_what_plain_ones_do(bias, lead):
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(4, 6, bias=bias), nn.Tanh(), nn.Linear(6, 3))
    fast = speed_up(nn.Sequential(nn.Linear(4, 6, bias=bias), nn.Tanh(), nn.Linear(6, 3)))
    weights = [
        {name: torch.randn(3, *p.shape) for name, p in plain.named_parameters()} for _ in range(2)
    ]
    weights[1] = {name: w.clone().requires_grad_() for name, w in weights[0].items()}
    weights[0] = {name: w.requires_grad_() for name, w in weights[0].items()}
    x = torch.randn(3, *lead, 4)
    outputs = []
    for module, own in zip((plain, fast), weights, strict=True):
        run = vmap(lambda w, batch, m=module: functional_call(m, w, (batch,)))
        outputs.append(run(own, x))
        outputs[-1].square().sum().backward()
    torch.testing.assert_close(*outputs)
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name].grad, weights[1][name].grad)


def test_subclasses_keep_their_own_forward():
    class Own(nn.Linear):
        def forward(self, input):
            return -super().forward(input)

    module = speed_up(Own(2, 2))
    assert type(module) is Own
