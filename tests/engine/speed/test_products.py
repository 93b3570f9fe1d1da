"""Products by oneDNN are those of torch, and it is decided by the processor."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, fx

from privbench.engine import Recipe, train_population
from privbench.engine.speed import products
from privbench.engine.speed.tracing import trace

from ..problems import FEATURES, MODELS, RECIPES, SEEDS, assert_same, mlp, shared_sets


@pytest.mark.parametrize("recipe", [RECIPES["momentum"], RECIPES["adam"]])
def test_layers_that_are_worth_products_of_their_own(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whole batches large enough for oneDNN, in the last one not; also of one model."""
    monkeypatch.setattr("privbench.engine.speed.products.onednn_is_faster", lambda: True)
    monkeypatch.setattr("privbench.engine.speed.products.MIN_FLOPS", 2 * 8 * FEATURES * 16)
    alone = train_population(mlp(), shared_sets(), recipe, SEEDS, strategy="sequential")
    for chunk in (1, 3, MODELS):
        at_once = train_population(
            mlp(), shared_sets(), recipe, SEEDS, strategy="batched", chunk=chunk
        )
        assert_same(alone, at_once)


def operations(module: fx.GraphModule) -> list[str]:
    return [str(node.target) for node in module.graph.nodes if node.op == "call_function"]


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
        graph = trace(step, *inputs)
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
        graph = trace(step, *inputs)
        products.use_faster_products(graph)
        assert len(operations(graph)) == count
        torch.testing.assert_close(graph(*inputs), step(*inputs), atol=1e-4, rtol=1e-4)


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
