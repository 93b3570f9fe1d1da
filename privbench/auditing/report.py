"""From predictions to a report: every attack that applies, with its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, Outputs, Views
from privbench.attacks.synthetic import SyntheticAttack
from privbench.auditing.predictions import Arrays, Predictions, read_predictions
from privbench.components import Bound
from privbench.components.faults import calling, error_text
from privbench.config import Overrides
from privbench.errors import DataError
from privbench.metrics import (
    Pairs,
    Summary,
    balanced_accuracy,
    balanced_accuracy_at,
    epsilon_lower_bound,
    one_run_bound,
    record_auc,
    summarise_pairs,
)
from privbench.plugins.host import PluginHost
from privbench.seeds import generator
from privbench.stages.scores import observe, score_views

GROUPS = 50
"""Groups of records that are resampled for the intervals of a single model."""
LISTED = 10
"""Of the most vulnerable records."""
OTHER_REFERENCE = "needs shadow answers on the same reference records"

Source = str | Path | Predictions | Arrays


@dataclass(frozen=True)
class AttackReport:
    """What one attack found out. ``scores`` (targets, records), larger = member."""

    scores: NDArray[np.float64]
    summary: Summary
    epsilon_lower_bound: float
    epsilon_lower_bound_one_run: float | None
    """Of a single model, valid if its records were drawn by fair coins: see `one_run_bound`."""
    most_vulnerable: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Everything but the scores."""
        return {
            **self.summary.to_json(),
            "epsilon_lower_bound": self.epsilon_lower_bound,
            "epsilon_lower_bound_one_run": self.epsilon_lower_bound_one_run,
            "most_vulnerable": self.most_vulnerable,
        }


@dataclass(frozen=True)
class Audit:
    """The report on one file of predictions."""

    attacks: dict[str, AttackReport]
    skipped: dict[str, str]
    """Attacks that could not be tried, with the reason."""
    failed: dict[str, str]
    """Attacks that raised, or returned no scores, with what they raised."""
    member: NDArray[np.bool_]
    accuracy: float
    train_accuracy: float
    test_accuracy: float
    shadows: str
    intervals_over: str
    groups: NDArray[np.int64] | None
    """The group (records,) of each record of a single model; its intervals resample these."""

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "attacks": {name: report.to_json() for name, report in self.attacks.items()},
            "skipped": self.skipped,
            "failed": self.failed,
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
        shadow: predictions of other models, which the adversary has trained. On the same records
            (``record_ids`` tell, else the labels) all attacks can use them; on others they serve for
            thresholds and for attack models. Without ``shadow``, if there are two models or more, each
            is the target in turn and the others are its shadows.
        attacks: names; default all. Those that need what is not there are skipped, with the reason;
            one that raises is listed under ``failed``.
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
    reports, skipped, failed = {}, {}, {}
    for attack in chosen:
        if attack.component.observes == "synthetic":
            skipped[attack.name] = "needs released data, and there are predictions only"
            continue
        try:
            views = setting.views(attack)
            if obstacle := setting.obstacle(attack, views):
                skipped[attack.name] = obstacle
            else:
                reports[attack.name] = setting.report(attack, views)
        except KeyboardInterrupt:
            raise
        except (
            BaseException
        ) as error:  # third-party code; the results of the others count all the same
            failed[attack.name] = error_text(error).removeprefix(f"{attack.name}: ")
    right = target.log_probs.argmax(-1) == target.labels
    return Audit(
        attacks=reports,
        skipped=skipped,
        failed=failed,
        member=target.member,
        accuracy=float(right.mean()),
        train_accuracy=float(right[target.member].mean()),
        test_accuracy=float(right[~target.member].mean()),
        shadows=setting.kind,
        intervals_over="models" if len(target) > 1 else "records",
        groups=setting.groups,
    )


class _Side:
    """Predictions as attacks see them: cut down once for each thing that attacks observe."""

    def __init__(self, predictions: Predictions) -> None:
        self.predictions = predictions
        self._answers: dict[str, tuple[Outputs, Outputs]] = {}

    def answers(self, observes: str) -> tuple[Outputs, Outputs]:
        """About the records, and about the reference records."""
        if observes not in self._answers:
            of = self.predictions
            self._answers[observes] = (
                observe(of.log_probs, observes),
                observe(of.reference_log_probs, observes),
            )
        return self._answers[observes]


