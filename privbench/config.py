"""benchmarks.toml -> Benchmark: what to run, with every component found, checked and swept.

The file has two kinds of tables, ``[defenses.NAME]`` (a pipeline) and ``[benchmarks.NAME]`` (a
matrix of datasets, models, defenses and attacks). docs/benchmarks.md is the reference.
"""

from __future__ import annotations

import itertools
import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from privbench.components import Bound, Component, Entry, closest, explain
from privbench.errors import BadInput
from privbench.plugins import PluginHost

Knowledge = Literal["adaptive", "naive"]
Named = str | dict[str, Any]  # a component: its name, or a table with its name and parameters


class DefenseTable(BaseModel):
    """``[defenses.NAME]``: at most one generator, then mechanisms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    generator: Named | None = None
    mechanisms: tuple[Named, ...] = ()


class BenchmarkTable(BaseModel):
    """``[benchmarks.NAME]``."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )

    datasets: tuple[Named, ...] = Field(min_length=1)
    models: tuple[Named, ...] = Field(min_length=1)
    defenses: tuple[Named, ...] = Field(min_length=1)
    attacks: tuple[Named, ...] = Field(min_length=1)
    knowledge: tuple[Knowledge, ...] = Field(("adaptive", "naive"), min_length=1)
    population: int = Field(16, ge=2, description="models per population")
    pool: int | None = Field(None, ge=4, description="records; default 60% of the data set")
    canaries: float = Field(0.05, ge=0, le=0.5, description="share of the pool; 0 trains none")
    seeds: tuple[int, ...] = Field((0,), min_length=1)


@dataclass(frozen=True)
class File:
    """The whole of benchmarks.toml."""

    path: Path
    defenses: dict[str, DefenseTable]
    benchmarks: dict[str, BenchmarkTable]


@dataclass(frozen=True)
class Choice:
    """A dataset, model or attack of a benchmark. ``bound`` is None if a plugin is missing."""

    label: str
    bound: Bound | None
    unavailable: str = ""


@dataclass(frozen=True)
class Defense:
    """A pipeline: at most one generator, then mechanisms in the order of their steps."""

    label: str
    generator: Bound | None = None
    mechanisms: tuple[Bound, ...] = ()
    unavailable: str = ""

    def at(self, step: str) -> tuple[Bound, ...]:
        """The mechanisms that act at ``data``, ``latent``, ``training`` or ``output``."""
        return tuple(bound for bound in self.mechanisms if bound.component.step == step)


NONE = Defense("none")


@dataclass(frozen=True)
class Benchmark:
    """A resolved benchmark: every combination of its parts is a trial."""

    name: str
    datasets: tuple[Choice, ...]
    models: tuple[Choice, ...]
    defenses: tuple[Defense, ...]
    attacks: tuple[Choice, ...]
    knowledge: tuple[Knowledge, ...]
    population: int
    pool: int | None
    canaries: float
    seeds: tuple[int, ...]


@dataclass
class Overrides:
    """``--set KEY=VALUE``: KEY is a key of the benchmark, or NAME.PARAMETER of a component."""

    values: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Overrides:
        """Parse command line texts; a value is TOML, or else a string."""
        values = {}
        for text in texts:
            key, equals, value = text.partition("=")
            if not equals or not key.strip():
                raise BadInput(f"--set {text}: write KEY=VALUE, for example --set mlp.epochs=5")
            values[key.strip()] = _toml_value(value.strip())
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

    def of(self, name: str, accepts: Callable[[str], bool]) -> dict[str, Any]:
        """The overrides of parameters of the component or defense ``name``."""
        found = {}
        for key, value in self.values.items():
            if key.startswith(f"{name}.") and accepts(key.removeprefix(f"{name}.")):
                found[key.removeprefix(f"{name}.")] = value
                self.used.add(key)
        return found

    def texts(self) -> list[str]:
        """What is overridden, in words: ``population=8``."""
        return [f"{key}={_value_text(value)}" for key, value in self.values.items()]

    def check(self) -> None:
        """Raise BadInput for an override that met nothing it could override."""
        for key in sorted(set(self.values) - self.used):
            raise BadInput(
                f"--set {key}: no dataset, model, defense, attack or pipeline component of the selected"
                " benchmarks has this name and parameter"
            )


