"""Audit a training procedure: train models on random subsets of the records, and attack them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from privbench.arguments import names_arguments
from privbench.auditing.report import Audit
from privbench.auditing.run import build_attacks
from privbench.auditing.training.population import Train
from privbench.auditing.training.procedure import Procedure
from privbench.auditing.training.request import Request
from privbench.config import Overrides
from privbench.plugins.host import PluginHost


@names_arguments
def audit_training(
    train: Train,
    x: Any,
    y: Any,
    *,
    models: int = 16,
    model: Any = None,
    member: Any = None,
    reference_x: Any = None,
    reference_y: Any = None,
    canaries: float = 0.0,
    jobs: int = 1,
    results: str | Path = "results",
    fresh: bool = False,
    attacks: Iterable[str] = (),
    set: Mapping[str, Any] | None = None,
    plugins: Iterable[str] = (),
    seed: int = 0,
    slices: Iterable[str] = (),
    name: str = "",
    task: str = "auto",
) -> Audit:
    """Train models on random subsets of the records, and report how well attacks find the subsets.

    Without ``model``, each model is trained on a random half of the records, and is the target once,
    with the others as its shadows. With ``model``, which was trained on the records of ``member``, the
    shadows are trained on random subsets of the same size, and that model is the target.

    What each model answers is stored in ``results``, so that an audit that was interrupted goes on where
    it stopped. docs/audit-training.md says what a stored answer depends on.

    Args:
        train: a function ``train(x, y, seed)`` that returns a torch module (of logits or probabilities),
            an estimator with ``predict_proba``, or a function from records to probabilities. It gets
            some of the records as they are; what is fitted on them, such as a scaler, belongs to it.
        x: the records: a NumPy array, a DataFrame, a sparse matrix, a torch tensor or a list.
        y: their labels: integers, texts or truth values; the targets of a regression; or several
            labels (records, labels), each 0 or 1.
        models: number of models to train.
        model: an existing model to attack, of a kind that ``train`` may return.
        member: bool (records,), the records that ``model`` was trained on.
        reference_x: records of the same distribution that no model may be trained on, which some attacks
            need. By default a tenth of the records is held out for this, or with ``model`` a tenth of
            those that it was not trained on.
        reference_y: the labels of ``reference_x``.
        canaries: share of the records that get a wrong label in a second population of as many models,
            which shows the worst case; 0 trains none.
        jobs: number of processes that train.
        results: the folder where answers are stored.
        fresh: whether to train again what is stored.
        attacks, set, plugins, slices: as in `audit`; slices are names of columns of a DataFrame ``x``.
        seed: seed of all random draws; each model gets a seed of its own.
        name: what the report calls the training; default the name and the file of ``train``.
        task: ``classification``, ``regression``, ``multi-label`` or ``auto``: numbers with fractions, or
            more than 1,000 distinct ones, are targets of a regression, whose models have ``predict``, or
            are functions from records to numbers; several columns are several labels.

    Returns:
        The report, as that of `audit`. ``training`` says how the models were made, and ``canaries`` is
        the report on canaries.

    Raises:
        BadInput: an argument is wrong; the message names it.
        PrivbenchError: too few models could be trained.
    """
    overrides = Overrides(dict(set or {}))
    request = Request(
        train, x, y, models, model, member, reference_x, reference_y, canaries, jobs,
        Path(results), fresh, list(attacks), seed, list(slices), name, task,
    )  # fmt: skip
    return run_training_audit(request, PluginHost(plugins), overrides).for_python()


def run_training_audit(request: Request, host: PluginHost, overrides: Overrides) -> Audit:
    """Run an audit like `audit_training`, given plugins and overrides that are loaded."""
    request.check()
    # A wrong name is known before training.
    chosen = build_attacks(host, list(request.attacks), overrides)
    overrides.check()
    procedure = Procedure(request, chosen)
    design, task = procedure.design, procedure.task
    group = design.group("records", task.codes, request.models, request.seed)
    groups = [group]
    if request.canaries:
        groups.append(design.canaries(request.canaries, task.codes, request.models, request.seed))
    target = procedure.existing_model(group)
    results = procedure.train(groups)
    report, *of_canaries = (
        procedure.report(one, trained, target if one is group else None, host, overrides)
        for one, trained in zip(groups, results, strict=True)
    )
    if not of_canaries:
        return report
    # Labels of canaries are wrong on purpose, which checks of labels cannot know.
    return replace(report, canaries=replace(of_canaries[0], warnings=[]))
