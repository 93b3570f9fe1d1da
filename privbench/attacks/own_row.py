"""Check that an attack does not use the membership of its target, which the views of all targets hold.

An attack on all targets at once is handed the membership of all shadows. With leave-one-out shadow i is
target i, so one row of ``shadow_member`` is the target's own membership, and an attack that uses it by
mistake has an AUC of 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Views
from privbench.attacks.synthetic import SyntheticViews
from privbench.data import read_only
from privbench.errors import PrivbenchError

CHECKED = 2
"""Targets that are checked, drawn at random for each call. Each costs one more call of the attack."""
RELATIVE = 1e-6
"""Smaller changes of a score, relative to it and to the median one, are rounding."""
SHARE = 0.01
"""Share of the records whose scores may change: where scores are ranks, rounding may swap a few."""

AnyViews = TypeVar("AnyViews", Views, SyntheticViews)
Scores = NDArray[np.float64]


def check_own_row(
    score_all: Callable[[AnyViews], Scores],
    make_views: Callable[[], AnyViews],
    scores: Scores,
    name: str,
) -> None:
    """Score again with a target's own row of ``shadow_member`` flipped; its scores must not change.

    If the shadows went through no defense (a naive adversary), the outputs of the target's own shadow
    are replaced as well: that shadow has the target's membership, and no defense hides it. So is its
    network, if the attack is handed networks of shadows alone (``shadow_networks``).

    Args:
        score_all: the attack.
        make_views: makes the views once more, with the same random draws.
        scores: the scores (targets, n_pool) that the attack gave for such views.
        name: the attack's name, for the message.

    Raises:
        PrivbenchError: scores changed, or differ between two equal calls, so that it cannot be told.
    """
    views = make_views()
    if not views.leave_one_out or len(views) < 2:
        return
    for target in views.rngs[0].choice(len(views), size=min(CHECKED, len(views)), replace=False):
        again = score_all(_without_own_row(make_views(), int(target)))
        changed = _changed(scores[target], again[target])
        if changed <= SHARE * len(views.labels):
            continue
        if _changed(scores[target], score_all(make_views())[target]):
            raise PrivbenchError(
                f"{name}: two equal calls of score_all gave different scores, so whether it uses the"
                " membership of the target cannot be checked; draw from views.rngs only"
            )
        what = f"row {target} of shadow_member was flipped"
        if isinstance(views, Views) and views.shadows is not views.targets:
            what += f" and the outputs of shadow {target} were replaced"
        elif isinstance(views, Views) and views.shadow_models is not views.target_models:
            what += f" and the network of shadow {target} was replaced"
        raise PrivbenchError(
            f"{name}: score_all uses the membership of the target: {changed} of {len(views.labels)}"
            f" scores of target {target} changed when {what}, which is its own. Leave shadow i out for"
            " target i: views[i] has the other shadows only, and np.arange(len(views)) != i selects them"
        )


def _changed(scores: Scores, again: Scores) -> int:
    """Return how many scores differ by more than rounding, whatever the largest one is."""
    size = np.maximum(np.abs(scores), np.abs(again))
    return int((np.abs(scores - again) > RELATIVE * (size + np.median(size))).sum())


def _without_own_row(views: AnyViews, target: int) -> AnyViews:
    """Return views in which shadow ``target`` does not reveal that target's membership."""
    member = views.shadow_member.copy()
    member[target] = ~member[target]
    flipped = replace(views, shadow_member=read_only(member), progress=lambda done, total: None)
    if not isinstance(flipped, Views):
        return flipped
    order = np.arange(len(flipped.shadows))
    order[target] = (target + 1) % len(order)
    if flipped.shadow_models is not flipped.target_models:
        models = [flipped.shadow_models[int(i)] for i in order] if flipped.shadow_models else []
        flipped = replace(flipped, shadow_models=models)
    if flipped.shadows is flipped.targets:
        return flipped
    return replace(
        flipped,
        shadows=flipped.shadows[order],
        shadow_reference=flipped.shadow_reference[order],
    )