def find_file(path: str | Path | None = None) -> Path:
    """``path``, or benchmarks.toml of the current folder, or the one that ships with privbench."""
    if path is not None:
        if not Path(path).is_file():
            raise BadInput(f"-c {path}: there is no such file")
        return Path(path)
    package = Path(__file__).parent
    for candidate in (Path("benchmarks.toml"), package / "benchmarks.toml"):
        if candidate.is_file():
            return candidate
    return package.parent / "benchmarks.toml"  # an editable install


def read_file(path: Path) -> File:
    """Read and check benchmarks.toml, without looking up components."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}") from None
    for key, value in content.items():
        if key not in ("defenses", "benchmarks"):
            raise BadInput(f"{path}: {key}: unknown key{closest(key, ['defenses', 'benchmarks'])}")
        if not isinstance(value, dict):
            raise BadInput(f"{path}: {key}: {value!r} is no table; write [{key}.NAME]")
    return File(
        path,
        _tables(DefenseTable, content.get("defenses", {}), f"{path}: defenses"),
        _tables(BenchmarkTable, content.get("benchmarks", {}), f"{path}: benchmarks"),
    )


def resolve(
    file: File, name: str, host: PluginHost, overrides: Overrides | None = None
) -> Benchmark:
    """Look up and check all components of a benchmark. Raises BadInput naming file and key."""
    if name not in file.benchmarks:
        raise BadInput(f"{file.path}: unknown benchmark {name!r}{closest(name, file.benchmarks)}")
    overrides = overrides or Overrides()
    content = file.benchmarks[name].model_dump(mode="json") | overrides.of_benchmark()
    where = f"{file.path}: benchmarks.{name}"
    table = _validate(BenchmarkTable, content, where)
    resolver = _Resolver(file, host, overrides, where)
    return Benchmark(
        name=name,
        datasets=resolver.choices("dataset", table.datasets),
        models=resolver.choices("model", table.models),
        defenses=resolver.defenses(table.defenses),
        attacks=resolver.choices("attack", table.attacks),
        knowledge=_unique(table.knowledge),
        population=table.population,
        pool=table.pool,
        canaries=table.canaries,
        seeds=_unique(table.seeds),
    )


def resolve_defense(file: File, name: str, host: PluginHost) -> tuple[Defense, ...]:
    """A defense by name, one for each value of its sweeps."""
    return _Resolver(file, host, Overrides(), str(file.path)).defenses([name])


@dataclass
class _Resolver:
    file: File
    host: PluginHost
    overrides: Overrides
    where: str

    def choices(self, kind: str, specs: Sequence[Named]) -> tuple[Choice, ...]:
        found: list[tuple[str, dict[str, Any], Choice]] = []
        for index, spec in enumerate(specs):
            where = f"{self.where}.{kind}s[{index}]"
            name, params = _parts(spec, where)
            entry = self._entry(kind, name, where)
            if isinstance(entry, str):
                found.append((name, params, Choice(name, None, unavailable=entry)))
                continue
            params |= self.overrides.of(name, entry.cls.model_fields.__contains__)
            for values, swept in sweep(entry.cls, params, where):
                choice = Choice(label(name, swept), entry.build(values, where))
                found.append((choice.label, values, choice))
        return _distinct(found, self.where + f".{kind}s")

    def defenses(self, specs: Sequence[Named]) -> tuple[Defense, ...]:
        found: list[tuple[str, dict[str, Any], Defense]] = []
        for index, spec in enumerate(specs):
            where = f"{self.where}.defenses[{index}]"
            name, params = _parts(spec, where)
            params |= self.overrides.of(name, lambda key: True)
            found += [
                (defense.label, params, defense) for defense in self._defense(name, params, where)
            ]
        return _distinct(found, self.where + ".defenses")

    def _defense(self, name: str, params: dict[str, Any], where: str) -> Iterable[Defense]:
        if name == "none" and name not in self.file.defenses:
            if params:
                raise BadInput(f"{where}: 'none' has no parameters, got {', '.join(params)}")
            return [NONE]
        if name not in self.file.defenses:
            hint = closest(name, [*self.file.defenses, "none"])
            raise BadInput(f"{where}: unknown defense {name!r}{hint}; define [defenses.{name}]")
        parts = self._pipeline(name)
        if isinstance(parts, str):
            return [Defense(name, unavailable=parts)]
        _route(parts, params, where)
        for part in parts:
            part.params |= self.overrides.of(
                part.entry.name, part.entry.cls.model_fields.__contains__
            )
        return [
            _assemble(name, parts, chosen, where)
            for chosen in itertools.product(
                *(sweep(part.entry.cls, part.params, part.where) for part in parts)
            )
        ]

    def _pipeline(self, name: str) -> list[_Part] | str:
        """The components of [defenses.name], or why one of them is unavailable."""
        table = self.file.defenses[name]
        base = f"{self.file.path}: defenses.{name}"
        named = (
            [] if table.generator is None else [("generator", table.generator, f"{base}.generator")]
        )
        for index, spec in enumerate(table.mechanisms):
            named.append(("mechanism", spec, f"{base}.mechanisms[{index}]"))
        parts = []
        for kind, spec, where in named:
            component, params = _parts(spec, where)
            entry = self._entry(kind, component, where)
            if isinstance(entry, str):
                return entry
            parts.append(_Part(entry, params, where))
        return parts

    def _entry(self, kind: str, name: str, where: str) -> Entry | str:
        """The entry, or why it is unavailable: a plugin that failed may be the one that has it."""
        registry = self.host.registry(kind)
        if name not in registry.entries and self.host.failures:
            broken = ", ".join(sorted({failure.plugin for failure in self.host.failures}))
            return f"{kind} {name!r} is not there, and a plugin failed to load: {broken}"
        return registry.get(name, where)


@dataclass
class _Part:
    entry: Entry
    params: dict[str, Any]
    where: str


def _route(parts: Sequence[_Part], params: Mapping[str, Any], where: str) -> None:
    """Give each parameter beside a defense's name to the one component that has it."""
    for key, value in params.items():
        owner, dot, parameter = key.rpartition(".")
        owners = [
            part
            for part in parts
            if parameter in part.entry.cls.model_fields and (not dot or part.entry.name == owner)
        ]
        if not owners:
            names = [f for part in parts for f in part.entry.cls.model_fields]
            raise BadInput(f"{where}.{key}: unknown key{closest(parameter, names)}")
        if len(owners) > 1:
            options = " or ".join(f'"{part.entry.name}.{parameter}"' for part in owners)
            raise BadInput(f"{where}.{key}: several components have {parameter!r}; write {options}")
        owners[0].params[parameter] = value


