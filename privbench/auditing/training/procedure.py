"""A training procedure with its records: train its models, and attack them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.label_only import LabelOnly
from privbench.auditing.fingerprint import fingerprint
from privbench.auditing.inputs import PredictionsInput
from privbench.auditing.predictions import Predictions
from privbench.auditing.records import count, digest_of, take
from privbench.auditing.report import Audit
from privbench.auditing.run import run_audit
from privbench.auditing.trained import Training
from privbench.auditing.training.answers import Failure, Job, Trained
from privbench.auditing.training.classification import Classification
from privbench.auditing.training.design import Design, Group, check_member
from privbench.auditing.training.multilabel import Multilabel, has_several
from privbench.auditing.training.population import (
    Records,
    Task,
    ask,
    train_models,
)
from privbench.auditing.training.progress import Progress
from privbench.auditing.training.queries import Queries, asking
from privbench.auditing.training.regression import Regression, are_targets
from privbench.auditing.training.request import Request
from privbench.components import Bound
from privbench.components.contained import contained
from privbench.components.messages import error_text
from privbench.config import Overrides
from privbench.errors import BadInput, DataError, PrivbenchError
from privbench.plugins.host import PluginHost
from privbench.seeds import digest
from privbench.storage.artifacts import Store

SCHEMA = 1
"""Part of the key of each model: a change of it makes all stored answers obsolete."""

SAME = (
    "all models answer the same: either train returns the same model each time, or what it returns does"
    " not depend on the records"
)


class Procedure:
    """The records, the task and the stored answers of one request."""

    def __init__(self, request: Request, attacks: Sequence[Bound] = ()) -> None:
        self.request = request
        n = count(request.x, "x")
        self.task = _task(request)
        if len(self.task) != n:
            raise DataError(f"x has {n} records, but y has {len(self.task)} labels")
        member = None if request.member is None else check_member(request.member, n)
        holds_out = request.reference_x is None
        self.design = Design.draw(n, member, holds_out=holds_out, seed=request.seed)
        self.reference_x, self.reference_codes = self._reference()
        self.columns = _columns(request.x, request.slices, self.design.pool)
        self.store = Store(_folder(request.results))
        self._label_only, self._why_not = asking(attacks, request.attacks, request.x)
        if not isinstance(self.task, Classification):  # to which the attack does not apply
            self._label_only, self._why_not = None, ""

    def _reference(self) -> tuple[Any, NDArray[Any]]:
        """Return the reference records, in the container in which they are, and their classes."""
        x, y = self.request.reference_x, self.request.reference_y
        rows = self.design.reference
        if x is None:
            held_out = take(self.request.x, rows) if len(rows) else None
            return held_out, self.task.codes[rows]
        codes = self.task.codes_of(y, "reference_y")
        if count(x, "reference_x") != len(codes):
            raise DataError(
                f"reference_x has {count(x, 'reference_x')} records, but reference_y has {len(codes)}"
            )
        return x, codes

    def existing_model(self, group: Group) -> Trained | None:
        """Return what the existing model answers, before anything is trained; None without one.

        Raises:
            DataError: it fails, or its answers are no probabilities.
        """
        if self.request.model is None:
            return None
        try:
            with contained():
                return ask(self.task, self.request.model, self._records(group))
        except Exception as error:  # code of the user, which may raise anything
            raise DataError(f"model: {error_text(error)}") from error

    def train(self, groups: Sequence[Group]) -> list[list[Trained | Failure]]:
        """Train the models of all groups."""
        request = self.request
        common = [SCHEMA, fingerprint(request.train), digest_of(request.x), digest_of(request.y)]
        common += [self.design.pool.tolist(), digest_of(self.reference_x)]
        known = digest(common)
        with Progress(len(groups) * request.models) as progress:
            return [
                train_models(
                    request.train, self.task, self._records(group), self.task.labels(group.codes),
                    self._jobs(group, known), self.store, fresh=request.fresh, workers=request.jobs,
                    progress=progress,
                )
                for group in groups
            ]  # fmt: skip

    def _jobs(self, group: Group, known: str) -> list[Job]:
        labels = digest_of(group.codes)
        return [
            Job(
                name,
                digest([known, labels, np.packbits(row).tobytes().hex(), seed]),
                seed,
                self.design.pool[row],
            )
            for name, row, seed in zip(group.models, group.member, group.seeds, strict=True)
        ]

    def _records(self, group: Group) -> Records:
        """Return what the models of a group are asked about: queries are of what it is about."""
        x, pool, queries = self.request.x, self.design.pool, None
        if self._label_only is not None:
            queries = Queries.of(self._label_only, x, pool, pool[group.attacked])
        return Records(x, pool, self.reference_x, queries)

    def report(
        self,
        group: Group,
        results: list[Trained | Failure],
        existing: Trained | None,
        host: PluginHost,
        overrides: Overrides,
    ) -> Audit:
        """Attack the models of a group, or the existing model with them as its shadows.

        Raises:
            PrivbenchError: fewer than two models could be trained.
        """
        request = self.request
        models = [one for one in results if isinstance(one, Trained)]
        failed = {
            f"{name} (seed {seed})": one.text
            for name, seed, one in zip(group.models, group.seeds, results, strict=True)
            if isinstance(one, Failure)
        }
        if len(models) < 2:
            raise _too_few(results, failed)
        member = group.member[[isinstance(one, Trained) for one in results]]
        trained = self._predictions(group, models, member)
        target, shadow = trained, None
        if existing is not None:
            assert self.design.target is not None  # it comes with the model
            target, shadow = self._predictions(group, [existing], self.design.target[None]), trained
        audit = run_audit(
            target, shadow, host, list(request.attacks), overrides, request.seed,
            request.slices if group.name == "records" else (),
        )  # fmt: skip
        title = request.title()
        training = Training(
            name=title,
            n_models=len(models),
            n_members=self.design.n_members,
            n_reference=len(self.reference_codes),
            held_out=request.reference_x is None,
            seconds=sum(one.seconds for one in models),
            failed=failed,
            remarks=[SAME] if _are_same(models) else [],
        )
        skipped = dict(audit.skipped)
        if LabelOnly.name in skipped and self._why_not:
            skipped[LabelOnly.name] = self._why_not
        inputs = [
            PredictionsInput(one.role, title, None, one.n_models, one.n_records)
            for one in audit.inputs
        ]
        return replace(audit, training=training, inputs=inputs, skipped=skipped)

    def _predictions(
        self,
        group: Group,
        models: Sequence[Trained],
        member: NDArray[np.bool_],
    ) -> Predictions:
        """Return answers to the records that a group is about, as predictions."""
        of_group = group.attacked
        arrays = self.task.arrays(
            [one.on_records for one in models], [one.on_reference for one in models]
        )
        for name in ("probs", "logits", "predictions"):
            if name in arrays:
                arrays[name] = arrays[name][:, of_group]
        if not len(self.reference_codes):
            arrays = {name: array for name, array in arrays.items() if "reference" not in name}
        else:
            arrays[f"reference_{self.task.label}"] = self.reference_codes
        pool = self.design.pool[of_group]
        columns = self.columns if group.name == "records" else {}
        predictions = Predictions.of(
            {
                **arrays,
                self.task.label: group.codes[pool],
                "member": member[:, of_group],
                "record_ids": pool,
                **columns,
            },
            group.name,
            list(columns),
        )
        queries, queried = self._records(group).queries, None
        if queries is not None:
            queried = queries.queried([one.classes for one in models if one.classes is not None])
        return replace(predictions, classes=self.task.names, queried=queried)


def _task(request: Request) -> Task:
    """Return the task that is asked for, or that the labels are of.

    Raises:
        BadInput: canaries are asked for where labels are numbers.
        DataError: the labels are not of this task.
    """
    task = request.task
    if task == "auto":
        task = "multi-label" if has_several(request.y) else "classification"
        if task == "classification" and are_targets(request.y):
            task = "regression"
    if task == "classification":
        return Classification.of(request.y)
    if task == "multi-label":
        return Multilabel.of(request.y)
    if request.canaries:
        raise BadInput(
            f"canaries={request.canaries}: canaries have a wrong label, which a regression does not have"
            " (allowed: 0)"
        )
    return Regression.of(request.y)


def _too_few(results: Sequence[Trained | Failure], failed: dict[str, str]) -> PrivbenchError:
    """Return the error of a training that failed; Python shows the first traceback with it."""
    tried = [one for one in results if isinstance(one, Failure) and one.trace]
    listed = [f"{name} failed: {text}" for name, text in list(failed.items())[: len(tried)][:3]]
    others = len(failed) - len(tried)
    listed += [f"{len(tried) - 3} more failed"] * (len(tried) > 3)
    listed += [f"the other {others} were not tried"] * bool(others)
    error = PrivbenchError("\n".join(listed))
    error.add_note(tried[0].trace)
    return error


def _are_same(models: Sequence[Trained]) -> bool:
    first, *others = (one.on_records.values for one in models)
    return all(np.array_equal(first, one) for one in others)


def _columns(x: Any, names: Sequence[str], pool: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return columns of a DataFrame, by which the report groups records."""
    if not names:
        return {}
    columns = list(getattr(x, "columns", ()))
    found = {}
    for name in names:
        if name not in columns:
            raise DataError(
                f"slices: there is no column {name!r} in x (there are:"
                f" {', '.join(map(str, columns)) or 'none, since x is no DataFrame'})"
            )
        values = np.asarray(x[name])[pool]
        found[name] = values if values.dtype.kind in "biufU" else values.astype(str)
    return found


def _folder(results: Path) -> Path:
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"results {results}: the folder cannot be made: {error.strerror}") from None
    return results
