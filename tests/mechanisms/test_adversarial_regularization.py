"""Adversarial regularisation against a step of each network by hand."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional

from privbench.mechanisms.adversarial_regularization import AdversarialRegularization, attack_loss
from privbench.mechanisms.adversary import Adversarial
from privbench.models.mlp import Mlp

from .training import (
    CLASSES,
    REFERENCE,
    SEEDS,
    M,
    assert_close,
    batch,
    differ,
    linear,
    reference_batch,
    task,
)  # fmt: skip


def test_the_loss_of_the_attack_is_binary_cross_entropy():
    module, one = Adversarial(linear(), CLASSES, 4), batch(**reference_batch())
    inside, outside = module(one.x, one.y)[1], module(one.other_x, one.other_y)[1]
    of = [functional.binary_cross_entropy_with_logits(logit, label, reduction="none")
          for logit, label in ((inside, torch.ones(10)), (outside, torch.zeros(10)))]  # fmt: skip
    torch.testing.assert_close(attack_loss(module, one), (of[0] + of[1]) / 2)


def test_the_population_has_no_attack_and_depends_on_its_weight():
    weak, strong = (
        AdversarialRegularization(weight=w).train_population(task()) for w in (1e-6, 30.0)
    )
    assert set(weak.params) == set(strong.params) == {"1.weight", "1.bias", "3.weight", "3.bias"}
    assert differ(weak, strong)
    assert_close(weak, task().train())  # as without an attack


def test_a_step_updates_the_attack_and_then_the_model():
    """One epoch of one full batch, against one step of each optimizer."""
    whole = task(Mlp(hidden=(16,), epochs=1, batch_size=M, lr=0.1))
    # Equal reference records, so that their draw does not matter.
    small = replace(whole, reference=REFERENCE.take(np.repeat(5, M)))
    found = AdversarialRegularization(weight=2.0, hidden=8, attack_lr=0.03).train_population(small)
    for i, seed in enumerate(SEEDS):
        torch.manual_seed(seed)
        module = Adversarial(whole.build(), CLASSES, 8)
        (x, y), other = whole.sets.of_model(i), small.reference
        outside = module(torch.tensor(other.x), torch.tensor(other.y))[1]
        lost = functional.softplus(-module(x, y)[1]) + functional.softplus(outside)
        module.zero_grad()
        (0.5 * lost.mean()).backward()
        torch.optim.Adam(module.attack.parameters(), lr=0.03).step()
        logits, inside = module(x, y)
        module.zero_grad()
        loss = functional.cross_entropy(logits, y) + 2.0 * functional.logsigmoid(inside).mean()
        loss.backward()
        torch.optim.SGD(module.model.parameters(), lr=0.1).step()
        for name, weight in module.model.named_parameters():
            torch.testing.assert_close(found.params[name][i], weight, atol=1e-4, rtol=1e-3)
