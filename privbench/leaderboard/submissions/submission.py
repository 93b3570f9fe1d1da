"""A defense's rows as one file that others can check: a submission to the leaderboard.

It is a file of a run (`report.document`) with one more key, ``submission``: who submits what, every
stage behind the rows, and a digest of the whole content. Rows of the baselines are in it as well,
because ranks and differences are taken between rows of the same models and records.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.errors import BadInput
from privbench.leaderboard.ranking import REFERENCES
from privbench.leaderboard.submissions.rebuilt import benchmark_from, plan_of
from privbench.privacy.verdict import with_verdicts
from privbench.report.curves import curves_stored_in
from privbench.report.differences import Differences, stored_in
from privbench.report.document import document_text
from privbench.report.frontier import family
from privbench.seeds import digest
from privbench.stages import Stage
from privbench.storage.artifacts import Store
from privbench.storage.results import Results, Row, Run

if TYPE_CHECKING:
    from privbench.plan import Plan
    from privbench.plugins.host import PluginHost
    from privbench.trial import Trial

BASELINES = ("none", "public-only")
"""The defenses whose rows are in every submission, if the benchmark has them."""


@dataclass(frozen=True)
class About:
    """What a submitter says. Nobody checks it."""

    name: str
    authors: str = ""
    paper: str = ""
    code_url: str = ""
    contact: str = ""


def export_submission(
    benchmark: str, defense: str, host: PluginHost, *, results: str | Path, about: About
) -> str:
    """Return the text of a submission.

    Args:
        benchmark: the benchmark, whose last complete run is used.
        defense: the label of a defense, or the name of one with a sweep.
        host: the plugins, among them that of the defense.
        results: the results folder.
        about: what the submitter says.

    Raises:
        BadInput: there is no such defense, a row has no numbers, or the code has changed since the run.
    """
    root = Path(results)
    store = Store(root)
    run, labels = restricted(Results(root).run(benchmark), defense)
    assert run.configuration is not None
    plan = plan_of(benchmark_from(benchmark, run.configuration, host))
    _check_keys(run.rows, plan)
    stages = stage_lines(plan, store)
    run = replace(run, seconds=sum(stage["seconds"] or 0.0 for stage in stages))
    text = document_text(run, Differences(stored_in(store)).errors, curves_stored_in(store))
    content: dict[str, Any] = json.loads(text)
    content["submission"] = {
        "defenses": labels,
        "about": asdict(about),
        "plugins": plugin_files(host),
        "stages": stages,
    }
    content["submission"]["digest"] = digest(content)
    return text.removesuffix("\n}\n") + f',\n "submission": {_lines(content["submission"])}\n}}\n'


def content_digest(content: Mapping[str, Any]) -> str:
    """Return the digest of a submission, which is over everything but the digest itself."""
    about = {key: value for key, value in content["submission"].items() if key != "digest"}
    return digest({**content, "submission": about})


def restricted(run: Run, defense: str) -> tuple[Run, list[str]]:
    """Return a run with the rows of a defense and of the baselines alone, and the labels of the defense.

    Verdicts are corrected for the p-values of the rows that are left.

    Raises:
        BadInput: the run has no such defense, it is a baseline, or the run is of an older version.
    """
    if run.configuration is None:
        raise BadInput(f"the run of {run.benchmark!r} has no configuration; run it again")
    known = list(dict.fromkeys(row["defense"] for row in run.rows))
    labels = [label for label in known if defense in (label, label.partition("[")[0])]
    if not labels:
        raise BadInput(
            f"DEFENSE {defense!r}: not in the run of {run.benchmark!r} (allowed: {', '.join(known)})"
        )
    if family(labels[0]) in REFERENCES:
        raise BadInput(f"DEFENSE {defense!r}: a baseline (allowed: a defense of your own)")
    kept = {*labels, *BASELINES}
    configuration = dict(run.configuration)
    configuration["defenses"] = [d for d in configuration["defenses"] if d["label"] in kept]
    rows = with_verdicts([row for row in run.rows if row["defense"] in kept])
    return replace(run, configuration=configuration, rows=rows), labels


def plugin_files(host: PluginHost) -> list[dict[str, Any]]:
    """Return the plugins, with the digest of each one that is a single file."""
    lines = []
    for plugin in host.plugins[1:]:
        file = Path(plugin.name)
        content = file.read_bytes() if file.suffix == ".py" and file.is_file() else None
        lines.append(
            {
                "name": file.name if content is not None else plugin.name,
                "distribution": file.name if content is not None else str(plugin.distribution),
                "sha256": None if content is None else hashlib.sha256(content).hexdigest(),
            }
        )
    return lines


def stage_lines(plan: Plan, store: Store) -> list[dict[str, Any]]:
    """Return a line for each stage behind a plan's rows, inputs first.

    Its ``key`` is the digest of its ``provenance``, and ``content`` that of the artifact: None if it
    is not stored, as a released training set.
    """
    return [
        {
            "kind": stage.kind,
            "key": stage.key,
            "content": store.content(stage.kind, stage.key),
            "seconds": store.seconds(stage.kind, stage.key)
            if store.has(stage.kind, stage.key)
            else None,
            "provenance": stage.provenance,
        }
        for stage in plan.stages
    ]


def row_stages(trial: Trial) -> Iterator[tuple[Stage, ...]]:
    """Yield the stages whose keys make the key of each row of a trial."""
    for parts in zip(trial.metrics, trial.records, trial.audits, trial.warnings, strict=True):
        stages = (trial.utility, *parts)
        yield tuple(stage for stage in stages if isinstance(stage, Stage))


def _check_keys(rows: Sequence[Row], plan: Plan) -> None:
    planned = {
        digest([stage.key for stage in stages])
        for trial in plan.trials
        for stages in row_stages(trial)
        if stages
    }
    for row in rows:
        if row["status"] == "ok" and row["key"] not in planned:
            raise BadInput(
                f"{row['defense']}/{row['attack']}: the code, or that of a plugin, is not that of the"
                " run; run the benchmark again, with the same -p"
            )


def _lines(part: Mapping[str, Any]) -> str:
    """Return the key ``submission``, with a line for each stage."""
    stages = ",\n".join(f"   {json.dumps(line, ensure_ascii=False)}" for line in part["stages"])
    others = [
        f'  "{key}": {json.dumps(value, ensure_ascii=False)}'
        for key, value in part.items()
        if key != "stages"
    ]
    return "{\n" + ",\n".join([*others, f'  "stages": [\n{stages}\n  ]']) + "\n }"
