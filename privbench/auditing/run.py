"""Audit predictions: run every attack that applies, and report its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from privbench.attacks.synthetic import SyntheticAttack
from privbench.auditing.measuring import measure, record_groups
from privbench.auditing.predictions import Arrays, Predictions, read_predictions
from privbench.auditing.report import Audit, Input
from privbench.auditing.shadows import AuditedModels
from privbench.components import Bound
from privbench.components.messages import error_text
from privbench.config import Overrides
from privbench.errors import DataError
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

    Returns:
        The report. ``print`` shows it as a table, a notebook as HTML; ``to_json()`` gives its numbers,
        ``to_html()`` a page, and ``exceeded({"tpr@0.01": 0.05})`` what is above a limit.

    Raises:
        BadInput: a file or a parameter is wrong; the message names it and what is allowed.
    """
    overrides = Overrides(dict(set or {}))
    return run_audit(
        target, shadow, PluginHost(plugins), list(attacks), overrides, seed, list(slices)
    )


def run_audit(
    target_source: PredictionSource,
    shadow_source: PredictionSource | None,
    host: PluginHost,
    names: list[str],
    overrides: Overrides,
    seed: int,
    slices: Sequence[str] = (),
) -> Audit:
    """Run an audit like `audit`, given plugins and overrides that are loaded."""
    target = _load(target_source, "target", slices)
    shadow = None if shadow_source is None else _load(shadow_source, "shadow")
    if shadow is not None and shadow.n_classes != target.n_classes:
        raise DataError(f"shadow has {shadow.n_classes} classes, but target has {target.n_classes}")
    attacks = build_attacks(host, names, overrides)
    overrides.check()
    models = AuditedModels(target, shadow, seed)
    groups = record_groups(models)
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
                reports[attack.name] = measure(models, attack, views, groups)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # third-party code must not cost the results of the others
            failed[attack.name] = error_text(error).removeprefix(f"{attack.name}: ")
    correct = target.log_probs.argmax(-1) == target.labels
    return Audit(
        attacks=reports,
        skipped=skipped,
        failed=failed,
        target=target,
        accuracy=float(correct.mean()),
        train_accuracy=float(correct[target.member].mean()),
        test_accuracy=float(correct[~target.member].mean()),
        shadows=models.shadow_kind,
        groups=groups,
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
    entry = host.registry("attack").get(name, "--attack")
    params = overrides.of(name, entry.cls.model_fields)
    return entry.build(params, f"--set {name}")


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