def _assemble(
    name: str,
    parts: Sequence[_Part],
    chosen: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    where: str,
) -> Defense:
    """Build one defense from the values that a sweep chose for each component."""
    pairs = zip(parts, chosen, strict=True)
    bounds = [part.entry.build(values, part.where) for part, (values, _) in pairs]
    counts = Counter(key for _, swept in chosen for key in swept)
    shown = {
        key if counts[key] == 1 else f"{part.entry.name}.{key}": value
        for part, (_, swept) in zip(parts, chosen, strict=True)
        for key, value in swept.items()
    }
    generators = [bound for bound in bounds if bound.entry.kind == "generator"]
    mechanisms = [bound for bound in bounds if bound.entry.kind == "mechanism"]
    _check_pipeline(name, bool(generators), mechanisms, where)
    return Defense(label(name, shown), generators[0] if generators else None, tuple(mechanisms))


def _check_pipeline(
    name: str, has_generator: bool, mechanisms: Sequence[Bound], where: str
) -> None:
    from privbench.mechanisms.base import STEPS

    steps = [bound.component.step for bound in mechanisms]
    if steps != sorted(steps, key=STEPS.index):
        order = ", ".join(f"{bound.name} ({bound.component.step})" for bound in mechanisms)
        raise BadInput(
            f"{where}: defense {name!r}: mechanisms go in the order {STEPS}, got {order}"
        )
    if "latent" in steps and not has_generator:
        latent = mechanisms[steps.index("latent")].name
        raise BadInput(f"{where}: defense {name!r}: {latent} acts on codes and needs a generator")
    if steps.count("training") > 1:
        names = [bound.name for bound in mechanisms if bound.component.step == "training"]
        raise BadInput(f"{where}: defense {name!r}: only one training mechanism, got {names}")


