"""Warnings: reasons to doubt an attack, or the numbers of a row.

What AutoAttack's flags are for adversarial robustness (Croce, Hein 2020, arXiv 2003.01690). A warning
does not change a number. It says that the defense does something that attacks are known to be misled
by, or that the number means less than it seems to.

A function for each kind in ``KINDS`` returns a list with one warning, or an empty list. All are
deterministic. The limits are the constants below, chosen so that what is common to all
undefended models raises no warning:

- ``MAX_TIED``: without a defense, ties are records that appear twice. Location-30 has none.
- ``MAX_KURTOSIS_ERROR``: within records, the kurtosis of phi of undefended models of Location-30 (16
  models, 50 epochs) differs from that of a normal distribution by less than 1%.
- ``MAX_LACKING``: with 16 models that are members with probability 1/2, one record in a thousand has
  fewer than two shadows on a side.
- ``MAX_REPEATED``: 0.2% of the records of Adult have a copy.
- ``CONFIDENCE``: that of a verdict, since a table shows the most extreme of many rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypedDict

import numpy as np

from privbench.data import MAX_REPEATED
from privbench.metrics.clustered import Estimate
from privbench.metrics.pairs import Bools, Floats

MAX_TIED = 0.05
"""Largest share of tied outputs that raises no warning."""
MAX_KURTOSIS_ERROR = 0.1
"""Largest relative difference from the kurtosis of a normal distribution that raises no warning."""
MIN_SHADOWS = 2
"""Smallest number of shadows on a side (IN or OUT) from which a variance can be estimated."""
MAX_LACKING = 0.01
"""Largest share of (target, record) pairs with fewer shadows that raises no warning."""
MIN_GAIN = 0.005
"""Smallest AUC that a naive attack has to gain over the adaptive one to raise a warning."""
CONFIDENCE = 0.999
"""One-sided confidence of comparisons of AUCs, and of the kurtosis."""
TPR_BOUND = 0.99
"""TPR at ``AT_FPR`` from which on a guarantee is said to allow any attack."""
AT_FPR = 0.01
MIN_CLIPPED = 0.5
"""Share of gradients that DP-SGD clips from which on clipping is said to limit accuracy."""
MIN_VALUES = 4
"""Number of shadows on a side that a record needs for its kurtosis to count."""
MIN_VARIANCE = 1e-12
"""Variance below which the values of a record are equal up to rounding."""


class RowWarning(TypedDict):
    """A warning as rows and reports have it."""

    name: str
    text: str


@dataclass(frozen=True)
class Kind:
    """A kind of warning: its mark in tables, what it says, and when it is given."""

    mark: str
    note: str
    rule: str


KINDS = {
    "random-outputs": Kind(
        "R",
        "outputs are random, and the attack sees one draw: average several queries"
        " (queries_per_record)",
        "A model gives different outputs for the same records when it is queried again, and the attack"
        " makes one query per record.",
    ),
    "tied-outputs": Kind(
        "T",
        "many outputs are equal, so that the TPR at a small FPR is coarse",
        f"More than {MAX_TIED:.0%} of the confidences phi of a model's outputs are those of another"
        " record, too. For attacks that see probabilities.",
    ),
    "naive-is-stronger": Kind(
        "N",
        "the naive attack is stronger than the adaptive one, which makes poor use of its shadows",
        f"The AUC of the naive attack is larger by more than {MIN_GAIN}, and by more than noise"
        f" ({CONFIDENCE:.1%}, paired by model and record). In the row of the adaptive attack, if both"
        " were run.",
    ),
    "below-chance": Kind(
        "B",
        "the AUC is below .5: is the score or the membership inverted?",
        f"The AUC is below .5 by more than noise ({CONFIDENCE:.1%}).",
    ),
    "not-normal": Kind(
        "G",
        "the confidences of a record's shadows are far from a Gaussian, which the attack takes them for",
        f"The kurtosis of phi, IN or OUT, differs by more than {MAX_KURTOSIS_ERROR:.0%}, and by more"
        " than noise, from that of a normal distribution. For attacks that fit normal distributions"
        " to phi (`lira`).",
    ),
    "few-shadows": Kind(
        "F",
        "records have too few IN or OUT shadows: use more shadow models (a larger population)",
        f"More than {MAX_LACKING:.0%} of the records have fewer than {MIN_SHADOWS} shadows on a side."
        " For attacks that compare the shadows of a record.",
    ),
    "repeated-records": Kind(
        "C",
        "records have copies, and of two in the pool a model may be trained on one alone, so that no"
        " attack can tell them apart, and numbers are too small",
        f"More than {MAX_REPEATED:.0%} of the pool records have a copy in the pool, the reference or the"
        " test records: the same features and label. Not for canaries.",
    ),
    "guarantee-allows-all": Kind(
        "E",
        "the guarantee allows any attack: its epsilon is too large to say anything",
        f"The guarantee, converted to replacing one record, allows a TPR of {TPR_BOUND} at an FPR of"
        f" {AT_FPR:.0%}.",
    ),
    "clipping-binds": Kind(
        "L",
        "clipping limits the accuracy of DP-SGD, and not noise: try a larger max_grad_norm or learning"
        " rate",
        f"DP-SGD clips at least {MIN_CLIPPED:.0%} of the gradients of single examples (`clipped_share`),"
        " while the guarantee allows any attack, so that there is hardly any noise.",
    ),
}
"""All kinds by name. Tables show the marks, and below them the notes."""


@dataclass(frozen=True)
class Kurtosis:
    """Mean ratio of the kurtosis within records to that of a normal distribution, and its error."""

    ratio: float
    error: float


@dataclass(frozen=True)
class OutputTraits:
    """What attacks have to cope with in the outputs of a population.

    Attributes:
        random: share of records whose outputs change when the model is queried again.
        tied: share of (model, record) pairs with the phi of another record of the model.
        kurtosis: that of phi, for ``IN`` and for ``OUT``; without sides that have too few models.
    """

    random: float
    tied: float
    kurtosis: Mapping[str, Kurtosis]

    @classmethod
    def of(cls, phi: Floats, member: Bools, random: float = 0.0) -> OutputTraits:
        """Compute them from scaled confidences and membership (models, records)."""
        sides = {"IN": member, "OUT": ~member}
        found = {name: kurtosis(phi, side) for name, side in sides.items()}
        return cls(random, tied_share(phi), {n: k for n, k in found.items() if k is not None})

    def to_json(self) -> dict[str, Any]:
        """Return the traits as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> OutputTraits:
        """Return the traits that `to_json` gave."""
        sides = {name: Kurtosis(**values) for name, values in stored["kurtosis"].items()}
        return cls(stored["random"], stored["tied"], sides)


