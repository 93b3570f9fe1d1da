"""Simplified steps have fewer operations and the same results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

from privbench.engine.speed import products, simplify


def recorded(function: Callable[..., object], *inputs: Tensor) -> fx.GraphModule:
    found: fx.GraphModule = make_fx(function)(*inputs)
    return found


def operations(module: fx.GraphModule) -> list[str]:
    return [str(node.target) for node in module.graph.nodes if node.op == "call_function"]


def gradient(x: Tensor, w: Tensor) -> Sequence[Tensor]:
    own = w.detach().requires_grad_()
    losses = -(x @ own).log_softmax(-1)[:, 0]
    return torch.autograd.grad(losses.mean(), [own])


def test_the_gradient_of_a_mean_needs_neither_the_mean_nor_the_loss() -> None:
    x, w = torch.randn(5, 3), torch.randn(3, 4)
    step = recorded(gradient, x, w)
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
    step = recorded(lambda x: x.permute(0, 1).permute(1, 0) + 1, torch.randn(2, 3))
    simplify.simplify(step)
    assert operations(step) == ["aten.permute.default", "aten.add.Tensor"]


def test_what_depends_on_values_is_not_folded() -> None:
    x = torch.randn(4)
    step = recorded(lambda x: torch.ones_like(x) * 2 + x.sum() * torch.zeros_like(x), x)
    simplify.simplify(step)
    torch.testing.assert_close(step(x + 1), torch.full((4,), 2.0))
    assert "aten.sum.default" in operations(step)
    assert not any("like" in name for name in operations(step))


def test_what_is_computed_twice_is_computed_once() -> None:
    x = torch.randn(3, 4)
    step = recorded(lambda x: (x.exp() + 1) * (x.exp() + 2) + x.sum(1).sum() + x.sum(0).sum(), x)
    simplify.simplify(step)
    assert operations(step).count("aten.exp.default") == 1
    assert operations(step).count("aten.sum.dim_IntList") == 2
    torch.testing.assert_close(step(x), (x.exp() + 1) * (x.exp() + 2) + 2 * x.sum())


def test_random_numbers_are_not_folded() -> None:
    step = recorded(lambda x: torch.rand_like(x) - torch.rand_like(x) + x, torch.zeros(50))
    simplify.simplify(step)
    assert not torch.equal(step(torch.zeros(50)), step(torch.zeros(50)))
    assert step(torch.zeros(50)).any()


def test_a_step_that_alters_tensors_in_place_is_left_alone() -> None:
    def count(x: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        total.add_(x.detach())
        return total

    x = torch.randn(3)
    step = recorded(count, x)
    simplify.simplify(step)
    assert torch.equal(step(x), x)
    assert torch.equal(step(x), x)  # a folded zero would have grown


needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"),
    reason="torch was built without oneDNN",
)


@needs_onednn
@pytest.mark.parametrize("across", [False, True])
def test_products_are_those_of_bmm(across: bool) -> None:
    left, right = torch.randn(3, 7, 5), torch.randn(3, 5, 6)
    if across:  # transposed in memory, as in a backward pass
        left, right = left.mT.contiguous().mT, right.mT.contiguous().mT
    torch.testing.assert_close(products.products(left, right), left @ right)
    bias = torch.randn(3, 1, 6)
    kept = bias.clone()
    expected = torch.baddbmm(bias, left, right)
    torch.testing.assert_close(products.layers(bias, left, right), expected)
    torch.testing.assert_close(products.layers(bias, left, right, "relu"), expected.relu())
    assert torch.equal(bias, kept)


@needs_onednn
def test_large_products_are_replaced_and_small_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def step(x: Tensor, w: Tensor, b: Tensor, small: Tensor) -> tuple[Tensor, Tensor]:
        return torch.baddbmm(b, x, w), torch.bmm(small, small)

    inputs = [torch.randn(2, *shape) for shape in ((64, 300), (300, 100), (1, 100), (8, 8))]
    for faster in (True, False):
        monkeypatch.setattr(products, "onednn_is_faster", lambda: faster)  # noqa: B023
        graph = recorded(step, *inputs)
        products.use_faster_products(graph)
        found = [node.target for node in graph.graph.nodes if node.op == "call_function"]
        large = products.layers if faster else torch.ops.aten.baddbmm.default
        assert found == [large, torch.ops.aten.bmm.default]
        for ours, theirs in zip(graph(*inputs), step(*inputs), strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@needs_onednn
def test_a_relu_is_part_of_the_layer_whose_output_nothing_else_uses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def once(x: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, ...]:
        return (torch.baddbmm(b, x, w).relu(),)

    def twice(x: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, ...]:
        left = torch.baddbmm(b, x, w)
        return left, left.relu()

    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    inputs = [torch.randn(2, *shape) for shape in ((64, 300), (300, 100), (1, 100))]
    for step, count in ((once, 1), (twice, 2)):
        graph = recorded(step, *inputs)
        products.use_faster_products(graph)
        assert len(operations(graph)) == count
        torch.testing.assert_close(graph(*inputs), step(*inputs), atol=1e-4, rtol=1e-4)


def test_a_bias_is_added_by_the_product() -> None:
    def step(x: Tensor, w: Tensor, b: Tensor, rows: Tensor) -> tuple[Tensor, ...]:
        shared = torch.bmm(x, w)
        return b * 1 + torch.bmm(x, w + 1), rows + shared, shared

    inputs = [torch.randn(*shape) for shape in ((2, 4, 3), (2, 3, 5), (2, 1, 5), (2, 4, 5))]
    graph = recorded(step, *inputs)
    simplify.simplify(graph)
    names = operations(graph)
    assert names.count("aten.baddbmm.default") == 1
    assert names.count("aten.add.Tensor") == 2  # one has all rows and not one, as a bias has
    assert "aten.mul.Tensor" not in names
    torch.testing.assert_close(graph(*inputs), step(*inputs))


@pytest.mark.parametrize(
    ("processor", "capability", "faster"),
    [
        ("vendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t: 2", "AVX512", True),  # Zen 5
        ("vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t: 17", "AVX512", False),  # Zen 4
        ("vendor_id\t: GenuineIntel\ncpu family\t: 26\nmodel\t: 2", "AVX512", False),
        ("vendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t: 2", "AVX2", False),
    ],
)
def test_the_processor_decides(
    processor: str, capability: str, faster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products.Path, "read_text", lambda path: processor)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert products.onednn_is_faster.__wrapped__() is faster


def test_the_processor_is_told_without_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(products.Path, "read_text", missing)
    windows = "AMD64 Family 26 Model 68 Stepping 0, AuthenticAMD"
    for processor, family in ((windows, 26), ("arm", 0), ("", 0)):
        monkeypatch.setattr(products.platform, "processor", lambda: processor)  # noqa: B023
        assert products._family_of_amd() == family
