"""The report of an audit: what each attack achieved, as JSON and as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench import escape
from privbench.arguments import with_arguments
from privbench.auditing.inputs import PredictionsInput
from privbench.auditing.limits import exceeded
from privbench.auditing.predictions import Predictions
from privbench.auditing.quality import Quality
from privbench.auditing.slices import Slice, slices
from privbench.auditing.tables import audit_tables, audit_text
from privbench.auditing.trained import Training
from privbench.colour import Paint, plain
from privbench.metrics import RecordRisk, Summary
from privbench.metrics.warnings import RowWarning
from privbench.report.limits import Exceeded
from privbench.report.tables import Table


@dataclass(frozen=True)
class AttackReport:
    """The metrics of one attack."""

    scores: NDArray[np.float64]
    """Scores (targets, records); larger means member."""
    called: NDArray[np.bool_] | None
    """Which pairs (targets, records) are called members at thresholds of shadows, if there are any."""
    summary: Summary
    epsilon_lower_bound: float
    epsilon_ceiling: float
    """What ``epsilon_lower_bound`` would be without an error."""
    epsilon_lower_bound_one_run: float | None
    """For a single model whose members were drawn by fair coins: see `one_run_bound`."""
    epsilon_ceiling_one_run: float | None
    """What ``epsilon_lower_bound_one_run`` would be without an error."""
    warnings: list[RowWarning]
    """Reasons to doubt the attack or its numbers."""
    find_risk: Callable[[], RecordRisk | None] = field(repr=False)
    """Computes `record_risk`."""
    name_records: Callable[[RecordRisk | None], list[dict[str, Any]]] = field(repr=False)
    """Returns `most_vulnerable`, given that."""

    @cached_property
    def record_risk(self) -> RecordRisk | None:
        """AUCs of single records, and what the largest would be by chance.

        None with fewer than 4 models. It is computed when it is asked for, since with many models that
        takes most of an audit.
        """
        return self.find_risk()

    @property
    def most_vulnerable(self) -> list[dict[str, Any]]:
        """The records with the largest AUC: ``record``, ``label``, ``auc``, and ``record_id`` if known.

        Of regression there is a ``target`` instead of a label, and of groups only the name, ``group``.
        """
        return self.name_records(self.record_risk)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the scores as JSON values."""
        return {
            **self.summary.to_json(),
            "epsilon_lower_bound": self.epsilon_lower_bound,
            "epsilon_ceiling": self.epsilon_ceiling,
            "epsilon_lower_bound_one_run": self.epsilon_lower_bound_one_run,
            "epsilon_ceiling_one_run": self.epsilon_ceiling_one_run,
            "record_risk": self.record_risk,
            "most_vulnerable": self.most_vulnerable,
            "warnings": self.warnings,
        }


