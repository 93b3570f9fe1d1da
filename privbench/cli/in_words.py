"""What `privbench show` says about defenses and benchmarks, in words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import prod
from typing import Any

from privbench.cli.listing import defenses_of, pipeline_text
from privbench.cli.output import echo, line_width, painted, wrapped
from privbench.components import Bound, summary
from privbench.config import BenchmarkTable, Defense, File, Named, resolve
from privbench.config.resolve import defense_named
from privbench.errors import PrivbenchError
from privbench.escape import one_line
from privbench.layout import text_width
from privbench.plugins.host import PluginHost
from privbench.wording import listed, plural

ACTS_ON = {
    "data": "alters the private records before anything else reads them",
    "latent": "alters the latent codes of the generator",
    "training": "changes how models are trained",
    "output": "changes the outputs of trained models",
}
RELEASES = {
    "reconstruct": "encodes and decodes the private records; models are trained on what comes out",
    "sample": "draws new records; models are trained on these instead of the private ones",
}
N_RECORDS, N_COLUMNS, MODEL = 1000, 16, "mlp"
EXAMPLE = (
    f"for {N_RECORDS:,} private records with {N_COLUMNS} numeric columns and the model {MODEL}"
)
"""What a guarantee is computed for, as it may depend on the data and the model."""
NO_GUARANTEE = (
    "It states no guarantee: what it protects from is known by attacks alone, such as those of"
    " `privbench run`."
)


def defense_facts(host: PluginHost, file: File, name: str) -> dict[str, Any]:
    """Return a defense as JSON values: its table, what its components do, and what it guarantees."""
    facts = defenses_of(file)[name].model_dump(mode="json")
    try:
        defense = defense_named(file, name, host.registries, host.broken)
    except PrivbenchError as error:  # a parameter without a default, for benchmarks to give
        return {**facts, "steps": [], "guarantee": None, "reason": str(error)}
    if not isinstance(defense, Defense):
        return {**facts, "steps": [], "guarantee": None, "reason": defense.reason}
    guarantee, reason = _guarantee(host, defense)
    bounds = [bound for bound in (defense.generator, *defense.mechanisms) if bound is not None]
    return {**facts, "steps": list(map(_step, bounds)), "guarantee": guarantee, "reason": reason}


def _step(bound: Bound) -> dict[str, Any]:
    component = bound.component
    is_generator = bound.entry.kind == "generator"
    return {
        "kind": bound.entry.kind,
        "name": bound.name,
        "summary": summary(bound.entry.cls),
        "effect": (RELEASES[component.release] if is_generator else ACTS_ON[component.acts_on]),
        "parameters": component.params(),
    }


def _guarantee(host: PluginHost, defense: Defense) -> tuple[dict[str, Any] | None, str]:
    """Return the guarantee of a defense for `EXAMPLE` as JSON values, or why there is none."""
    from privbench.data import DataSpec
    from privbench.stages.guarantees import guarantee_of

    if not defense.mechanisms and defense.generator is None:
        return None, ""
    try:
        model = host.registry("model").get(MODEL, "privbench show").build({}, MODEL).component
        spec = DataSpec("tabular", (N_COLUMNS,), 2)
        guarantee, reason = guarantee_of(defense, spec, N_RECORDS, model)
    except PrivbenchError as error:
        return None, str(error)
    return (None if guarantee is None else guarantee.to_json()), reason


def print_defense(file: File, name: str, facts: dict[str, Any]) -> None:
    """Print what the components of a defense do, in pipeline order, and what it guarantees."""
    echo(wrapped(one_line(pipeline_text(defenses_of(file)[name]))))
    if not facts["steps"] and not facts["reason"]:
        echo(
            wrapped("Models are trained as usual, and their outputs are published as they are.", "")
        )
    for number, step in enumerate(facts["steps"], start=1):
        echo("\n", painted(one_line(f"{number}. {step['kind']} {step['name']}"), "heading"))
        values = ", ".join(f"{key}={json.dumps(v)}" for key, v in step["parameters"].items())
        for text in (step["summary"], f"It {step['effect']}.", values):
            echo(wrapped(f"   {one_line(text)}", "   "))
    _print_guarantee(facts)
    users = [other for other, table in file.benchmarks.items() if _has(table.defenses, name)]
    if users:
        echo("\n" + wrapped(f"Benchmarks with it: {one_line(', '.join(users))}."))
    if facts["steps"]:
        echo("\nPapers and all parameters:")
        for step in facts["steps"]:
            echo("  ", one_line(f"privbench show {step['kind']} {step['name']}"))


def _has(defenses: tuple[Named, ...], name: str) -> bool:
    return any(
        name == (named if isinstance(named, str) else named.get("name")) for named in defenses
    )


def _print_guarantee(facts: dict[str, Any]) -> None:
    from privbench.privacy import Guarantee
    from privbench.report.guarantees import guarantee_text

    if facts["guarantee"] is None:
        start = "No guarantee" if facts["steps"] else "It is not complete by itself"
        text = f"{start}: {one_line(facts['reason'])}" if facts["reason"] else NO_GUARANTEE
        if facts["reason"] or facts["steps"]:
            echo("\n" + wrapped(text))
        return
    guarantee = Guarantee.from_json(facts["guarantee"])
    epsilon, replacing = guarantee_text(facts["guarantee"])
    echo("\n", painted("Guarantee", "heading"), wrapped(f"          {EXAMPLE}:")[9:])
    lines = [f"{epsilon}: {guarantee.terms()}, computed by: {guarantee.accountant}"]
    lines += [f"{replacing.strip('()')}: ε for replacing one record"] if replacing else []
    _print_items(lines)
    if guarantee.conditions:
        echo("On these conditions:")
        _print_items(map(str, guarantee.conditions))


def _print_items(texts: Iterable[str]) -> None:
    for text in texts:
        echo(wrapped(f"  - {one_line(text)}"))


def benchmark_facts(host: PluginHost, file: File, name: str) -> dict[str, Any]:
    """Return a benchmark as JSON values: its settings, and the numbers of trials and of models."""
    facts: dict[str, Any] = file.benchmarks[name].model_dump(mode="json")
    try:
        benchmark = resolve(file, name, host.registries, broken_plugins=host.broken)
    except PrivbenchError as error:
        return {**facts, "trials": None, "reason": str(error)}
    counts = {
        "dataset": len(benchmark.datasets),
        "model": len(benchmark.models),
        "defense": len(benchmark.defenses),
        "attack": len(benchmark.attacks),
        "seed": len(benchmark.seeds),
    }
    trials = prod(counts.values()) * len(benchmark.knowledge)
    populations = prod(counts.values()) // counts["attack"] * (2 if benchmark.canaries else 1)
    return {
        **facts,
        "counts": counts,
        "trials": trials,
        "populations": populations,
        "trained_models": populations * benchmark.population,
    }


def print_benchmark(file: File, name: str, facts: dict[str, Any]) -> None:
    """Print what a benchmark trains, in a sentence, and its settings."""
    table = file.benchmarks[name]
    if facts["trials"] is None:
        echo(wrapped(f"It cannot be run as it is: {one_line(facts['reason'])}") + "\n")
    else:
        echo(wrapped(_sentence(table, facts), "") + "\n")
    for key in BenchmarkTable.model_fields:
        echo(_setting_text(key, facts[key]))
    echo(
        "\n" + wrapped(one_line(f"`privbench run {name} --dry-run` says what of it is stored."), "")
    )


def _sentence(table: BenchmarkTable, facts: dict[str, Any]) -> str:
    trials, models = facts["trials"], facts["trained_models"]
    counts = ", ".join(plural(number, noun) for noun, number in facts["counts"].items())
    return (
        f"It attacks {counts}, by {listed(table.knowledge)} adversaries: {plural(trials, 'trial')}. It"
        f" trains {plural(facts['populations'], 'population')} of {table.population} models,"
        f" {models:,} in all, or fewer where a defense changes outputs only."
    )


def _setting_text(key: str, value: Any) -> str:
    """Return ``key = value``; a list of tables that is too wide has a line for each table."""
    text = f"{key} = {json.dumps(value)}"
    if text_width(text) <= line_width() or not any(isinstance(item, dict) for item in value):
        return wrapped(text)
    items = [wrapped(f"    {json.dumps(item)},", "        ") for item in value]
    return "\n".join([f"{key} = [", *items, "]"])
