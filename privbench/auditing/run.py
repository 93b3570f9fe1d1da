"""Audit predictions: run every attack that applies, and report its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privbench.arguments import names_arguments
from privbench.attacks.synthetic import SyntheticAttack
from privbench.auditing.inputs import PredictionsInput
from privbench.auditing.labels import text_of
from privbench.auditing.layout import Layout
from privbench.auditing.measuring import measure, record_blocks
from privbench.auditing.predictions import Predictions
from privbench.auditing.quality import qualities
from privbench.auditing.reading import USUAL, Source, read_predictions
from privbench.auditing.report import AttackReport, Audit
from privbench.auditing.sanity import sanity
from privbench.auditing.shadows import AuditedModels
from privbench.auditing.slices import grouped
from privbench.components import Bound
from privbench.components.messages import closest, error_text
from privbench.config import Overrides
from privbench.errors import BadInput, DataError
from privbench.metrics.groups import Groups, named
from privbench.plugins.host import PluginHost
from privbench.storage.environment import environment


@names_arguments
def audit(
    target: Source,
    shadow: Source | None = None,
    *,
    holdout: Source | None = None,
    label: str | None = None,
    member: str | None = None,
    columns: str | Iterable[str] = (),
    positive: object = None,
    id: str | None = None,
    model: str | None = None,
    attacks: Iterable[str] = (),
    set: Mapping[str, Any] | None = None,
    plugins: Iterable[str] = (),
    seed: int = 0,
    slices: Iterable[str] = (),
    groups: str | ArrayLike | None = None,
) -> Audit:
    """Attack predictions whose membership is known, and report how well the attacks do.

    Args:
        target: predictions of the target models: a file (docs/audit.md says what it may be), a
            DataFrame, or arrays by name, of NumPy or torch.
        shadow: predictions of models that the adversary trained. If they are on the same records as
            ``target`` (``record_ids`` tell, or else the labels), all attacks can use them; if they are
            on other records, they serve for thresholds and attack models. Without ``shadow``, if there
            are two or more target models, each is the target in turn and the others are its shadows.
        holdout: predictions on records that no model was trained on, if ``target`` has only members; a
            file, DataFrame or arrays, as ``target`` is.
        label: the column, or array, of labels; default ``label`` or ``labels``.
        member: the column, or array, of membership; default ``member``.
        columns: the columns of probabilities of a table; by default found out.
        positive: the class that a single column of probabilities is about.
        id: the column, or array, that identifies records.
        model: the column that says which model a line of a table is about, if there are several.
        attacks: names of attacks; default all. An attack that does not apply is listed under
            ``skipped``, with the reason, and one that raises under ``failed``.
        set: parameters of attacks, such as ``{"lira.mode": "offline"}``.
        plugins: modules or single files to load as plugins.
        seed: seed of the attacks' random draws and of the intervals.
        slices: names of further arrays (records,) of ``target``, by which the report groups records.
        groups: the name of a further array (records,) of ``target``, or its values, such as numbers of
            persons. Records with equal values are then attacked together: the question is whether a
            model was trained on the records of a group, all of them or none.

    Returns:
        The report. ``print`` shows it as a table, a notebook as HTML; ``to_json()`` gives its numbers,
        ``to_html()`` a page, and ``exceeded({"tpr@0.01": 0.05})`` what is above a limit.

    Raises:
        BadInput: a file or a parameter is wrong; the message names it and what is allowed.
    """
    overrides = Overrides(dict(set or {}))
    names = columns.split(",") if isinstance(columns, str) else columns
    positive = None if positive is None else text_of(positive)
    layout = Layout(label, member, tuple(names), positive, id, model)
    report = run_audit(
        target,
        shadow,
        PluginHost(plugins),
        list(attacks),
        overrides,
        seed,
        list(slices),
        groups,
        holdout=holdout,
        layout=layout,
    )
    return report.for_python()


def run_audit(
    target_source: Source,
    shadow_source: Source | None,
    host: PluginHost,
    names: list[str],
    overrides: Overrides,
    seed: int,
    slices: Sequence[str] = (),
    groups: str | ArrayLike | None = None,
    *,
    holdout: Source | None = None,
    layout: Layout = USUAL,
) -> Audit:
    """Run an audit like `audit`, given plugins and overrides that are loaded."""
    target = _read(target_source, slices, groups, layout=layout, holdout=holdout, where="target")
    shadow = None
    if shadow_source is not None:
        shadow = _read_shadow(shadow_source, target, groups, layout)
    attacks = build_attacks(host, names, overrides)
    overrides.check()
    models = AuditedModels(target, shadow, seed)
    blocks = record_blocks(models)
    reports, skipped, failed = _attack(models, attacks, blocks)
    quality = qualities(target)
    accuracy = None if target.task == "regression" else quality[0]
    return Audit(
        attacks=reports,
        skipped=skipped,
        failed=failed,
        target=target,
        accuracy=None if accuracy is None else accuracy.all,
        train_accuracy=None if accuracy is None else accuracy.members,
        test_accuracy=None if accuracy is None else accuracy.nonmembers,
        quality=quality,
        shadows=models.shadow_kind,
        blocks=blocks,
        seed=seed,
        warnings=sanity(target, shadow, {name: one.scores for name, one in reports.items()}),
        environment=environment(host.third_party, "cpu", host.switched_off),
        inputs=[
            PredictionsInput.of(role, source, predictions)
            for role, source, predictions in (
                ("target", target_source, target),
                ("holdout", holdout, target),
                ("shadow", shadow_source, shadow),
            )
            if source is not None and predictions is not None
        ],
    )


def _read_shadow(
    source: Source, target: Predictions, groups: str | ArrayLike | None, layout: Layout
) -> Predictions:
    """Return the predictions of shadows, in the groups of the target if they are about its records."""
    shadow = read_predictions(source, layout=layout, where="shadow")
    target.check_shadow(shadow)
    if groups is None:
        return shadow
    if target.same_records(shadow):
        assert target.groups is not None
        return shadow.grouped(target.groups, "shadow")
    return _read(source, (), groups, layout=layout, where="shadow")


def _attack(
    models: AuditedModels, attacks: Sequence[Bound], blocks: NDArray[np.int64] | None
) -> tuple[dict[str, AttackReport], dict[str, str], dict[str, str]]:
    """Return the reports of attacks, and which were skipped or failed, and why."""
    reports: dict[str, AttackReport] = {}
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}
    for attack in attacks:
        if isinstance(attack.component, SyntheticAttack):
            skipped[attack.name] = "needs released data; an audit has predictions only"
            continue
        try:
            views = models.target_views(attack)
            if obstacle := models.obstacle(attack, views):
                skipped[attack.name] = obstacle
            else:
                reports[attack.name] = measure(models, attack, views, blocks)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # third-party code must not cost the results of the others
            failed[attack.name] = error_text(error).removeprefix(f"{attack.name}: ")
    return reports, skipped, failed


def build_attacks(host: PluginHost, names: Sequence[str], overrides: Overrides) -> list[Bound]:
    """Return the attacks with these names, or all, with their parameters.

    Raises:
        BadInput: a name or a parameter is wrong.
    """
    return [_build(name, host, overrides) for name in dict.fromkeys(names or _all_attacks(host))]


def _all_attacks(host: PluginHost) -> list[str]:
    """Return the names of all attacks on outputs; predictions hold no released data."""
    entries = host.registry("attack")
    return [entry.name for entry in entries if not issubclass(entry.cls, SyntheticAttack)]


def _build(name: str, host: PluginHost, overrides: Overrides) -> Bound:
    registry = host.registry("attack")
    if name not in registry.entries:  # of those on released data none is proposed
        hint = closest(name, _all_attacks(host))
        raise BadInput(f"--attack: unknown attack {name!r}{hint} (a plugin of yours? give -p)")
    entry = registry.get(name, "--attack")
    params = overrides.of(name, entry.cls.model_fields)
    return entry.build(params, f"--set {name}")


def _read(
    source: Source,
    columns: Sequence[str],
    groups: str | ArrayLike | None,
    *,
    layout: Layout,
    holdout: Source | None = None,
    where: str,
) -> Predictions:
    """Read predictions, and the groups of their records if ``groups`` names or gives them."""
    names = list(dict.fromkeys([*columns, *([groups] if isinstance(groups, str) else [])]))
    loaded = read_predictions(source, names, layout=layout, holdout=holdout, where=where)
    if groups is None:
        return loaded
    if isinstance(groups, str):
        values, name = loaded.columns[groups], groups
        loaded = replace(loaded, columns={name: loaded.columns[name] for name in columns})
    else:
        values, name = np.asarray(groups), "groups"
    where = str(source) if isinstance(source, str | Path) else where
    n = loaded.member.shape[1]
    if values.shape != (n,) or values.dtype.kind not in "biufU":
        raise DataError(
            f"{where}: {name} has shape {values.shape} and type {values.dtype}, expected ({n},) numbers"
            " or strings"
        )
    missing = values == "" if values.dtype.kind == "U" else values != values
    if n_missing := int(missing.sum()):
        raise DataError(f"{where}: {name}: {n_missing} records have no group")
    found = Groups.of(values)
    for column in columns:
        if mixed := found.mixed(grouped(loaded.columns[column])[1][None]):
            raise DataError(
                f"{where}: {column}: a slice must be the same for all records of a group; it is not for"
                f" {named(mixed)}"
            )
    return loaded.grouped(found, f"{where}: {name}")
