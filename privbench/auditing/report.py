"""From predictions to a report: every attack that applies, with its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Views
from privbench.auditing.predictions import Arrays, Predictions, read_predictions
from privbench.components import Bound
from privbench.config import Overrides
from privbench.errors import DataError
from privbench.metrics import (
    Pairs,
    Summary,
    balanced_accuracy,
    balanced_accuracy_at,
    epsilon_lower_bound,
    record_auc,
    summarise_pairs,
)
from privbench.plugins import PluginHost
from privbench.seeds import generator
from privbench.stages.attacking import observe, score_views

GROUPS = 50
"""Groups of records that are resampled for the intervals of a single model."""
LISTED = 10
"""Of the most vulnerable records."""

Source = str | Path | Predictions | Arrays


@dataclass(frozen=True)
class AttackReport:
    """What one attack found out. ``scores`` (targets, records), larger = member."""

    scores: NDArray[np.float64]
    summary: Summary
    epsilon_lower_bound: float
    most_vulnerable: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Everything but the scores."""
        return {
            **self.summary.to_json(),
            "epsilon_lower_bound": self.epsilon_lower_bound,
            "most_vulnerable": self.most_vulnerable,
        }


@dataclass(frozen=True)
class Audit:
    """The report on one file of predictions."""

    attacks: dict[str, AttackReport]
    skipped: dict[str, str]
    """Attacks that could not be tried, with the reason."""
    member: NDArray[np.bool_]
    accuracy: float
    train_accuracy: float
    test_accuracy: float
    shadows: str
    intervals_over: str

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "attacks": {name: report.to_json() for name, report in self.attacks.items()},
            "skipped": self.skipped,
            "accuracy": self.accuracy,
            "train_accuracy": self.train_accuracy,
            "test_accuracy": self.test_accuracy,
            "n_models": len(self.member),
            "n_records": self.member.shape[1],
            "shadows": self.shadows,
            "intervals_over": self.intervals_over,
        }

    def __str__(self) -> str:
        from privbench.report.audit import audit_text

        return audit_text(self)


def audit(
    target: Source,
    shadow: Source | None = None,
    *,
    attacks: Iterable[str] = (),
    set: Mapping[str, Any] | None = None,
    plugins: Iterable[str] = (),
    seed: int = 0,
) -> Audit:
    """Attack predictions whose membership is known, and report how well that works.

    Args:
        target: a file (see `privbench.auditing.predictions`), or its arrays by name.
        shadow: predictions of other models, which the adversary has trained. On the same records (the
            labels tell) all attacks can use them; on others they serve for thresholds and for attack
            models. Without ``shadow``, if there are two models or more, each is the target in turn and
            the others are its shadows.
        attacks: names; default all. Those that need what is not there are skipped, with the reason.
        set: parameters of attacks, such as ``{"lira.mode": "offline"}``.
        plugins: modules or single files to load as plugins.
        seed: of the attacks' random draws and of the intervals.

    Raises:
        BadInput: a file or a parameter is wrong; the message names it and what is allowed.
    """
    return run_audit(
        _load(target, "target"),
        None if shadow is None else _load(shadow, "shadow"),
        PluginHost(plugins),
        list(attacks),
        Overrides(dict(set or {})),
        seed,
    )


def run_audit(
    target: Predictions,
    shadow: Predictions | None,
    host: PluginHost,
    names: list[str],
    overrides: Overrides,
    seed: int,
) -> Audit:
    """As `audit`, with what it looks up and reads."""
    if shadow is not None and shadow.n_classes != target.n_classes:
        raise DataError(f"shadow has {shadow.n_classes} classes, and target {target.n_classes}")
    chosen = [_build(name, host, overrides) for name in dict.fromkeys(names or _all_attacks(host))]
    overrides.check()
    setting = _Setting(target, shadow, seed)
    reports, skipped = {}, {}
    for attack in chosen:
        obstacle = attack.component.obstacle(setting.views(attack))
        if obstacle:
            skipped[attack.name] = obstacle
        else:
            reports[attack.name] = setting.report(attack)
    right = target.log_probs.argmax(-1) == target.labels
    return Audit(
        attacks=reports,
        skipped=skipped,
        member=target.member,
        accuracy=float(right.mean()),
        train_accuracy=float(right[target.member].mean()),
        test_accuracy=float(right[~target.member].mean()),
        shadows=setting.kind,
        intervals_over="models" if len(target) > 1 else "records",
    )


