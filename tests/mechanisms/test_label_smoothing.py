"""Label smoothing against torch."""

import pytest
import torch
from torch import nn

from privbench.mechanisms.label_smoothing import LabelSmoothing

from .training import batch, linear


@pytest.mark.parametrize("smoothing", [0.05, 0.1, 0.7, 1.0])
def test_label_smoothing_is_that_of_torch(smoothing):
    found = LabelSmoothing(smoothing=smoothing).loss(linear(), batch())
    torchs = nn.CrossEntropyLoss(label_smoothing=smoothing, reduction="none")
    torch.testing.assert_close(found, torchs(linear()(batch().x), batch().y))
