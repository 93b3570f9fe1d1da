"""``privbench show``."""

from __future__ import annotations

import inspect
import json
from typing import Any

import click

from privbench.cli import complete
from privbench.cli.in_words import benchmark_facts, defense_facts, print_benchmark, print_defense
from privbench.cli.listing import PLURALS, defenses_of
from privbench.cli.options import config_option, json_option, plugin_option
from privbench.cli.output import echo, fitted, painted, print_json, wrapped, wrapped_document
from privbench.components import describe
from privbench.components.messages import closest, near
from privbench.config import find_file, read_file
from privbench.errors import BadInput
from privbench.escape import one_line
from privbench.plugins.host import PluginHost

KINDS = tuple(plural.removesuffix("s") for plural in PLURALS)
ARTICLES = {kind: f"an {kind}" if kind[0] in "aeio" else f"a {kind}" for kind in KINDS}


@click.command()
@click.argument(
    "words", nargs=-1, required=True, metavar="[KIND] NAME", shell_complete=complete.kinds_and_names
)
@config_option
@plugin_option
@json_option
@click.pass_obj
def show(host: PluginHost, words: tuple[str, ...], config: str | None, as_json: bool) -> None:
    """Describe a component, benchmark or defense.

    For a component, its paper and its parameters are shown, too; for a defense, what its components
    do and what it guarantees; for a benchmark, what it trains. KIND is benchmark, defense, attack,
    dataset, model, generator, mechanism or executor; without it, all
    that have the name are shown.
    """
    kinds, name = _kinds_and_name(host, words, config)
    if len(kinds) > 1:
        are = " and ".join(ARTICLES[kind] for kind in kinds)
        which = " or ".join(f"`privbench show {kind} {one_line(name)}`" for kind in kinds)
        if as_json:
            raise BadInput(f"privbench show: {name!r} is {are}; --json is about one: write {which}")
        echo(wrapped(f"{one_line(name)} is {are}. For one of them alone: {which}", ""), "\n")
    for kind in kinds:
        if kind != kinds[0]:
            echo()
        _show(host, kind, name, config, as_json)


def _show(host: PluginHost, kind: str, name: str, config: str | None, as_json: bool) -> None:
    if kind not in ("benchmark", "defense"):
        _show_component(host, kind, name, as_json)
        return
    file = read_file(find_file(config))
    known = file.benchmarks if kind == "benchmark" else defenses_of(file)
    if name not in known:
        raise BadInput(f"{file.path}: unknown {kind} {name!r}{closest(name, known)}")
    facts_of, print_facts = {
        "benchmark": (benchmark_facts, print_benchmark),
        "defense": (defense_facts, print_defense),
    }[kind]
    facts = facts_of(host, file, name)
    origin = file.origin("benchmarks" if kind == "benchmark" else "defenses", name)
    if as_json:
        print_json({"kind": kind, "name": name, "from": origin, **facts})
    else:
        _print_heading(kind, name, origin)
        print_facts(file, name, facts)


def _kinds_and_name(
    host: PluginHost, words: tuple[str, ...], config: str | None
) -> tuple[list[str], str]:
    """Return the kinds that have the name that is meant, and the name.

    Raises:
        BadInput: there is no such kind or name.
    """
    if len(words) > 2:
        raise BadInput(f"privbench show: {words[2]!r} is too much; write privbench show KIND NAME")
    if len(words) == 2:
        kind, name = words
        if kind not in KINDS:
            raise BadInput(f"privbench show: unknown kind {kind!r}{closest(kind, KINDS)}")
        return [kind], name
    (name,) = words
    names = _names_by_kind(host)
    kinds = [kind for kind, of_kind in names.items() if name in of_kind]
    try:
        file = read_file(find_file(config))
    except BadInput:
        if not kinds:
            raise
    else:
        names |= {"benchmark": set(file.benchmarks), "defense": set(defenses_of(file))}
        kinds = [kind for kind in KINDS if name in names[kind]]
    if kinds:
        return kinds, name
    if name in (*KINDS, *PLURALS):
        kind = name if name in KINDS else name.removesuffix("s")
        raise BadInput(
            f"privbench show: NAME is missing; `privbench list {kind}s` lists names, and"
            f" `privbench show {kind} NAME` describes one of them"
        )
    hint = near(name, {known for of_kind in names.values() for known in of_kind})
    raise BadInput(
        f"privbench show: unknown name {name!r}{hint} (allowed: what `privbench list` lists; a plugin"
        " of yours? give -p)"
    )


def _names_by_kind(host: PluginHost) -> dict[str, set[str]]:
    of_components = (kind for kind in KINDS if kind not in ("benchmark", "defense"))
    return {kind: {entry.name for entry in host.registry(kind)} for kind in of_components}


def _print_heading(kind: str, name: str, origin: str) -> None:
    head = one_line(f"{kind} {name}")
    text = fitted(f"{head} ({one_line(origin)})")
    if text.startswith(head):
        echo(painted(head, "heading"), text.removeprefix(head), "\n")
    else:  # the name itself is too wide for a line
        echo(text, "\n")


def _show_component(host: PluginHost, kind: str, name: str, as_json: bool) -> None:
    entry = host.registry(kind).get(name, "privbench show")
    facts = {
        "kind": kind,
        "name": name,
        "description": inspect.getdoc(entry.cls) or "",
        "paper": entry.cls.paper,
        "from": str(entry.distribution),
        "parameters": describe(entry.cls),
    }
    if as_json:
        print_json(facts)
    else:
        _print_component(facts)


def _print_component(facts: dict[str, Any]) -> None:
    _print_heading(facts["kind"], facts["name"], facts["from"])
    echo(f"{wrapped_document(facts['description'])}\n")
    if facts["paper"]:
        echo(wrapped(f"Paper: {facts['paper']}") + "\n")
    echo(painted("Parameters:", "heading") if facts["parameters"] else "It has no parameters.")
    for row in facts["parameters"]:
        default = "required" if row["required"] else f"default {json.dumps(row['default'])}"
        constraints = "; ".join(part for part in (row["type"], row["bounds"], default) if part)
        name = one_line(row["name"])
        text = wrapped(f"  {name}: {constraints}", "      ")
        echo("  ", painted(name, "name"), text[2 + len(name) :])
        echo(wrapped(f"      {row['description']}", "      "))
