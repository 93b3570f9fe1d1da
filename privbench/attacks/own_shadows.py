"""How an adversary rehearses: it attacks its own shadows, whose membership it knows.

What is chosen by the outcome, such as a parameter or an attack, is chosen without the target.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Views
from privbench.attacks.moments import Bools, Floats

Ints = NDArray[np.int64]

GROUPS = 4
"""Number of groups of targets. More groups leave each more shadows, and cost more."""


def groups_of_targets(views: Views) -> Iterator[tuple[Ints, Ints]]:
    """Split the targets into groups that make the same choices.

    Yields:
        The targets of a group, and the shadows that it may use. With ``views.leave_one_out`` these are
        the shadows that stand for none of the group's targets; otherwise there is one group, and it
        may use all shadows.
    """
    targets, shadows = np.arange(len(views)), np.arange(len(views.shadows))
    if not views.leave_one_out:
        yield targets, shadows
        return
    for first in range(min(GROUPS, len(targets))):
        group = targets[first::GROUPS]
        yield group, np.setdiff1d(shadows, group)


def attack_on_shadows(views: Views, known: Ints) -> Views:
    """Return the views in which each of the ``known`` shadows is the target once.

    The other known shadows are its shadows. Their models are left out, for they are not to be queried
    once more by each group.
    """
    shadows, reference = views.shadows[known], views.shadow_reference[known]
    return replace(
        views,
        targets=shadows,
        shadows=shadows,
        shadow_member=views.shadow_member[known],
        leave_one_out=True,
        target_reference=reference,
        shadow_reference=reference,
        rngs=[np.random.default_rng(int(shadow)) for shadow in known],
        target_models=(),
        shadow_models=(),
        progress=lambda done, total: None,
    )


def auc(scores: Floats, member: Bools) -> float:
    """Return the area under the ROC curve (Mann-Whitney), ties counted half.

    NaN if all are members, or none is.
    """
    from privbench.metrics.average_ranks import average_ranks

    ranks, is_member = average_ranks(scores.ravel()), member.ravel()
    n_in, n_out = int(is_member.sum()), int((~is_member).sum())
    if not n_in or not n_out:
        return float("nan")
    return float((ranks[is_member].sum() - n_in * (n_in + 1) / 2) / (n_in * n_out))
