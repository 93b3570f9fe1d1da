"""``privbench runs show``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from privbench.cli.options import json_option, results_option, run_argument
from privbench.cli.output import echo, print_definitions, print_json

if TYPE_CHECKING:
    from privbench.storage.history import Entry
    from privbench.storage.results import Row


@click.command()
@run_argument("run_id", "ID")
@results_option
@json_option
def show(run_id: str, results: str, as_json: bool) -> None:
    """Show a run: its command, settings, versions, log, and what failed."""
    from pathlib import Path

    from privbench.logs.run import log_path
    from privbench.storage.history import History
    from privbench.storage.results import Results

    entry = History(results).entry(run_id)
    rows = Results(Path(results)).run(entry.id).rows if entry.n_finished else []
    failures = _failures(rows)
    log = log_path(results, entry.id)
    if as_json:
        print_json(
            entry.to_json()
            | {
                "environment": entry.environment,
                "configuration": entry.configuration,
                "log": str(log) if log.exists() else None,
                "failures": [{"reason": reason, "trials": n} for reason, n in failures.items()],
            }
        )
        return
    print_definitions(_facts(entry) | ({"log": str(log)} if log.exists() else {}))
    for heading, facts in (
        ("settings", entry.configuration or {}),
        ("environment", entry.environment),
    ):
        echo(f"\n{heading}:")
        print_definitions(dict(flattened(facts)))
    if failures:
        echo("\nwithout a result:")
        print_definitions({f"{n} trials" if n > 1 else "1 trial": r for r, n in failures.items()})


def flattened(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the values of nested tables by their whole keys, such as ``libraries.torch``.

    Components are on one line, with their parameters.
    """
    for name, part in value.items():
        key = f"{above}{name}"
        if isinstance(part, Mapping):
            yield from flattened(part, f"{key}.")
        elif isinstance(part, list):
            yield key, "; ".join(map(_item, part)) or "none"
        else:
            yield key, _plain(part)


def _item(part: Any) -> str:
    """Return a value of a list; a component by its label and its parameters."""
    if not isinstance(part, Mapping):
        return _plain(part)
    if "params" in part:
        params = ", ".join(f"{key}={_plain(value)}" for key, value in part["params"].items())
        name = str(part.get("label", part.get("name")))
        return f"{name}({params})" if params else name
    parts = [part.get("generator"), *part.get("mechanisms", [])]
    inner = " + ".join(_item(one) for one in parts if one)
    label = str(part.get("label", ""))
    return f"{label} = {inner}" if inner else label


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _facts(entry: Entry) -> dict[str, str]:
    from privbench.cli.runs.listing import day_and_minute, seeds_text, took
    from privbench.report.numbers import duration

    trials = [f"{entry.n_finished} finished"]
    trials += [f"{entry.n_trials} planned"] if entry.n_trials is not None else []
    trials += [f"{entry.n_ok} with results", f"{entry.n_failed} failed"]
    facts = {
        "run": str(entry.id),
        "benchmark": entry.benchmark,
        "changes": entry.remark,
        "command": entry.command,
        "status": f"{entry.status} {entry.elsewhere and f'(or goes on, on {entry.elsewhere})'}".strip(),
        "started": f"{day_and_minute(entry.started_at)} UTC",
        "took": took(entry),
        "stages": "" if entry.seconds is None else f"{duration(entry.seconds)}, whenever computed",
        "trials": ", ".join(trials),
        "seeds": seeds_text(entry.seeds),
    }
    return {name: text for name, text in facts.items() if text}


def _failures(rows: list[Row] | Any) -> dict[str, int]:
    """Return the reasons for which trials have no result, and how many trials each is of."""
    reasons = {
        (f"{row['status']}: {row['reason']}", *(row[k] for k in _TRIAL))
        for row in rows
        if row["status"] != "ok"
    }
    return dict(Counter(reason for reason, *_ in sorted(reasons, key=str)).most_common())


_TRIAL = ("dataset", "defense", "model", "attack", "knowledge", "seed")
