"""What follows from the architecture alone."""

from torch import nn

from privbench.engine.core.architecture import CONVOLUTIONS, trainable


def test_trainable_parameters_are_those_that_require_gradients():
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 2, bias=False))
    module[1].requires_grad_(False)
    assert trainable(module) == ["0.weight", "0.bias", "2.weight"]


def test_transposed_convolutions_are_convolutions():
    assert isinstance(nn.ConvTranspose2d(1, 1, 1), CONVOLUTIONS)
    assert not isinstance(nn.Linear(1, 1), CONVOLUTIONS)