def tied_share(values: Floats) -> float:
    """Return the share of values (models, records) that another record of the model has, too.

    >>> tied_share(np.array([[1.0, 1.0, 2.0, 3.0]]))
    0.5
    """
    ordered = np.sort(values, axis=1)
    same = np.diff(ordered, axis=1) == 0
    tied = np.pad(same, ((0, 0), (1, 0))) | np.pad(same, ((0, 0), (0, 1)))
    return float(tied.mean())


def kurtosis(values: Floats, used: Bools) -> Kurtosis | None:
    """Return the kurtosis within records, relative to that of normal values.

    For each record with n values, m4 / m2^2 (central moments, ddof 0) is divided by its expectation
    for normal values, 3 (n - 1) / (n + 1), whatever their mean and variance. The mean over records
    is near one for normal values, larger for heavy tails and lone point masses, and smaller for two
    equal clusters.

    Args:
        values: (models, records).
        used: bool (models, records), the values that count.

    Returns:
        None unless two records have ``MIN_VALUES`` values that are not all equal.
    """
    n = used.sum(axis=0)
    centred = np.where(used, values, 0.0)
    centred = np.where(used, values - centred.sum(axis=0) / np.maximum(n, 1), 0.0)
    second, fourth = ((centred**k).sum(axis=0) / np.maximum(n, 1) for k in (2, 4))
    usable = (n >= MIN_VALUES) & (second > MIN_VARIANCE)
    if usable.sum() < 2:
        return None
    n, second, fourth = n[usable], second[usable], fourth[usable]
    ratio = fourth / second**2 * (n + 1) / (3 * (n - 1))
    return Kurtosis(float(ratio.mean()), float(ratio.std(ddof=1) / np.sqrt(len(ratio))))


def of_outputs(
    traits: OutputTraits, *, queries: int | None, sees_probabilities: bool, fits_normals: bool
) -> list[RowWarning]:
    """Return the warnings about a target's outputs that concern an attack.

    Args:
        traits: those of the outputs.
        queries: the number of queries that the attack makes per record, if it makes any.
        sees_probabilities: whether the attack observes probabilities.
        fits_normals: whether it fits normal distributions to phi.
    """
    found = random_outputs(traits, queries)
    if sees_probabilities:
        found += tied_outputs(traits)
    return found + not_normal(traits) if fits_normals else found


