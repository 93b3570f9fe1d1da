"""Reasons to doubt the predictions of an audit themselves, before its numbers are read.

The checks are deterministic, and change no number but for bounds on epsilon that need fair coins
(`are_fair_coins`). Where a check compares rates, it allows for noise (99.9%).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.outputs import LOG_FLOOR
from privbench.auditing.predictions import Predictions
from privbench.auditing.quality import qualities
from privbench.metrics import Influences, Pairs, Roc
from privbench.metrics.clustered import Estimate
from privbench.metrics.warnings import CONFIDENCE, RowWarning
from privbench.wording import shortened

FPR = 0.01
"""The false positive rate that too few non-members do not resolve."""
MIN_PAIRS = 10
"""Pairs on each side without which an audit says nothing, so that every limit is exceeded."""
ENOUGH = round(1 / FPR)
"""Pairs on each side from which on nothing is said of their number."""
QUANTILE = 3.2905
"""Of a normal distribution, two-sided at `CONFIDENCE`."""
MIN_GAIN = 0.1
"""By how much another order of the classes must raise the accuracy, beyond chance."""
OTHER_ORDER = "With the columns in the order"
COMPARED = 64
"""Records by which models are compared first."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Check:
    """A kind of warning: when it is given, and what to do."""

    rule: str
    advice: str


CHECKS = {
    "few-records": Check(
        f"Fewer than {ENOUGH} pairs of model and record are members, or non-members. With fewer than"
        f" {MIN_PAIRS}, every limit of `--fail-above` counts as exceeded.",
        "Add records of that side.",
    ),
    "members-worse": Check(
        "Members have smaller confidences in their labels than non-members: the AUC of the confidence is"
        " below .5 by more than noise. Not said where another order of the classes fits.",
        "Check that `member` is true for the records that the model was trained on.",
    ),
    "label-coding": Check(
        "The accuracy is below the share of the largest class by more than noise, or another order of"
        f" the classes raises it by more than {MIN_GAIN:.0%} and by more than chance does. Of several"
        " labels: each record has exactly one.",
        "Check which class each column of the outputs is about; save `classes`.",
    ),
    "rounded-outputs": Check(
        "All outputs have at most 6 digits after the point, or were saved in half precision.",
        "Let models answer with all digits, better with logits in float32; a forest has more digits with"
        " more trees.",
    ),
    "tied-scores": Check(
        "All scores of an attack are equal.",
        "Do not read its AUC of .5 as protection: the attack had nothing to go by.",
    ),
    "unfair-coins": Check(
        "The share of members differs from one half by more than noise; or, of a single model, exactly"
        " the first or last half of the file are members. Of a single model,"
        " `epsilon_lower_bound_one_run` is then null, since it needs fair coins.",
        "Draw members by fair coins before training: `member = rng.random(n) < 0.5`.",
    ),
    "same-members": Check(
        "All of several models have the same members.",
        "Train each model on a random half of its own; shadows then show how outputs differ.",
    ),
    "targets-among-shadows": Check(
        "A target and a shadow have the same outputs.",
        "Leave the targets out of the shadows: an adversary does not have them.",
    ),
    "same-outputs": Check(
        "Several target models, or several shadows, have the same outputs.",
        "Save the outputs of each model once.",
    ),
}
"""All kinds by name."""


def are_fair_coins(member: Bools) -> bool:
    """Return whether fair coins can have drawn the members of a single model (1, records).

    1. Their number must be near half of the records (99.9%).
    2. If all members stand together at the beginning or the end, they must not be exactly half: then
       their number was fixed beforehand.
    """
    n = member.size
    n_members = int(member.sum())
    if abs(n_members - n / 2) > QUANTILE * np.sqrt(n) / 2:
        return False
    in_blocks = np.count_nonzero(np.diff(member[0])) <= 1
    return not (len(member) == 1 and in_blocks and 2 * n_members == n)


def sanity(
    target: Predictions, shadow: Predictions | None, scores: Mapping[str, NDArray[np.float64]]
) -> list[RowWarning]:
    """Return the warnings about the predictions of an audit.

    Args:
        target: the predictions that were attacked.
        shadow: those of the adversary's models, if they are others.
        scores: the scores (models, records) of each attack.
    """
    member = target.member if target.groups is None else target.groups.member(target.member)
    unit = "record" if target.groups is None else "group"
    texts = {
        "few-records": _few_records(member, unit),
        "label-coding": _label_coding(target),
        "members-worse": _members_worse(target),
        "rounded-outputs": _rounded(target),
        "tied-scores": _tied(scores),
        "unfair-coins": _unfair(member),
        "same-members": _same_members(target, shadow),
        "targets-among-shadows": _among_shadows(target, shadow),
        "same-outputs": _same_outputs(target, shadow),
    }
    if OTHER_ORDER in texts["label-coding"]:
        texts["members-worse"] = ""  # who is answered well is unknown
    return [
        {"name": name, "text": f"{text[:1].upper()}{text[1:]}. {CHECKS[name].advice}"}
        for name, text in texts.items()
        if text
    ]


def _few_records(member: Bools, unit: str) -> str:
    sides = {"members": int(member.sum()), "non-members": int((~member).sum())}
    few = [f"{n} {noun}" for noun, n in sides.items() if n < ENOUGH]
    if not few:
        return ""
    pairs = f"{unit}s" if len(member) == 1 else f"pairs of model and {unit}"
    says = "; so few say nothing" if min(sides.values()) < MIN_PAIRS else ""
    return (
        f"only {' and '.join(few)} among {member.size} {pairs}{says}: a TPR at {FPR:.0%} FPR needs at"
        f" least {ENOUGH} non-members, and {10 * ENOUGH:,} to be precise"
    )


