"""The rules by which two or more guarantees become one: sums, and which of several is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from privbench.privacy.conditions import LABELS_NOT_COVERED, ONLY_LABELS_COVERED
from privbench.privacy.guarantees import Adjacency, Covers, Guarantee
from privbench.privacy.profile import Profile

PRECEDENCE: tuple[Covers, ...] = ("records", "features", "labels")


def basic_composition(first: Guarantee, second: Guarantee) -> Guarantee | None:
    """Return the guarantee of two mechanisms that read the same records, or None for metric privacy.

    Theorem: if M1 is (e1, d1)-DP and, for every output of M1, M2 is (e2, d2)-DP, then releasing both
    outputs is (e1 + e2, d1 + d2)-DP. Source: Dwork, Roth 2014, "The Algorithmic Foundations of
    Differential Privacy", theorem B.1.

    Both must have the same neighbours. Unless both are for adding or removing a record, each is first
    converted to replacing one (``Guarantee.replace_one``); two local guarantees stay local. The result
    covers what both cover, or the whole record if one covers features and the other labels. If both
    are for adding or removing a record and have profiles, the sum has one of a single point.
    """
    both = (first, second)
    if any(guarantee.kind == "metric-dp" for guarantee in both):
        return None
    profile: Profile = ()
    if all(guarantee.adjacency == "add-remove" for guarantee in both):
        adjacency: Adjacency = "add-remove"
        terms = [(guarantee.epsilon, guarantee.delta) for guarantee in both]
        if all(guarantee.profile for guarantee in both):
            profile = (_sum([guarantee.replace_one() for guarantee in both]),)
    else:
        local = all(guarantee.kind == "local-dp" for guarantee in both)
        adjacency = "local" if local else "replace-one"
        terms = [guarantee.replace_one() for guarantee in both]
    epsilon, delta = _sum(terms)
    return replace(
        first,
        kind="local-dp" if adjacency == "local" else "dp",
        epsilon=epsilon,
        delta=delta,
        adjacency=adjacency,
        accountant=" + ".join(dict.fromkeys(guarantee.accountant for guarantee in both)),
        conditions=tuple(dict.fromkeys((*first.conditions, *second.conditions))),
        covers=_covered_by_both(first.covers, second.covers),
        profile=profile,
        gaussian=first.gaussian and second.gaussian,
    )


def _sum(terms: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(epsilon for epsilon, _ in terms), min(1.0, sum(delta for _, delta in terms))


def _covered_by_both(first: Covers, second: Covers) -> Covers:
    if first == "records":
        return second
    return first if second in ("records", first) else "records"


def features_and_labels(features: Guarantee, labels: Guarantee) -> Guarantee | None:
    """Return the guarantee for records from one for their features and one for their labels.

    Theorem: if M1 is (e1, d1)-DP for neighbours that differ in the features of a record, and M2 is
    (e2, d2)-DP for those that differ in its label, then releasing both is (e1 + e2, d1 + d2)-DP for
    records, since a change of a record changes what each of them reads once. This is
    ``basic_composition``, after which no part of a record is left uncovered.
    """
    total = basic_composition(features, labels)
    if total is None:
        return None
    of_parts = {LABELS_NOT_COVERED.name, ONLY_LABELS_COVERED.name}
    return replace(total, conditions=tuple(c for c in total.conditions if c.name not in of_parts))


def post_processing(guarantees: Sequence[Guarantee], n_train: int) -> Guarantee | None:
    """Return the guarantee that is shown of mechanisms one after another; None if there is none.

    Theorem: if M is (e, d)-DP, so is f(M) for any f that does not read the private records again. So
    each guarantee holds by itself for the whole sequence. Source: Dwork, Roth 2014, proposition 2.1.

    Of several, with the sum of the best for features and the best for labels, the first one in this
    order is shown:

    1. without a broken condition (``Guarantee.is_broken``);
    2. covers records, then features, then labels;
    3. delta below 1 / ``n_train``;
    4. the smallest epsilon, then the smallest delta, for replacing a record.

    Metric privacy is not comparable with the other kinds: with others beside it, none is shown.
    """
    if len(guarantees) < 2:
        return guarantees[0] if guarantees else None
    if any(guarantee.kind == "metric-dp" for guarantee in guarantees):
        return None

    def order(guarantee: Guarantee) -> tuple[bool, int, bool, float, float]:
        return (
            guarantee.is_broken(),
            PRECEDENCE.index(guarantee.covers),
            guarantee.delta >= 1 / n_train,
            *guarantee.replace_one(),
        )

    candidates = list(guarantees)
    features, labels = (
        min((g for g in guarantees if g.covers == part), key=order, default=None)
        for part in ("features", "labels")
    )
    if features is not None and labels is not None:
        total = features_and_labels(features, labels)
        candidates += [] if total is None else [total]
    return min(candidates, key=order)