def random_outputs(traits: OutputTraits, queries: int | None) -> list[RowWarning]:
    """Warn of random outputs that an attack queries once."""
    if not traits.random or queries != 1:
        return []
    return _warning(
        "random-outputs", f"{traits.random:.0%} of the outputs change in a second query"
    )


def tied_outputs(traits: OutputTraits) -> list[RowWarning]:
    """Warn of outputs that many records share."""
    if traits.tied <= MAX_TIED:
        return []
    return _warning("tied-outputs", f"{traits.tied:.0%} of the (model, record) pairs")


def not_normal(traits: OutputTraits) -> list[RowWarning]:
    """Warn of confidences that normal distributions do not fit."""
    from scipy.special import ndtri

    quantile = float(ndtri(CONFIDENCE))
    far = {
        side: k.ratio
        for side, k in traits.kurtosis.items()
        if abs(k.ratio - 1) > max(MAX_KURTOSIS_ERROR, quantile * k.error)
    }
    if not far:
        return []
    ratios = ", ".join(f"{ratio:.2f} {side}" for side, ratio in far.items())
    return _warning("not-normal", f"their kurtosis is {ratios}, relative to a Gaussian")


def few_shadows(shadow_member: Bools, leave_one_out: bool) -> list[RowWarning]:
    """Warn of records that lack IN or OUT shadows.

    Args:
        shadow_member: bool (shadows, records), the membership of the shadows.
        leave_one_out: whether shadow i is target i, and is left out for it.
    """
    left = leave_one_out * shadow_member if leave_one_out else np.zeros_like(shadow_member[:1])
    n_in = shadow_member.sum(axis=0) - left
    n_out = len(shadow_member) - leave_one_out - n_in
    lacking = float((np.minimum(n_in, n_out) < MIN_SHADOWS).mean())
    if lacking <= MAX_LACKING:
        return []
    return _warning("few-shadows", f"{lacking:.0%} have fewer than {MIN_SHADOWS} on a side")


def below_chance(auc: Estimate) -> list[RowWarning]:
    """Warn of an AUC below .5 by more than noise."""
    if not replace(auc, value=-auc.value).exceeds(-0.5, CONFIDENCE):
        return []
    return _warning("below-chance", f"AUC {auc.value:.3f}")


def naive_is_stronger(gain: Estimate) -> list[RowWarning]:
    """Warn of a naive attack whose AUC is better than the adaptive one's, by ``gain``."""
    if gain.value <= MIN_GAIN or not gain.exceeds(0.0, CONFIDENCE):
        return []
    return _warning("naive-is-stronger", f"by {gain.value:.3f} in AUC")


def repeated_records(copies: Mapping[str, int], n_pool: int) -> list[RowWarning]:
    """Warn of pool records that stand in the dataset more than once.

    Args:
        copies: how many pool records have a copy, by the part that has it.
        n_pool: the number of pool records.
    """
    if max(copies.values()) <= MAX_REPEATED * n_pool:
        return []
    found = ", ".join(f"{n} in the {part} records" for part, n in copies.items())
    return _warning("repeated-records", f"of {n_pool} pool records have a copy: {found}")


def guarantee_allows_all(tpr_bound: float | None) -> list[RowWarning]:
    """Warn of a guarantee whose bound on the TPR at ``AT_FPR`` excludes no attack worth the name."""
    if tpr_bound is None or tpr_bound < TPR_BOUND:
        return []
    return _warning("guarantee-allows-all", f"TPR up to {tpr_bound:.4f} at an FPR of {AT_FPR:.0%}")


def clipping_binds(
    clipped_share: float | None, max_grad_norm: float | None, tpr_bound: float | None
) -> list[RowWarning]:
    """Warn of DP-SGD that clips most gradients and hardly adds noise.

    Args:
        clipped_share: the share of gradients that were clipped; None if it is not known.
        max_grad_norm: the norm to which they were clipped.
        tpr_bound: the bound of the guarantee on the TPR at ``AT_FPR``.
    """
    allows_all = tpr_bound is not None and tpr_bound >= TPR_BOUND
    if clipped_share is None or clipped_share < MIN_CLIPPED or not allows_all:
        return []
    at = "" if max_grad_norm is None else f"max_grad_norm = {max_grad_norm:g} clips "
    return _warning("clipping-binds", f"{at}{clipped_share:.0%} of the gradients")


def _warning(name: str, facts: str) -> list[RowWarning]:
    return [{"name": name, "text": f"{KINDS[name].note} ({facts})"}]
