"""Registered component classes, found by kind and name, and components with checked parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from privbench.components.base import Component
from privbench.components.distribution import Distribution, source_digest
from privbench.components.messages import closest, explain
from privbench.errors import BadInput, PrivbenchError


@dataclass(frozen=True)
class Entry:
    """A registered component class."""

    cls: type[Component]
    distribution: Distribution

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
        distribution = self.entry.distribution
        return {
            "name": self.name,
            "params": self.component.params(),
            "distribution": distribution.name,
            "version": distribution.version,
            "code": "" if distribution.released else source_digest(self.entry.cls.__module__),
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
                f"{self.kind} {entry.name!r} of {entry.distribution} is already registered by"
                f" {other.distribution};"
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
