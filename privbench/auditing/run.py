"""Audit predictions: run every attack that applies, and report its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from privbench.attacks.synthetic import SyntheticAttack
from privbench.auditing.labels import text_of
from privbench.auditing.layout import Layout
from privbench.auditing.measuring import measure, record_groups
from privbench.auditing.reading import USUAL, Source, read_predictions
from privbench.auditing.report import Audit, Input
from privbench.auditing.sanity import sanity
from privbench.auditing.shadows import AuditedModels
from privbench.components import Bound
from privbench.components.messages import error_text
from privbench.config import Overrides
from privbench.plugins.host import PluginHost
from privbench.storage.environment import environment


def audit(
    target: Source,
    shadow: Source | None = None,
    *,
    holdout: Source | None = None,
    label: str | None = None,
    member: str | None = None,
    columns: Iterable[str] = (),
    positive: object = None,
    id: str | None = None,
    model: str | None = None,
    attacks: Iterable[str] = (),
    set: Mapping[str, Any] | None = None,
    plugins: Iterable[str] = (),
    seed: int = 0,
    slices: Iterable[str] = (),
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

    Returns:
        The report. ``print`` shows it as a table, a notebook as HTML; ``to_json()`` gives its numbers,
        ``to_html()`` a page, and ``exceeded({"tpr@0.01": 0.05})`` what is above a limit.

    Raises:
        BadInput: a file or a parameter is wrong; the message names it and what is allowed.
    """
    overrides = Overrides(dict(set or {}))
    layout = Layout(
        label, member, tuple(columns), None if positive is None else text_of(positive), id, model
    )
    return run_audit(
        target,
        shadow,
        PluginHost(plugins),
        list(attacks),
        overrides,
        seed,
        list(slices),
        holdout=holdout,
        layout=layout,
    )


def run_audit(
    target_source: Source,
    shadow_source: Source | None,
    host: PluginHost,
    names: list[str],
    overrides: Overrides,
    seed: int,
    slices: Sequence[str] = (),
    *,
    holdout: Source | None = None,
    layout: Layout = USUAL,
) -> Audit:
    """Run an audit like `audit`, given plugins and overrides that are loaded."""
    target = read_predictions(target_source, slices, layout=layout, holdout=holdout, where="target")
    shadow = None
    if shadow_source is not None:
        shadow = read_predictions(shadow_source, layout=layout, where="shadow")
        target.check_classes(shadow)
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
        warnings=sanity(target, shadow, {name: one.scores for name, one in reports.items()}),
        environment=environment(host.third_party, "cpu"),
        inputs=[
            Input.of(role, source, predictions)
            for role, source, predictions in (
                ("target", target_source, target),
                ("holdout", holdout, target),
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
