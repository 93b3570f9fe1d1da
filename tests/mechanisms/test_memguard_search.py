"""MemGuard's classifier, and perturbations that turn its decision."""

import numpy as np
import torch

from privbench.mechanisms.memguard_search import perturb

from .memguards import guarded, says_member
from .outputs import confident, rng


def test_the_classifier_ignores_tiny_probabilities_and_the_order_of_classes():
    """A classifier of log-probabilities could be misled by changes that no other attack notices."""
    _, classifier = guarded()
    bare = confident(200, 9.0, 20)[0]
    tail = np.where(bare < 1e-4, bare / 100, bare)
    assert (tail != bare).mean() > 0.01
    with torch.no_grad():
        before, after = (classifier(torch.tensor(one).float()) for one in (bare, tail))
    torch.testing.assert_close(before, after, atol=1e-2, rtol=1e-2)
    shuffled = rng().permuted(bare, axis=1)
    with torch.no_grad():
        torch.testing.assert_close(classifier(torch.tensor(shuffled).float()), before)


def test_an_output_is_perturbed_if_and_only_if_the_decision_turns():
    _, classifier = guarded()
    bare = np.concatenate([confident(150, 6.0, 20)[0], confident(150, 2.0, 30)[0]])
    found = perturb(classifier, bare, 50)
    changed = (found != bare).any(axis=1)
    assert changed.mean() > 0.5
    turned = says_member(classifier, bare) != says_member(classifier, found)
    np.testing.assert_array_equal(changed, turned)
    few = perturb(classifier, bare, 1)
    assert (few != bare).any(axis=1).mean() < changed.mean()
