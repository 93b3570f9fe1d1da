"""Audit predictions: run every attack that applies, and report its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from privbench.attacks.synthetic import SyntheticAttack
from privbench.auditing.measuring import measure, record_blocks
from privbench.auditing.predictions import Arrays, Predictions, read_predictions
from privbench.auditing.quality import qualities
from privbench.auditing.report import Audit, Input
from privbench.auditing.shadows import AuditedModels
from privbench.auditing.slices import grouped
from privbench.components import Bound
from privbench.components.messages import error_text
from privbench.config import Overrides
from privbench.errors import DataError
from privbench.metrics.groups import Groups, named
from privbench.plugins.host import PluginHost
from privbench.storage.environment import environment

PredictionSource = str | Path | Predictions | Arrays
"""Where predictions come from: a file, an object, or arrays by name."""


def audit(
    target: PredictionSource,
    shadow: PredictionSource | None = None,
    *,
    attacks: Iterable[str] = (),
    set: Mapping[str, Any] | None = None,
    plugins: Iterable[str] = (),
    seed: int = 0,
    slices: Iterable[str] = (),
    groups: str | ArrayLike | None = None,
) -> Audit:
    """Attack predictions whose membership is known, and report how well the attacks do.

    Args:
        target: predictions of the target models: a file (docs/audit.md describes its arrays), or
            the arrays by name.
        shadow: predictions of models that the adversary trained. If they are on the same records as
            ``target`` (``record_ids`` tell, or else the labels), all attacks can use them; if they are
            on other records, they serve for thresholds and attack models. Without ``shadow``, if there
            are two or more target models, each is the target in turn and the others are its shadows.
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
    return run_audit(
        target, shadow, PluginHost(plugins), list(attacks), overrides, seed, list(slices), groups
    )


def run_audit(
    target_source: PredictionSource,
    shadow_source: PredictionSource | None,
    host: PluginHost,
    names: list[str],
    overrides: Overrides,
    seed: int,
    slices: Sequence[str] = (),
    groups: str | ArrayLike | None = None,
) -> Audit:
    """Run an audit like `audit`, given plugins and overrides that are loaded."""
    target = _load_grouped(target_source, "target", slices, groups)
    shadow = None if shadow_source is None else _load(shadow_source, "shadow")
    if shadow is not None and shadow.task != target.task:
        raise DataError(f"shadow has predictions of {shadow.task}, but target of {target.task}")
    if shadow is not None and shadow.n_classes != target.n_classes:
        raise DataError(f"shadow has {shadow.n_classes} classes, but target has {target.n_classes}")
    attacks = [_build(name, host, overrides) for name in dict.fromkeys(names or _all_attacks(host))]
    overrides.check()
    models = AuditedModels(target, shadow, seed)
    if groups is not None and shadow is not None:
        assert shadow_source is not None
        if models.same_records:
            assert target.groups is not None
            shadow = shadow.grouped(target.groups, "shadow")
        else:
            shadow = _load_grouped(shadow_source, "shadow", (), groups)
        models = AuditedModels(target, shadow, seed)
    blocks = record_blocks(models)
    reports, skipped, failed = {}, {}, {}
    for attack in attacks:
        if attack.component.observes == "synthetic":
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
        environment=environment(host.third_party, "cpu"),
        inputs=[
            Input.of(role, source, predictions)
            for role, source, predictions in (
                ("target", target_source, target),
                ("shadow", shadow_source, shadow),
            )
            if source is not None and predictions is not None
        ],
    )


def _all_attacks(host: PluginHost) -> list[str]:
    """Return the names of all attacks on outputs; predictions hold no released data."""
    entries = host.registry("attack")
    return [entry.name for entry in entries if not issubclass(entry.cls, SyntheticAttack)]


def _build(name: str, host: PluginHost, overrides: Overrides) -> Bound:
    entry = host.registry("attack").get(name, "--attack")
    params = overrides.of(name, entry.cls.model_fields)
    return entry.build(params, f"--set {name}")


def _load_grouped(
    source: PredictionSource, where: str, columns: Sequence[str], groups: str | ArrayLike | None
) -> Predictions:
    """Read predictions, and the groups of their records if ``groups`` names or gives them."""
    if groups is None:
        return _load(source, where, columns)
    if isinstance(groups, str):
        loaded = _load(source, where, list(dict.fromkeys([*columns, groups])))
        values = loaded.columns[groups]
        sliced = {name: loaded.columns[name] for name in columns}
        loaded, name = replace(loaded, columns=sliced), groups
    else:
        loaded, values, name = _load(source, where, columns), np.asarray(groups), "groups"
    where = str(source) if isinstance(source, str | Path) else where
    n = loaded.member.shape[1]
    if values.shape != (n,) or values.dtype.kind not in "biufU":
        raise DataError(
            f"{where}: {name} has shape {values.shape} and type {values.dtype}, expected ({n},) numbers"
            " or strings"
        )
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(n, dtype=bool)
    if n_missing := int(missing.sum()):
        raise DataError(f"{where}: {name}: {n_missing} records have no group (NaN)")
    found = Groups.of(values)
    for column in columns:
        if mixed := found.mixed(grouped(loaded.columns[column])[1][None]):
            raise DataError(
                f"{where}: {column}: a slice must be the same for all records of a group; it is not for"
                f" {named(mixed)}"
            )
    return loaded.grouped(found, f"{where}: {name}")


def _load(source: PredictionSource, where: str, columns: Sequence[str] = ()) -> Predictions:
    if isinstance(source, Predictions):
        if missing := [name for name in columns if name not in source.columns]:
            raise DataError(
                f"{where}: there is no column {missing[0]!r} (there are:"
                f" {', '.join(source.columns) or 'none'})"
            )
        return source
    if isinstance(source, str | Path):
        return read_predictions(source, columns)
    arrays = {name: np.asarray(array) for name, array in source.items()}
    return Predictions.of(arrays, where, columns)