class _Setting:
    """One audit: the targets, and who their shadows are."""

    def __init__(self, target: Predictions, shadow: Predictions | None, seed: int) -> None:
        self.target, self.shadow, self.seed = target, shadow, seed
        self.same_records = self.same_reference = True
        if shadow is not None:
            self.same_records = target.same_records(shadow)
            self.same_reference = target.same_reference(shadow)
        self.groups = self._groups() if len(target) == 1 else None
        self._target = _Side(target)
        self._shadow = self._target if shadow is None else _Side(shadow)

    @property
    def kind(self) -> str:
        """Where the shadows come from, in words."""
        if self.shadow is None:
            return "leave-one-out" if len(self.target) > 1 else "none"
        return "same records" if self.same_records else "other records"

    def obstacle(self, attack: Bound, views: Views) -> str:
        """Why an attack cannot be tried, or nothing."""
        component: Attack = attack.component
        with calling(attack):
            found = component.obstacle(views)
        if not found and not self.same_reference and component.needs_reference:
            return OTHER_REFERENCE if component.shadows_needed() != "no" else ""
        return found

    def views(self, attack: Bound) -> Views:
        """What the attack sees of all targets."""
        return self._views(attack, self._target, self._shadow)

    def report(self, attack: Bound, views: Views) -> AttackReport:
        """Scores and metrics."""
        scores = score_views(attack, views, lambda: self.views(attack))
        shadow_scores = self._shadow_scores(attack, scores)
        pairs = self._pairs(scores)
        rng = generator(self.seed, "intervals", attack.name)
        balanced = self._balanced(attack, scores, shadow_scores)
        return AttackReport(
            scores=scores,
            summary=summarise_pairs(pairs, balanced, rng, n_models=len(self.target)),
            epsilon_lower_bound=self._epsilon(scores, shadow_scores),
            epsilon_lower_bound_one_run=self._one_run(attack, scores),
            most_vulnerable=self._most_vulnerable(scores),
        )

    def _views(self, attack: Bound, target: _Side, shadow: _Side) -> Views:
        """A side is its own shadows by leaving one out; a single model then has none."""
        own, others = target.predictions, shadow.predictions
        loo = shadow is target and len(own) > 1
        used = slice(0, 0) if shadow is target and not loo else slice(None)
        targets, reference = target.answers(attack.component.observes)
        shadows, shadow_reference = shadow.answers(attack.component.observes)
        same = shadow is target or self.same_records
        if shadow is not target and not self.same_reference:
            shadow_reference = shadow_reference[:, :0]  # nobody is to take them for the target's
        role = "target" if target is self._target else "shadow"
        return Views(
            labels=own.labels,
            n_classes=own.n_classes,
            targets=targets,
            shadows=targets if loo else shadows[used],
            shadow_labels=own.labels if same else others.labels,
            shadow_member=others.member[used],
            leave_one_out=loo,
            reference_labels=own.reference_labels,
            target_reference=reference,
            shadow_reference=reference if loo else shadow_reference[used],
            rngs=[generator(self.seed, attack.name, role, i) for i in range(len(own))],
        )

    def _shadow_scores(self, attack: Bound, own: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Scores of the adversary's own models, from which thresholds are chosen."""
        if self.shadow is None:
            return own if len(self.target) > 1 else None

        def make_views() -> Views:
            return self._views(attack, self._shadow, self._shadow)

        views = make_views()
        if attack.component.obstacle(views):
            return None
        return score_views(attack, views, make_views)

    def _groups(self) -> NDArray[np.int64]:
        n = self.target.member.shape[1]
        groups: NDArray[np.int64] = generator(self.seed, "groups").permutation(n) % min(GROUPS, n)
        return groups

    def _one_run(self, attack: Bound, scores: NDArray[np.float64]) -> float | None:
        if len(self.target) > 1:
            return None
        rng = generator(self.seed, "one run", attack.name)
        return one_run_bound(scores[0], self.target.member[0], rng=rng)

    def _pairs(self, scores: NDArray[np.float64]) -> Pairs:
        member = self.target.member
        if self.groups is None:
            return Pairs.of(scores, member)
        return Pairs.grouped(scores[0], member[0], self.groups)

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
    """Those on answers; what a defense releases is in no file of predictions."""
    entries = host.registry("attack")
    return [entry.name for entry in entries if not issubclass(entry.cls, SyntheticAttack)]


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
