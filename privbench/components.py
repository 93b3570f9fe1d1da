"""Components: what plugins provide, as frozen pydantic models whose fields are their parameters.

    class Loss(Attack):
        '''Log-probability of the label.'''
        name = "loss"
        paper = "Yeom et al. 2018, arXiv 1709.01604"

        def score(self, view): ...

A class is looked up by kind and name in a :class:`Registry`; an :class:`Entry` remembers which
distribution it came from, and :meth:`Entry.build` checks the parameters that a user wrote.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from privbench.errors import BadInput, PrivbenchError
from privbench.messages import closest, explain

KINDS = ("dataset", "generator", "mechanism", "model", "attack", "executor")


class Component(BaseModel):
    """Base of everything that a plugin can register.

    A subclass sets ``name`` (how benchmarks.toml calls it) and, where there is one, ``paper``. Its
    fields are its parameters; each needs a description, bounds where they exist, and a default
    unless the user has to choose.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        allow_inf_nan=False,
        defer_build=True,  # until registration, where a mistake is one plugin's failure
    )

    kind: ClassVar[str]
    name: ClassVar[str]
    paper: ClassVar[str] = ""
    seedless: ClassVar[frozenset[str]] = frozenset()
    """Parameters on which no random draw depends: their values are compared on the same draws."""

    def params(self) -> dict[str, Any]:
        """All parameters, as JSON values."""
        return self.model_dump(mode="json")


@dataclass(frozen=True)
class Source:
    """Where a component came from: a distribution (or a single file) and its version.

    ``released`` is false for code that can change without a new version: editable installs, installs
    from a folder, single files. Its contents then enter the keys of stages.
    """

    distribution: str
    version: str = ""
    released: bool = True

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()


@dataclass(frozen=True)
class Entry:
    """A registered component class."""

    cls: type[Component]
    source: Source

    @property
    def kind(self) -> str:
        """Kind of the component, such as ``attack``."""
        return self.cls.kind

    @property
    def name(self) -> str:
        """The name under which benchmarks.toml knows it."""
        return self.cls.name

    def build(
        self, params: Mapping[str, Any], where: str, given: Mapping[str, str] | None = None
    ) -> Bound:
        """Check ``params`` and make the component. Raises BadInput naming ``where`` and the key.

        ``given`` says where else some of them come from, such as ``{"epochs": "--set mlp.epochs"}``.
        """
        try:
            # JSON mode is strict about types (no "8" for 8.0, no true for 1) yet takes arrays as tuples.
            component = self.cls.model_validate_json(json.dumps(dict(params)), strict=True)
        except ValidationError as error:
            raise BadInput(explain(error, self.cls, where, given)) from None
        except (TypeError, ValueError) as error:
            raise BadInput(f"{where}: {error}") from None
        except Exception as error:  # a third-party check that raises something else
            raise BadInput(f"{where}: {type(error).__name__}: {error}") from error
        return Bound(self, component)


@dataclass(frozen=True)
class Bound:
    """A component with its parameters, together with where its class came from."""

    entry: Entry
    component: Any  # an instance of entry.cls; the callers know which base they asked for

    @property
    def name(self) -> str:
        """Name of the component."""
        return self.entry.name

    def identity(self) -> dict[str, Any]:
        """What a stage's key says of this component: name, parameters, distribution and code."""
        source = self.entry.source
        return {
            "name": self.name,
            "params": self.component.params(),
            "distribution": source.distribution,
            "version": source.version,
            "code": "" if source.released else source_digest(self.entry.cls.__module__),
        }

    def seed_part(self) -> dict[str, Any]:
        """What random draws depend on: name and parameters, but no version or code."""
        params = self.component.params()
        drawn = {key: params[key] for key in params if key not in self.component.seedless}
        return {"name": self.name, "params": drawn}


@dataclass
class Registry:
    """All components of one kind, by name."""

    kind: str
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Register; a taken name is an error that names both distributions."""
        other = self.entries.get(entry.name)
        if other is not None:
            raise PrivbenchError(
                f"{self.kind} {entry.name!r} of {entry.source} is already registered by {other.source};"
                " rename one of them or uninstall one of the two"
            )
        self.entries[entry.name] = entry

    def get(self, name: str, where: str) -> Entry:
        """Look up by name. Raises BadInput with the closest name."""
        if name not in self.entries:
            raise BadInput(
                f"{where}: unknown {self.kind} {name!r}{closest(name, self.entries)}"
                " (a plugin of yours? give -p)"
            )
        return self.entries[name]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries[name] for name in sorted(self.entries))


def describe(cls: type[BaseModel]) -> list[dict[str, Any]]:
    """A component's parameters: name, type, bounds, default and description."""
    rows = []
    properties = cls.model_json_schema().get("properties", {})
    for name, info in cls.model_fields.items():
        schema = properties[name]
        rows.append(
            {
                "name": name,
                "type": _type_text(schema),
                "bounds": _bounds_text(schema),
                "required": info.is_required(),
                "default": schema.get("default"),
                "description": info.description or "",
            }
        )
    return rows


def _type_text(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " | ".join(_type_text(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type_text(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _bounds_text(schema: Mapping[str, Any]) -> str:
    names = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    names |= {"minItems": "items >=", "maxItems": "items <="}
    options = [schema, *schema.get("anyOf", []), schema.get("items", {})]
    found = [
        f"{sign} {option[key]:g}"
        for option in options
        for key, sign in names.items()
        if key in option
    ]
    return ", ".join(found)


def summary(cls: type[Component]) -> str:
    """First line of the class's docstring."""
    return (inspect.getdoc(cls) or "").partition("\n")[0]


def source_digest(module: str) -> str:
    """Sha256 over the Python files that a component's code can consist of."""
    places = source_places(module)
    return _digest_files(places) if places else ""


def source_places(module: str) -> tuple[str, ...]:
    """Where a component's code is: the folders of its root package, since a component may use any of
    their files; the file of a single module; nothing for what was typed into a session.
    """
    root = sys.modules[module.partition(".")[0]]
    folders = getattr(root, "__path__", None)
    if folders is not None:
        return tuple(folders)
    file = getattr(root, "__file__", None)
    return (str(file),) if file else ()


@cache
def _digest_files(places: tuple[str, ...]) -> str:
    result = hashlib.sha256()
    for place in map(Path, places):
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            result.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return result.hexdigest()
