"""Overrides of a benchmark and of parameters for one run: ``--set KEY=VALUE``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from privbench.bounds import MAX_KEY
from privbench.components.messages import closest
from privbench.config.file import BenchmarkTable
from privbench.config.sweeps import value_text
from privbench.config.toml import NotToml, parse_toml
from privbench.errors import BadInput


@dataclass
class Overrides:
    """Values by KEY, which is a key of the benchmark, or NAME.PARAMETER of a component or defense."""

    values: dict[str, Any] = field(default_factory=dict)
    applied: set[str] = field(default_factory=set)
    """The keys that were looked up by what they override."""
    known: dict[str, set[str]] = field(default_factory=dict)
    """The parameters of each component and defense that looked up its overrides."""

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Overrides:
        """Parse texts from the command line. A value that is not TOML is a string.

        Raises:
            BadInput: a text is not KEY=VALUE, or its list or table is not TOML.
        """
        values = {}
        for text in texts:
            key, equals, value = text.partition("=")
            if not equals or not key.strip():
                raise BadInput(
                    f"--set {text:.300}: write KEY=VALUE, for example --set mlp.epochs=5"
                )
            if len(key) > MAX_KEY:
                raise BadInput(f"--set {key[:80]}...: {len(key)} characters (allowed: {MAX_KEY})")
            values[key.strip()] = toml_value(value.strip(), f"--set {key.strip()}")
        return cls(values)

    def of_benchmark(self) -> dict[str, Any]:
        """Return the overrides of keys of the benchmark.

        Raises:
            BadInput: a benchmark has no such key.
        """
        overrides = {key: value for key, value in self.values.items() if "." not in key}
        for key in overrides:
            if key not in BenchmarkTable.model_fields:
                raise BadInput(
                    f"--set {key}: unknown key{closest(key, BenchmarkTable.model_fields)}"
                )
        self.applied |= set(overrides)
        return overrides

    def of(self, name: str, parameters: Collection[str] | None) -> dict[str, Any]:
        """Return the overrides of the component or defense ``name`` by parameter.

        Args:
            name: its name.
            parameters: the parameters that it has; None if they are unknown, which accepts all.
        """
        self.known.setdefault(name, set()).update(parameters or ())
        overrides = {}
        for key, value in self.values.items():
            parameter = key.removeprefix(f"{name}.")
            if parameter != key and (parameters is None or parameter in parameters):
                overrides[parameter] = value
                self.applied.add(key)
        return overrides

    def texts(self) -> list[str]:
        """Return the overrides as texts, such as ``population=8``."""
        return [f"{key}={value_text(value)}" for key, value in self.values.items()]

    def check(self, addable: Mapping[str, Collection[str]] | None = None) -> None:
        """Check that every override was applied.

        Args:
            addable: what a benchmark may list, by the key under which it does; for the message.

        Raises:
            BadInput: no selected benchmark has what a key overrides.
        """
        for key in sorted(set(self.values) - self.applied):
            name = key.rpartition(".")[0]
            lists = [one for one, names in (addable or {}).items() if name in names]
            hint = f"; to add it, --set '{lists[0]}=[..., \"{name}\"]'" if lists else ""
            raise BadInput(f"--set {key}: {self._mistake(key)}{'' if name in self.known else hint}")

    def _mistake(self, key: str) -> str:
        for name, parameters in self.known.items():
            if key.startswith(f"{name}."):
                parameter = key.removeprefix(f"{name}.")
                return f"{name} has no parameter {parameter!r}{closest(parameter, parameters)}"
        name, _, _ = key.rpartition(".")
        return (
            "no dataset, model, defense, attack or pipeline component of the selected benchmarks is"
            f" called {name!r}{closest(name, self.known)}"
        )


def toml_value(text: str, where: str) -> Any:
    """Return the value of a text from the command line; one that is not TOML is a string.

    Raises:
        BadInput: a list or table is not TOML.
    """
    try:
        return parse_toml(f"value = {text}", where)["value"]
    except NotToml:
        if text.startswith(("[", "{")):
            raise BadInput(
                f'{where}: {text:.300} is not TOML; strings need quotes: ["lira"]'
            ) from None
        return text
