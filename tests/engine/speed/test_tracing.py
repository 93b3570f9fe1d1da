"""A recorded function computes what the function computes, and remembers no values of its inputs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from privbench.engine.speed.tracing import facts_of, trace


def gradients(x: Tensor, *weights: Tensor) -> list[Tensor | None]:
    """Gradients of two stacked models, of which one weight is not used."""
    module = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
    names = [name for name, _ in module.named_parameters()]
    own = [w.detach().requires_grad_() for w in weights]

    def loss(x: Tensor, *values: Tensor) -> Tensor:
        out = functional_call(module, dict(zip(names, values, strict=False)), x)
        first, second = out.split(1, dim=-1)
        return (first.max(0).values - second.tanh()).square().sum()

    total = vmap(loss)(x, *own).sum()
    return list(torch.autograd.grad(total, own, allow_unused=True))


def stacked() -> list[Tensor]:
    shapes = ((5, 4), (3, 4), (3,), (3,), (3,), (2, 3), (2,), (7,))
    return [torch.randn(2, *shape) for shape in shapes]


def test_other_inputs_give_the_same_bits() -> None:
    graph = trace(gradients, *stacked())
    inputs = stacked()
    found, expected = graph(*inputs), gradients(*inputs)
    assert expected[-1] is None
    assert found[-1] is None
    for ours, theirs in zip(found[:-1], expected[:-1], strict=True):
        assert torch.equal(ours, theirs)


def test_the_facts_are_those_of_the_result() -> None:
    graph = trace(lambda x: (x + torch.ones(1, 2)).mT, torch.zeros(1, 2))
    _, ones, *_, transposed, _ = graph.graph.nodes
    facts = facts_of(transposed)
    assert (facts.shape, facts.dtype, facts.strides) == ((2, 1), torch.float32, (1, 2))
    assert facts.depends_on_inputs
    assert not facts_of(ones).depends_on_inputs


def test_tensors_of_a_closure_are_constants_that_keep_their_identity() -> None:
    scale = torch.tensor([2.0])
    graph = trace(lambda x: (x * scale, scale), torch.ones(3))
    scale.fill_(3.0)
    product, constant = graph(torch.ones(3))
    assert product.tolist() == [3.0, 3.0, 3.0]
    assert constant.tolist() == [3.0]


def test_what_is_altered_in_place() -> None:
    def count(x: Tensor) -> Tensor:
        total = torch.tensor([1.0, 2.0])
        total.add_(x)
        total[:1] += x[1:]
        return total

    graph = trace(count, torch.zeros(2))
    for _ in range(2):  # a constant that was altered would have grown
        assert graph(torch.tensor([10.0, 20.0])).tolist() == [31.0, 22.0]


@pytest.mark.parametrize(
    "looks",
    [
        lambda x: x * x.sum().item(),
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x + torch.zeros(2).add_(x)[0].item(),
        lambda x: x * float(torch.equal(x, x)),
    ],
)
def test_the_values_of_inputs_are_refused(looks: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(RuntimeError, match="tracing tensor"):
        trace(looks, torch.ones(2))


def test_the_values_of_constants_are_not() -> None:
    graph = trace(lambda x: x * torch.tensor(2.0).add(1).item(), torch.ones(2))
    assert graph(torch.ones(2)).tolist() == [3.0, 3.0]
    assert [node.op for node in graph.graph.nodes].count("call_function") == 3


@pytest.mark.slow
def test_the_operations_are_those_that_make_fx_finds() -> None:
    from torch.fx.experimental.proxy_tensor import make_fx

    def operations(graph: torch.fx.GraphModule) -> list[str]:
        graph.graph.eliminate_dead_code()
        names = [str(n.target) for n in graph.graph.nodes if n.op == "call_function"]
        return [name for name in names if name != "aten.detach.default"]

    ours, theirs = trace(gradients, *stacked()), make_fx(gradients)(*stacked())
    assert operations(ours) == operations(theirs)
