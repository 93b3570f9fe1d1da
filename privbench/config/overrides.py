"""``--set KEY=VALUE``: what changes for one run."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from privbench.components.messages import closest
from privbench.config.file import BenchmarkTable
from privbench.config.sweeps import value_text
from privbench.errors import BadInput


@dataclass
class Overrides:
    """``--set KEY=VALUE``: KEY is a key of the benchmark, or NAME.PARAMETER of a component."""

    values: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    known: dict[str, set[str]] = field(default_factory=dict)
    """The parameters of each component and defense that was asked about."""

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Overrides:
        """Parse command line texts; a value is TOML, or else a string."""
        values = {}
        for text in texts:
            key, equals, value = text.partition("=")
            if not equals or not key.strip():
                raise BadInput(f"--set {text}: write KEY=VALUE, for example --set mlp.epochs=5")
            values[key.strip()] = _toml_value(value.strip(), f"--set {key.strip()}")
        return cls(values)

    def of_benchmark(self) -> dict[str, Any]:
        """The overrides of the benchmark's own keys."""
        found = {key: value for key, value in self.values.items() if "." not in key}
        for key in found:
            if key not in BenchmarkTable.model_fields:
                raise BadInput(
                    f"--set {key}: unknown key{closest(key, BenchmarkTable.model_fields)}"
                )
        self.used |= set(found)
        return found

    def of(self, name: str, parameters: Collection[str] | None) -> dict[str, Any]:
        """The overrides of ``parameters`` (None: of any) of the component or defense ``name``."""
        self.known.setdefault(name, set()).update(parameters or ())
        found = {}
        for key, value in self.values.items():
            parameter = key.removeprefix(f"{name}.")
            if parameter != key and (parameters is None or parameter in parameters):
                found[parameter] = value
                self.used.add(key)
        return found

    def texts(self) -> list[str]:
        """What is overridden, in words: ``population=8``."""
        return [f"{key}={value_text(value)}" for key, value in self.values.items()]

    def check(self) -> None:
        """Raise BadInput for an override that met nothing it could override."""
        for key in sorted(set(self.values) - self.used):
            raise BadInput(f"--set {key}: {self._mistake(key)}")

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


def _toml_value(text: str, where: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        if text.startswith(("[", "{")):
            raise BadInput(f'{where}: {text} is no TOML; words need quotes: ["lira"]') from None
        return text