@dataclass(frozen=True)
class Audit:
    """The report on the predictions of one or more target models.

    ``print`` shows it as a table, and a notebook as HTML.
    """

    attacks: dict[str, AttackReport]
    skipped: dict[str, str]
    """Attacks that do not apply to these predictions, with the reason."""
    failed: dict[str, str]
    """Attacks that raised or returned no valid scores, with the message."""
    target: Predictions
    """The predictions that were attacked."""
    accuracy: float | None
    """Of several labels the mean over labels; None for regression."""
    train_accuracy: float | None
    test_accuracy: float | None
    shadows: str
    """Where the shadows come from: leave-one-out, same records, other records, or none."""
    blocks: NDArray[np.int64] | None
    """The block (records,) of each record, or group, of a single model, which intervals resample."""
    seed: int
    warnings: list[RowWarning]
    """Reasons to doubt the predictions themselves; see `privbench.auditing.sanity`."""
    environment: dict[str, Any]
    """Versions of software, the commit of the code, and hardware."""
    inputs: list[PredictionsInput]
    """Where the predictions of the targets and of the shadows came from."""
    quality: list[Quality]
    """How well the models answer: accuracy, or R² and RMSE."""
    training: Training | None = field(default=None, kw_only=True)
    """How the models were made, if privbench trained them."""
    canaries: Audit | None = field(default=None, kw_only=True)
    """The audit of the canaries of a second population, if there is one."""
    names_arguments: bool = field(default=False, kw_only=True)
    """Whether advice names arguments of functions instead of options of commands."""

    def for_python(self) -> Audit:
        """Return the same report, whose advice names arguments of functions instead of options."""
        canaries = None if self.canaries is None else self.canaries.for_python()
        skipped = {name: with_arguments(reason) for name, reason in self.skipped.items()}
        return replace(self, skipped=skipped, canaries=canaries, names_arguments=True)

    def say(self, advice: str) -> str:
        """Return advice in words of the command line, or of Python."""
        return with_arguments(advice) if self.names_arguments else advice

    @property
    def member(self) -> NDArray[np.bool_]:
        """Membership (targets, records), or (targets, groups) where groups of records are attacked."""
        groups, member = self.target.groups, self.target.member
        return member if groups is None else groups.member(member)

    @property
    def unit(self) -> str:
        """What is told apart: ``record``, or ``group`` of records."""
        return "record" if self.target.groups is None else "group"

    @property
    def chosen(self) -> str | None:
        """The attack that statements in words are about; None if no attack returned scores.

        1. ``auto``, which is chosen before its result is known;
        2. otherwise the attack with the largest AUC, which makes its numbers somewhat too large.
        """
        if "auto" in self.attacks:
            return "auto"
        return max(self.attacks, key=lambda name: self.attacks[name].summary.auc, default=None)

    @cached_property
    def slices(self) -> list[Slice]:
        """What the attack `chosen` finds in each class, in each column, and among right answers."""
        if self.chosen is None:
            return []
        attack = self.attacks[self.chosen]
        return slices(attack.scores, self.target, attack.summary.interval_over)

    def exceeded(self, limits: Mapping[str, float]) -> list[Exceeded]:
        """Return the attacks that exceed limits, judged by the upper ends of 95% intervals.

        An audited epsilon is a lower bound, and judged by itself. A TPR at an FPR that too few
        non-members resolve exceeds every limit below 1.

        Args:
            limits: the largest value allowed of ``auc``, ``advantage``, ``balanced_accuracy``,
                ``audited_epsilon``, ``tpr@FPR`` or ``precision@FPR``, such as ``{"tpr@0.01": 0.05}``.

        Returns:
            What exceeds them; empty if nothing does. ``str`` makes a sentence of each.

        Raises:
            BadInput: a metric is unknown, or no attack has it.
        """
        return exceeded(self, limits)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values, without scores."""
        return {
            "attacks": {name: report.to_json() for name, report in self.attacks.items()},
            "skipped": self.skipped,
            "failed": self.failed,
            "accuracy": self.accuracy,
            "train_accuracy": self.train_accuracy,
            "test_accuracy": self.test_accuracy,
            "task": self.target.task,
            "quality": [one.to_json() for one in self.quality],
            "n_models": len(self.member),
            "n_records": self.target.member.shape[1],
            "n_groups": None if self.target.groups is None else len(self.target.groups),
            "shadows": self.shadows,
            "chosen": self.chosen,
            "slices": [one.to_json() for one in self.slices],
            "inputs": [asdict(one) for one in self.inputs],
            "warnings": self.warnings,
            "seed": self.seed,
            "environment": self.environment,
            "training": None if self.training is None else asdict(self.training),
            "canaries": None if self.canaries is None else self.canaries.to_json(),
        }

    def to_html(self, command: str = "") -> str:
        """Return the report as one page of HTML, which needs no network and runs no script.

        Args:
            command: the command that made it, to be shown.
        """
        from privbench.auditing.page import audit_page

        return audit_page(self, command)

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        from privbench.auditing.page import audit_fragment

        return audit_fragment(self)

    def to_markdown(self) -> str:
        """Return the report as Markdown: a table of the attacks, a table of the slices, and notes."""
        from privbench.report.formats import markdown

        warned = "".join(
            f"- **Warning:** {escape.markdown(text)}\n" for text in self.warning_texts()
        )
        return f"{warned}\n{markdown(self.tables())}" if warned else markdown(self.tables())

    def __str__(self) -> str:
        """Return a table of the attacks, the strongest first, and notes on the others."""
        return self.text()

    def text(self, width: int | None = None, paint: Paint = plain) -> str:
        """Return the same for a terminal: a table of the attacks, the strongest first, and notes.

        Args:
            width: the width of the terminal; None if there is none.
            paint: how text is coloured.
        """
        return audit_text(self, width, paint)

    def warning_texts(self) -> list[str]:
        """Return what is doubtful about the predictions, as sentences."""
        return [one["text"] for one in self.warnings]

    @property
    def incomplete(self) -> bool:
        """Whether an attack failed, or a model could not be trained."""
        return bool(self.failed or (self.training is not None and self.training.failed))

    def nothing_applied(self) -> str:
        """Return why no attack ran, for an error message."""
        reasons = dict.fromkeys(self.skipped.values())
        return (
            f"no attack applies to these predictions: {'; '.join(reasons) or 'none was asked for'}"
        )

    def tables(self) -> list[Table]:
        """Return the table of the attacks, the strongest first, of the slices, and of canaries."""
        return audit_tables(self)

    def header(self) -> str:
        """Return what was attacked, in one line."""
        n_models, n_records = self.target.member.shape
        task, groups = self.target.task, self.target.groups
        of_task = "" if task == "classification" else f"{task} "
        in_groups = "" if groups is None else f" in {len(groups)} groups"
        return (
            f"{n_models} {of_task}model{'s' if n_models > 1 else ''}, {n_records} records{in_groups},"
            f" shadows: {self.shadows}; {self.quality_text()}"
        )

    def quality_text(self) -> str:
        """Return how well the models answer, in words."""
        return "; ".join(map(str, self.quality))
