"""Norms and weighted sums of per-example gradients, against the gradients themselves."""

import pytest
import torch

from privbench.engine.private.layers import Conv, Ghost, Groups, Linear, Outer, Stored

B, P, IN, OUT = 4, 5, 3, 2


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


A, G = drawn(B, P, IN), drawn(B, P, OUT)
EACH = torch.einsum("bpo,bpi->boi", G, A)
KINDS = {
    "stored": (Stored(EACH), EACH),
    "stored bias": (Stored(EACH[:, 0]), EACH[:, 0]),
    "outer": (Outer(A[:, 0], G[:, 0]), G[:, 0, :, None] * A[:, 0, None, :]),
    "ghost": (Ghost(A, G), EACH),
    "groups": (Groups([Stored(EACH), Ghost(A, G)], (2 * OUT, IN)), torch.cat([EACH, EACH], 1)),
}


@pytest.mark.parametrize("name", KINDS)
def test_norms_and_sums_are_those_of_the_gradients(name):
    gradients, each = KINDS[name]
    factors = torch.tensor([0.0, 1.0, 0.5, 2.0])
    torch.testing.assert_close(gradients.squared_norms(), each.flatten(1).square().sum(1))
    expected = torch.einsum("b,b...->...", factors, each)
    torch.testing.assert_close(gradients.weighted_sum(factors), expected)


@pytest.mark.parametrize(("positions", "kind"), [(2, Ghost), (30, Stored)])
def test_a_matrix_is_computed_unless_inner_products_are_fewer_numbers(positions, kind):
    layer = Linear("weight", "bias", (positions, 10))
    assert isinstance(layer.of_weight(drawn(B, positions, 10), drawn(B, positions, 10)), kind)


def test_names_are_those_of_trained_parameters():
    layer = Conv(None, "bias", (2, 3, 3), (1, 1), (1, 1), (0, 0), (1, 1), 1, False)
    assert layer.names == ["bias"]
    gradients = layer.gradients(drawn(B, 1, 3, 3), torch.ones(B, 2, 3, 3))
    torch.testing.assert_close(
        gradients["bias"].weighted_sum(torch.ones(B)), torch.full((2,), 36.0)
    )
