"""MemGuard's classifier, and perturbations that turn its decision."""

import numpy as np
import torch

from privbench.mechanisms.memguard_search import perturb

from .memguards import guarded, says_member
from .outputs import confident, rng


def test_memguards_classifier_sees_what_others_see():
    """Changes of tiny probabilities would turn a classifier of logarithms, and no other attack."""
    _, classifier = guarded()
    asked = confident(200, 9.0, 20)[0]
    tail = np.where(asked < 1e-4, asked / 100, asked)
    assert (tail != asked).mean() > 0.01
    with torch.no_grad():
        before, after = (classifier(torch.tensor(one).float()) for one in (asked, tail))
    torch.testing.assert_close(before, after, atol=1e-2, rtol=1e-2)
    shuffled = rng().permuted(asked, axis=1)  # which class it is says nothing
    with torch.no_grad():
        torch.testing.assert_close(classifier(torch.tensor(shuffled).float()), before)


def test_a_changed_answer_is_one_that_turns_the_decision():
    _, classifier = guarded()
    asked = np.concatenate([confident(150, 6.0, 20)[0], confident(150, 2.0, 30)[0]])
    found = perturb(classifier, asked, 50)
    changed = (found != asked).any(axis=1)
    assert changed.mean() > 0.5
    turned = says_member(classifier, asked) != says_member(classifier, found)
    np.testing.assert_array_equal(changed, turned)
    few = perturb(classifier, asked, 1)
    assert (few != asked).any(axis=1).mean() < changed.mean()
