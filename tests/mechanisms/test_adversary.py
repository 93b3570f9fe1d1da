"""The module of adversarial regularisation."""

import torch

from privbench.mechanisms.adversary import Adversarial

from .training import CLASSES, batch, linear


def test_the_attack_reads_probabilities_and_label_of_the_model():
    module, x, y = Adversarial(linear(), CLASSES, 16), batch().x, batch().y
    logits, inside = module(x, y)
    torch.testing.assert_close(logits, linear()(x))
    assert inside.shape == (10,)
    assert not torch.allclose(inside, module(x, (y + 1) % CLASSES)[1])
    assert not torch.allclose(inside, module(x.roll(1, 0), y)[1])
    module.model.bias.data += 3.0  # other logits, the same probabilities
    torch.testing.assert_close(module(x, y)[1], inside)