@dataclass(frozen=True)
class _Setting:
    """One audit: the targets, and who their shadows are."""

    target: Predictions
    shadow: Predictions | None
    seed: int

    @property
    def kind(self) -> str:
        """Where the shadows come from, in words."""
        if self.shadow is None:
            return "leave-one-out" if len(self.target) > 1 else "none"
        return "same records" if self.same_records else "other records"

    @property
    def same_records(self) -> bool:
        """Whether the shadows answered about the target's records, as far as labels can tell."""
        assert self.shadow is not None
        return np.array_equal(self.shadow.labels, self.target.labels)

    def views(self, attack: Bound) -> Views:
        """What the attack sees of all targets."""
        shadow, leave_one_out = self.shadow, False
        if shadow is None:
            shadow, leave_one_out = self.target, len(self.target) > 1
        return self._views(attack, self.target, shadow, leave_one_out)

    def report(self, attack: Bound) -> AttackReport:
        """Scores and metrics."""
        scores = score_views(attack, self.views(attack))
        shadow_scores = self._shadow_scores(attack, scores)
        pairs = self._pairs(scores)
        rng = generator(self.seed, "intervals", attack.name)
        balanced = self._balanced(attack, scores, shadow_scores)
        return AttackReport(
            scores=scores,
            summary=summarise_pairs(pairs, balanced, rng),
            epsilon_lower_bound=self._epsilon(scores, shadow_scores),
            most_vulnerable=self._most_vulnerable(scores),
        )

    def _views(self, attack: Bound, target: Predictions, shadow: Predictions, loo: bool) -> Views:
        same = shadow is target
        used = slice(0, 0) if same and not loo else slice(None)  # a single model has no shadows
        targets = observe(target.log_probs, attack.component.observes)
        reference = observe(target.reference_log_probs, attack.component.observes)
        whole = same and loo
        role = "target" if target is self.target else "shadow"
        labels_match = np.array_equal(shadow.labels, target.labels)
        return Views(
            labels=target.labels,
            n_classes=target.n_classes,
            targets=targets,
            shadows=targets
            if whole
            else observe(shadow.log_probs[used], attack.component.observes),
            shadow_labels=target.labels if labels_match else shadow.labels,
            shadow_member=shadow.member[used],
            leave_one_out=loo,
            reference_labels=target.reference_labels,
            target_reference=reference,
            shadow_reference=reference
            if whole
            else observe(shadow.reference_log_probs[used], attack.component.observes),
            rngs=[generator(self.seed, attack.name, role, i) for i in range(len(target))],
        )

    def _shadow_scores(self, attack: Bound, own: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Scores of the adversary's own models, from which thresholds are chosen."""
        if self.shadow is None:
            return own if len(self.target) > 1 else None
        loo = len(self.shadow) > 1
        views = self._views(attack, self.shadow, self.shadow, loo)
        return None if attack.component.obstacle(views) else score_views(attack, views)

    def _pairs(self, scores: NDArray[np.float64]) -> Pairs:
        member = self.target.member
        if len(member) > 1:
            return Pairs.of(scores, member)
        n = member.shape[1]
        group = generator(self.seed, "groups").permutation(n) % min(GROUPS, n)
        return Pairs.grouped(scores[0], member[0], group)

    def _balanced(
        self, attack: Bound, scores: NDArray[np.float64], shadow_scores: NDArray[np.float64] | None
    ) -> float | None:
        if shadow_scores is None:
            return None
        groups = self.target.labels if attack.component.per_class_threshold else None
        member = self.target.member
        if self.shadow is None:
            return balanced_accuracy(scores, member, shadow_scores, member, groups)
        shadow_groups = self.shadow.labels if attack.component.per_class_threshold else None
        return balanced_accuracy_at(
            scores, member, shadow_scores, self.shadow.member, groups, shadow_groups
        )

    def _epsilon(
        self, scores: NDArray[np.float64], shadow_scores: NDArray[np.float64] | None
    ) -> float:
        member = self.target.member
        if shadow_scores is not None:
            shadow_member = member if self.shadow is None else self.shadow.member
            loo = self.shadow is None
            return epsilon_lower_bound(
                scores, member, shadow_scores, shadow_member, leave_one_out=loo
            )
        # Nobody else to choose a threshold on: one half of the records does it for the other half.
        first = generator(self.seed, "halves").permutation(member.shape[1]) % 2 == 0
        halves = [(scores[:, half], member[:, half]) for half in (~first, first)]
        if any(part.all() or not part.any() for _, part in halves):
            return 0.0
        return epsilon_lower_bound(*halves[0], *halves[1], leave_one_out=False)

    def _most_vulnerable(self, scores: NDArray[np.float64]) -> list[dict[str, Any]]:
        """The records with the largest AUC over models, of those that are IN twice and OUT twice."""
        member = self.target.member
        n_in = member.sum(axis=0)
        known = np.minimum(n_in, len(member) - n_in) >= 2
        auc = np.where(known, record_auc(scores, member), -1.0)
        order = np.argsort(-auc, kind="stable")[: min(LISTED, int(known.sum()))]
        labels = self.target.labels
        return [{"record": int(i), "label": int(labels[i]), "auc": float(auc[i])} for i in order]


def _all_attacks(host: PluginHost) -> list[str]:
    return [entry.name for entry in host.registry("attack")]


def _build(name: str, host: PluginHost, overrides: Overrides) -> Bound:
    entry = host.registry("attack").get(name, "--attack")
    params = overrides.of(name, entry.cls.model_fields)
    return entry.build(params, f"--set {name}")


def _load(source: Source, where: str) -> Predictions:
    if isinstance(source, Predictions):
        return source
    if isinstance(source, str | Path):
        return read_predictions(source)
    return Predictions.of({name: np.asarray(array) for name, array in source.items()}, where)
