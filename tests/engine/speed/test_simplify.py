"""Simplified steps have fewer operations and the same results."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, fx

from privbench.engine.speed import simplify
from privbench.engine.speed.tracing import trace


def operations(module: fx.GraphModule) -> list[str]:
    return [str(node.target) for node in module.graph.nodes if node.op == "call_function"]


def gradient(x: Tensor, w: Tensor) -> Sequence[Tensor]:
    own = w.detach().requires_grad_()
    losses = -(x @ own).log_softmax(-1)[:, 0]
    return torch.autograd.grad(losses.mean(), [own])


def test_the_gradient_of_a_mean_needs_neither_the_mean_nor_the_loss() -> None:
    x, w = torch.randn(5, 3), torch.randn(3, 4)
    step = trace(gradient, x, w)
    before = len(operations(step))
    simplify.simplify(step)
    names = operations(step)
    assert len(names) < before / 2
    for gone in ("detach", "mean", "neg", "ones_like", "div"):
        assert not any(gone in name for name in names), gone
    for seed in (1, 2):  # other values than those that were recorded
        torch.manual_seed(seed)
        x, w = torch.randn(5, 3), torch.randn(3, 4)
        torch.testing.assert_close(step(x, w), gradient(x, w))


def test_a_permutation_that_permutes_stays() -> None:
    step = trace(lambda x: x.permute(0, 1).permute(1, 0) + 1, torch.randn(2, 3))
    simplify.simplify(step)
    assert operations(step) == ["aten.permute.default", "aten.add.Tensor"]


def test_what_depends_on_values_is_not_folded() -> None:
    x = torch.randn(4)
    step = trace(lambda x: torch.ones_like(x) * 2 + x.sum() * torch.zeros_like(x), x)
    simplify.simplify(step)
    torch.testing.assert_close(step(x + 1), torch.full((4,), 2.0))
    assert "aten.sum.default" in operations(step)
    assert not any("like" in name for name in operations(step))


def test_what_is_computed_twice_is_computed_once() -> None:
    x = torch.randn(3, 4)
    step = trace(lambda x: (x.exp() + 1) * (x.exp() + 2) + x.sum(1).sum() + x.sum(0).sum(), x)
    simplify.simplify(step)
    assert operations(step).count("aten.exp.default") == 1
    assert operations(step).count("aten.sum.dim_IntList") == 2
    torch.testing.assert_close(step(x), (x.exp() + 1) * (x.exp() + 2) + 2 * x.sum())


def test_random_numbers_are_not_folded() -> None:
    step = trace(lambda x: torch.rand_like(x) - torch.rand_like(x) + x, torch.zeros(50))
    simplify.simplify(step)
    assert not torch.equal(step(torch.zeros(50)), step(torch.zeros(50)))
    assert step(torch.zeros(50)).any()


def test_a_step_that_alters_tensors_in_place_is_left_alone() -> None:
    def count(x: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        total.add_(x.detach())
        return total

    x = torch.randn(3)
    step = trace(count, x)
    simplify.simplify(step)
    assert torch.equal(step(x), x)
    assert torch.equal(step(x), x)  # a folded zero would have grown


def test_a_bias_is_added_by_the_product() -> None:
    def step(x: Tensor, w: Tensor, b: Tensor, rows: Tensor) -> tuple[Tensor, ...]:
        shared = torch.bmm(x, w)
        return b * 1 + torch.bmm(x, w + 1), rows + shared, shared

    inputs = [torch.randn(*shape) for shape in ((2, 4, 3), (2, 3, 5), (2, 1, 5), (2, 4, 5))]
    graph = trace(step, *inputs)
    simplify.simplify(graph)
    names = operations(graph)
    assert names.count("aten.baddbmm.default") == 1
    assert names.count("aten.add.Tensor") == 2  # one has all rows and not one, as a bias has
    assert "aten.mul.Tensor" not in names
    torch.testing.assert_close(graph(*inputs), step(*inputs))
