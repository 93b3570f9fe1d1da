"""Look up registered component classes by kind and name, and build components from parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from privbench.components.base import Component
from privbench.components.contained import contained
from privbench.components.distribution import Distribution, code_version, source_digest
from privbench.components.messages import closest, error_text, explain
from privbench.errors import BadInput, PrivbenchError
from privbench.seeds import canonical_json, digest


@dataclass(frozen=True)
class Entry:
    """A registered component class."""

    cls: type[Component]
    distribution: Distribution

    @property
    def kind(self) -> str:
        """The kind of the component, such as ``attack``."""
        return self.cls.kind

    @property
    def name(self) -> str:
        """The name under which benchmarks.toml knows it."""
        return self.cls.name

    @property
    def third_party(self) -> bool:
        """Whether its code is not privbench's own."""
        return self.cls.__module__.partition(".")[0] != "privbench"

    def build(
        self, params: Mapping[str, Any], where: str, given: Mapping[str, str] | None = None
    ) -> Bound:
        """Check parameters and build the component.

        Args:
            params: values by parameter.
            where: the key of benchmarks.toml or the option that they come from, for messages.
            given: where some of them come from instead, such as ``{"epochs": "--set mlp.epochs"}``.

        Raises:
            BadInput: a parameter is wrong. The message names ``where`` and the key.
        """
        try:
            # JSON mode is strict about types (no "8" for 8.0, no true for 1) yet takes arrays as tuples.
            text = json.dumps(dict(params))
            with contained() if self.third_party else nullcontext():
                component = self.cls.model_validate_json(text, strict=True)
                digest(component.params())  # its values must be JSON: keys and draws depend on them
                _code_used(component)
        except ValidationError as error:
            raise BadInput(explain(error, self.cls, where, given)) from None
        except (TypeError, ValueError) as error:
            raise BadInput(f"{where}: {error}") from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a third-party check that raises something else
            raise BadInput(f"{where}: {error_text(error)}") from error
        return Bound(self, component)


@dataclass(frozen=True)
class Bound:
    """A component with its parameters, and the registered class that it was built from."""

    entry: Entry
    component: Any  # an instance of entry.cls; callers know of which kind

    @property
    def name(self) -> str:
        """The name of the component."""
        return self.entry.name

    def identity(self) -> dict[str, Any]:
        """Return what enters a stage's key: name, parameters, distribution, version and code."""
        distribution = self.entry.distribution
        used = _code_used(self.component)
        return {
            "name": self.name,
            "params": self.component.params(),
            "distribution": distribution.name,
            "version": distribution.version,
            "code": "" if distribution.released else source_digest(self.entry.cls.__module__),
            **({"uses": used} if used else {}),
        }

    @cached_property
    def identity_json(self) -> str:
        """The canonical JSON of `identity`."""
        return canonical_json(self.identity())

    def seed_part(self) -> dict[str, Any]:
        """Return what seeds random draws: name and parameters, but no version or code."""
        params = self.component.params()
        drawn = {key: params[key] for key in params if key not in self.component.seedless}
        return {"name": self.name, "params": drawn}


def _code_used(component: Component) -> dict[str, str]:
    """Return the versions of the other code that a component's results depend on, by its name.

    Raises:
        TypeError: it does not return names.
        ModuleNotFoundError: there is no such code.
    """
    names = component.code_used()
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"code_used returned {names!r:.80}, expected a tuple of texts")
    return {name: code_version(name) for name in names}


@dataclass
class Registry:
    """All components of one kind, by name."""

    kind: str
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Register a class. Raises PrivbenchError naming both distributions if the name is taken."""
        registered = self.entries.get(entry.name)
        if registered is not None:
            raise PrivbenchError(
                f"{self.kind} {entry.name!r} of {entry.distribution} is already registered by"
                f" {registered.distribution};"
                " rename one of them or uninstall one of the two"
            )
        self.entries[entry.name] = entry

    def get(self, name: str, where: str) -> Entry:
        """Return the entry of this name. Raises BadInput with the closest name if there is none."""
        if name not in self.entries:
            raise BadInput(
                f"{where}: unknown {self.kind} {name!r}{closest(name, self.entries)}"
                " (a plugin of yours? give -p)"
            )
        return self.entries[name]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries[name] for name in sorted(self.entries))
