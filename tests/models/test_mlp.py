"""The multilayer perceptron against arithmetic in NumPy, and its dropout."""

import numpy as np
import pytest
import torch
from torch import nn

from privbench.models.mlp import Mlp

from .arithmetic import CLASSES, built, logits_of, records, relu, shapes_of, weights_of

MLP = Mlp(hidden=(8, 4), dropout=0.5)


def test_mlp_is_linear_layers_with_relu_between():
    module, x = built(MLP), records()
    w1, b1, w2, b2, w3, b3 = weights_of(module)
    hidden = relu(relu(x.reshape(5, -1) @ w1.T + b1) @ w2.T + b2)
    np.testing.assert_allclose(logits_of(module, x), hidden @ w3.T + b3, atol=1e-5)


@pytest.mark.parametrize("hidden", [(1,), (128,), (9, 4, 6)])
def test_sizes_of_mlp(hidden):
    widths = [(7, *hidden), (*hidden, CLASSES)]
    expected = [shape for a, b in zip(*widths, strict=True) for shape in ((b, a), (b,))]
    assert shapes_of(built(Mlp(hidden=hidden), (7,))) == expected


def test_dropout_drops_its_share_of_each_hidden_layer():
    """What survives is scaled up, so that the mean of a unit stays what it is without dropout."""
    module = built(Mlp(hidden=(1000, 900), dropout=0.3))
    kept = {}

    def watch(part, inputs, output):
        alive = inputs[0] > 0
        kept[part] = (output[alive] > 0).float().mean().item()
        survivors = output > 0
        torch.testing.assert_close(output[survivors], inputs[0][survivors] / 0.7)

    dropouts = [part for part in module if isinstance(part, nn.Dropout)]
    for part in dropouts:
        part.register_forward_hook(watch)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module.train()(torch.tensor(records(20)))
    assert list(kept.values()) == [pytest.approx(0.7, abs=0.03)] * 2


def test_dropout_is_for_training_only():
    module, x = built(MLP), records()
    np.testing.assert_array_equal(logits_of(module, x), logits_of(module, x))
    without = built(Mlp(hidden=(8, 4)))
    np.testing.assert_array_equal(logits_of(module, x), logits_of(without, x))
