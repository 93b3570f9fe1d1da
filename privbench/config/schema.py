"""The JSON schema of benchmarks.toml, from which editors complete keys and names.

It is generated from the tables of the file (`BenchmarkTable`, `DefenseTable`) and from the parameters of
all registered components, and written in draft 7, which the language servers for TOML read. It accepts
what `read_file` and `resolve` accept; what only they can know, such as whether the mechanisms of a
defense fit together, it does not refuse.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from privbench.components import Component, Registry, summary
from privbench.config.file import (
    BenchmarkTable,
    CanaryTable,
    DefenseTable,
    read_tables,
    shipped_file,
)
from privbench.config.sweeps import takes_list

FILE = "benchmarks.schema.json"
DIRECTIVE = f"#:schema ./{FILE}"
"""The first line of a benchmarks.toml, which names the schema for editors."""

KINDS = ("dataset", "model", "attack", "generator", "mechanism")
"""The kinds of components that the file names."""

Schema = dict[str, Any]


def schema_for(registries: Mapping[str, Registry]) -> Schema:
    """Return the JSON schema of benchmarks.toml, given the components by kind that it may name."""
    definitions: Schema = {}
    for kind in KINDS:
        for entry in registries[kind]:
            definitions[_key(kind, entry.name)] = _component(entry.cls, definitions)
        definitions[kind] = _named(kind, registries[kind])
    definitions["defense"] = _defense_named(registries)
    definitions["defenses.NAME"] = _defense_table(definitions)
    definitions["benchmarks.NAME"] = _benchmark_table(definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "benchmarks.toml of privbench",
        "description": "Defenses, and benchmarks that compare them. Written by `privbench schema`;"
        " docs/benchmarks.md is the reference.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "defenses": {
                "description": "Defenses by name, each a pipeline of a generator and mechanisms.",
                "type": "object",
                "properties": {"none": False},
                "additionalProperties": {"$ref": _ref("defenses.NAME")},
            },
            "benchmarks": {
                "description": "Benchmarks by name.",
                "type": "object",
                "additionalProperties": {"$ref": _ref("benchmarks.NAME")},
            },
        },
        "definitions": definitions,
    }


def schema_text(schema: Schema) -> str:
    """Return a schema as the file has it."""
    return json.dumps(schema, indent=1) + "\n"


def _key(kind: str, name: str) -> str:
    return f"{kind}.{name}"


def _ref(key: str, *below: str) -> str:
    """Return a reference to a definition: a JSON pointer in a URI fragment (RFC 6901)."""
    parts = (part.replace("~", "~0").replace("/", "~1") for part in (key, *below))
    return "/".join(["#/definitions", *map(quote, parts)])


def _component(cls: type[Component], definitions: Schema) -> Schema:
    """Return the table of a component: its name, and its parameters, each a value or a sweep."""
    schema = _model(cls, _key(cls.kind, cls.name), definitions)
    name = {"const": cls.name, "description": summary(cls)}
    parameters = {key: _with_sweeps(value) for key, value in schema["properties"].items()}
    table: Schema = {
        "title": _key(cls.kind, cls.name),
        "description": "\n\n".join(filter(None, [summary(cls), cls.paper])),
        "type": "object",
        "additionalProperties": False,
        "properties": {"name": name, **parameters},
        "required": ["name"],
    }
    # A parameter of a mechanism or generator may be given where a benchmark names the defense instead.
    if cls.kind not in ("mechanism", "generator"):
        table["required"] += schema.get("required", [])
    return table


def _model(cls: type[BaseModel], title: str, definitions: Schema) -> Schema:
    """Return the schema of a pydantic model; what it refers to goes to the definitions.

    TOML has no null: options and defaults that are null are left out.
    """
    schema = cls.model_json_schema(ref_template=f"#/definitions/{quote(title)}.{{model}}")
    definitions.update({f"{title}.{k}": v for k, v in schema.pop("$defs", {}).items()})
    properties = schema.setdefault("properties", {})
    for key, value in properties.items():
        options = [option for option in value.get("anyOf", []) if option != {"type": "null"}]
        kept = {k: v for k, v in value.items() if k != "title" and (k, v) != ("default", None)}
        if len(options) == 1:
            kept = {k: v for k, v in kept.items() if k != "anyOf"} | options[0]
        elif options:
            kept["anyOf"] = options
        properties[key] = kept
    return schema | {"title": title}


def _with_sweeps(schema: Schema) -> Schema:
    """Return the schema of a parameter that may also be a list of its values."""
    kept = {key: schema[key] for key in ("description", "default") if key in schema}
    value = {key: part for key, part in schema.items() if key not in kept}
    item = value
    if takes_list(value):  # then a sweep is a list of lists
        options = [option for option in value.get("anyOf", [value]) if takes_list(option)]
        item = options[0] if len(options) == 1 else {"anyOf": options}
    return kept | {"anyOf": [value, {"type": "array", "items": item, "minItems": 1}]}


def _named(kind: str, registry: Registry) -> Schema:
    """Return what names a component of a kind: its name, or a table with its name and parameters."""
    entries = list(registry)
    names: Schema = {
        "type": "string",
        "enum": [entry.name for entry in entries],
        "x-taplo": {"docs": {"enumValues": [summary(entry.cls) for entry in entries]}},
    }
    tables = [{"$ref": _ref(_key(kind, entry.name))} for entry in entries]
    return {"anyOf": [names, *tables]}


def _defense_named(registries: Mapping[str, Registry]) -> Schema:
    """Return what names a defense: its name, or a table with parameters of its components as well."""
    names = ["none", *read_tables(shipped_file()).defenses]
    name: Schema = {
        "description": "Name of a defense, of this file or of those that ship with privbench.",
        "anyOf": [{"type": "string", "enum": names}, {"type": "string"}],
    }
    table: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"name": name, **_defense_parameters(registries)},
        "required": ["name"],
    }
    return {"anyOf": [name, table]}


def _defense_parameters(registries: Mapping[str, Registry]) -> Schema:
    """Return what may stand beside the name of a defense: PARAMETER, or COMPONENT.PARAMETER."""
    owners: dict[str, list[Schema]] = {}
    for kind in ("generator", "mechanism"):
        for entry in registries[kind]:
            for parameter in entry.cls.model_fields:
                reference = {"$ref": _ref(_key(kind, entry.name), "properties", parameter)}
                owners.setdefault(parameter, []).append(reference)
                owners[f"{entry.name}.{parameter}"] = [reference]
    return {
        key: options[0] if len(options) == 1 else {"anyOf": options}
        for key, options in sorted(owners.items())
    }


def _defense_table(definitions: Schema) -> Schema:
    """Return ``[defenses.NAME]``."""
    table = _model(DefenseTable, "defenses.NAME", definitions)
    table["properties"]["generator"]["anyOf"] = [{"$ref": _ref("generator")}]
    table["properties"]["mechanisms"]["items"] = {"$ref": _ref("mechanism")}
    return table


def _benchmark_table(definitions: Schema) -> Schema:
    """Return ``[benchmarks.NAME]``."""
    table = _model(BenchmarkTable, "benchmarks.NAME", definitions)
    for kind in ("dataset", "model", "attack", "defense"):
        table["properties"][f"{kind}s"]["items"] = {"$ref": _ref(kind)}
    canaries = table["properties"]["canaries"]
    share = CanaryTable.model_json_schema()["properties"]["share"]
    canaries["anyOf"] = [share, {"$ref": canaries.pop("$ref")}]
    return table