def sweep(
    cls: type[Component], params: Mapping[str, Any], where: str
) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """Every combination of swept values: (all parameters, the swept ones).

    A list is a sweep where the parameter is a scalar; where the parameter itself is a list, a list of
    lists is one.
    """
    axes: dict[str, list[Any]] = {}
    properties = cls.model_json_schema()["properties"] if params else {}
    for key, value in params.items():
        takes_list = _takes_list(properties.get(key, {}))
        if isinstance(value, list) and (not takes_list or any(isinstance(v, list) for v in value)):
            if not value:
                raise BadInput(f"{where}.{key}: [] is an empty sweep; give at least one value")
            axes[key] = value
    for values in itertools.product(*axes.values()):
        swept = dict(zip(axes, values, strict=True))
        yield {**params, **swept}, swept


def _takes_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array" or any(map(_takes_list, schema.get("anyOf", [])))


def label(name: str, params: Mapping[str, Any]) -> str:
    """``vae-metric[epsilon=8]``; the bare name without parameters."""
    inside = ",".join(f"{key}={_value_text(value)}" for key, value in params.items())
    return f"{name}[{inside}]" if inside else name


def _value_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


T = TypeVar("T", Choice, Defense)
Scalar = TypeVar("Scalar")


def _distinct(found: Sequence[tuple[str, dict[str, Any], T]], where: str) -> tuple[T, ...]:
    """Make labels unique: where two are the same, all given parameters are shown."""
    counts = Counter(text for text, _, _ in found)
    result = []
    for text, params, item in found:
        if counts[text] > 1:
            item = replace(item, label=label(text.partition("[")[0], params))
        result.append(item)
    for text, count in Counter(item.label for item in result).items():
        if count > 1:
            raise BadInput(f"{where}: {text!r} is named {count} times with the same parameters")
    return tuple(result)


def _unique(values: Sequence[Scalar]) -> tuple[Scalar, ...]:
    return tuple(dict.fromkeys(values))


def _parts(spec: Named, where: str) -> tuple[str, dict[str, Any]]:
    if isinstance(spec, str):
        return spec, {}
    params = dict(spec)
    name = params.pop("name", None)
    if not isinstance(name, str):
        raise BadInput(f'{where}.name: {name!r} is no name; write {{ name = "...", ... }}')
    return name, params


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


M = TypeVar("M", bound=BaseModel)


def _tables(model: type[M], content: Mapping[str, object], where: str) -> dict[str, M]:
    return {name: _validate(model, table, f"{where}.{name}") for name, table in content.items()}


def _validate(model: type[M], content: object, where: str) -> M:
    if not isinstance(content, dict):
        raise BadInput(f"{where}: {content!r} is no table")
    try:
        return model.model_validate_json(json.dumps(content, default=str), strict=True)
    except ValidationError as error:
        raise BadInput(explain(error, model, where)) from None