def _members_worse(target: Predictions) -> str:
    confidence = _confidence(target)
    auc = Roc.of(Pairs.of(confidence, target.member)).auc
    if auc >= 0.5:
        return ""
    influence = Influences.of(confidence, target.member, ()).auc
    if not Estimate.of(-auc, influence, "records").exceeds(-0.5, CONFIDENCE):
        return ""
    quality = qualities(target)[-1]
    return (
        f"members are answered worse than non-members (inverted, perhaps): {quality}, AUC of the"
        f" confidence {auc:.3f}"
    )


def _confidence(target: Predictions) -> NDArray[np.float64]:
    """Return how good each answer (models, records) is: the log-probability of the label or target."""
    if target.values is not None:
        return np.asarray(-((target.values - target.labels) ** 2))
    labels = target.labels if target.task == "multi-label" else target.labels[:, None]
    outputs = target.log_probs if target.task == "multi-label" else target.log_probs[:, :, None]
    index = np.broadcast_to(labels, outputs.shape[:-1])[..., None]
    log_probs = np.maximum(np.take_along_axis(outputs, index, -1), LOG_FLOOR)
    return np.asarray(log_probs.sum(axis=(2, 3), dtype=np.float64))


def _label_coding(target: Predictions) -> str:
    from scipy.optimize import linear_sum_assignment

    if target.task == "multi-label" and (target.labels.sum(axis=1) == 1).all():
        return (
            "each record has exactly one of the labels. If they exclude each other, this is"
            " classification: save labels.argmax(axis=1)"
        )
    if target.task != "classification":
        return ""
    k, n = target.n_classes, len(target.labels)
    predicted = target.log_probs.argmax(-1)
    pairs = (target.labels * k + predicted).reshape(-1)
    counts = np.bincount(pairs, minlength=k * k).reshape(k, k)
    total = counts.sum()
    accuracy = float(np.trace(counts) / total)
    largest = float(np.bincount(target.labels).max() / n)
    rows, columns = linear_sum_assignment(-counts)
    best = float(counts[rows, columns].sum() / total)
    fits = best > accuracy + MIN_GAIN + np.sqrt(k / n) and best > largest
    noise = QUANTILE * np.sqrt(largest * (1 - largest) / n)
    if not fits and accuracy >= largest - noise:
        return ""
    text = f"the accuracy is {accuracy:.3f}, and the share of the largest class {largest:.3f}"
    if not fits:
        return f"{text}, which a constant answer would reach"
    names = target.classes or tuple(map(str, range(k)))
    order = [names[label] for label in np.argsort(columns)]
    return f"{text}. {OTHER_ORDER} {shortened(order)} it would be {best:.3f}"


def _rounded(target: Predictions) -> str:
    if target.rounding is None:
        return ""
    certain = float((target.log_probs.max(-1) == 0).mean())
    cost = (
        f"; {certain:.1%} of the outputs are exactly 1, and cannot be told apart" if certain else ""
    )
    return f"{target.rounding}{cost}"


def _tied(scores: Mapping[str, NDArray[np.float64]]) -> str:
    tied = [name for name, of in scores.items() if (of == of[:, :1]).all()]
    return f"all scores of {shortened(tied)} are equal" if tied else ""


def _unfair(member: Bools) -> str:
    if (len(member) > 1 and (member == member[:1]).all()) or are_fair_coins(member):
        return ""
    share = f"`member` is no fair coin: {member.mean():.1%} are members"
    if len(member) > 1:
        return f"{share}; the audited epsilon over pairs needs no fair coin, and holds as stated"
    if 2 * member.sum() == member.size:
        share += ", which stand together in the file"
    return (
        f"{share}. The bound from one run needs fair coins and is left out; the audited epsilon needs"
        " none, but members and non-members from one distribution"
    )


def _same_members(target: Predictions, shadow: Predictions | None) -> str:
    for role, of in (("target", target), ("shadow", shadow)):
        if of is not None and len(of) > 1 and (of.member == of.member[:1]).all():
            return f"all {len(of)} {role} models have the same members"
    return ""


def _among_shadows(target: Predictions, shadow: Predictions | None) -> str:
    if shadow is None or _outputs(target).shape[1:] != _outputs(shadow).shape[1:]:
        return ""
    n = len(target)
    groups = _groups([*_outputs(target), *_outputs(shadow)])
    found = [model for group in groups if group[-1] >= n for model in group if model < n]
    if not found:
        return ""
    which = shortened([str(model) for model in sorted(found)])
    return f"{len(found)} of {n} targets (number {which}) are also among the shadows"


def _same_outputs(target: Predictions, shadow: Predictions | None) -> str:
    for role, of in (("target models", target), ("shadows", shadow)):
        if of is None or len(of) < 2:
            continue
        if groups := _groups(list(_outputs(of))):
            which = ", ".join(map(str, groups[0]))
            which = f"all {len(of)} {role}" if len(groups[0]) == len(of) else f"the {role} {which}"
            return f"{which} have the same outputs"
    return ""


def _outputs(of: Predictions) -> NDArray[Any]:
    return of.log_probs if of.values is None else of.values


def _groups(outputs: Sequence[NDArray[Any]]) -> list[list[int]]:
    """Return the positions of models whose outputs (records, classes) are equal, several in a group."""
    alike: dict[bytes, list[int]] = {}
    for model, of_model in enumerate(outputs):
        alike.setdefault(of_model[:COMPARED].tobytes(), []).append(model)
    same: dict[bytes, list[int]] = {}
    for group in alike.values():
        for model in group if len(group) > 1 else []:
            same.setdefault(outputs[model].tobytes(), []).append(model)
    return [group for group in same.values() if len(group) > 1]
