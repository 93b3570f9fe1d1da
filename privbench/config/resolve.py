"""Resolve the tables of benchmarks.toml: look up components, check parameters, expand sweeps."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from privbench.canaries import CANARY_KINDS
from privbench.components import Entry, Registry
from privbench.components.messages import closest, near
from privbench.config.benchmark import NONE, Benchmark, Defense, Unavailable, Variant
from privbench.config.file import BenchmarkTable, File, Named, Tables, validate
from privbench.config.overrides import Overrides
from privbench.config.paths import located
from privbench.config.pipeline import (
    PipelinePart,
    defenses_of,
    parameters_of,
    route_parameters,
    set_by,
)
from privbench.config.sweeps import label, sweep
from privbench.errors import BadInput

Labelled = TypeVar("Labelled", Variant | Unavailable, Defense | Unavailable)
Scalar = TypeVar("Scalar")

log = logging.getLogger(__name__)


def resolve(
    file: File,
    name: str,
    registries: Mapping[str, Registry],
    overrides: Overrides | None = None,
    broken_plugins: Collection[str] = (),
) -> Benchmark:
    """Look up and check all components of a benchmark.

    A key of the benchmark takes its value from the first of these that gives one:
        1. ``--set KEY``;
        2. the benchmark;
        3. its default.

    A parameter of a dataset, model or attack:
        1. ``--set NAME.PARAMETER``;
        2. the benchmark, beside the name;
        3. its default.

    A parameter of a component of a defense:
        1. ``--set COMPONENT.PARAMETER``;
        2. ``--set DEFENSE.PARAMETER``;
        3. the benchmark, beside the name of the defense;
        4. ``[defenses.NAME]``, beside the name of the component;
        5. its default.

    A component that is not registered is an error if its name is close to a registered one, or if
    ``--set`` names it. Otherwise it is taken to be of a plugin that is not loaded, and is unavailable:
    so are the trials that use it, and no others.

    Args:
        file: the file; a benchmark looks up defenses in the file that it is from first.
        name: the benchmark.
        registries: the registered components by kind.
        overrides: what ``--set`` gives.
        broken_plugins: plugins that failed to load. If there are any, a component that is not registered
            is unavailable instead of unknown, since one of these plugins may be the one that has it.

    Raises:
        BadInput: the message names the file, the key, the value and what is allowed.
    """
    if name not in file.benchmarks:
        raise BadInput(f"{file.path}: unknown benchmark {name!r}{closest(name, file.benchmarks)}")
    overrides = overrides or Overrides()
    overridden = overrides.of_benchmark()
    tables = file.having("benchmarks", name)
    if file.replaces("benchmarks", name):
        log.warning(
            "%s: benchmark %r replaces the one that ships with privbench", tables.path, name
        )
    content = tables.benchmarks[name].model_dump(mode="json") | overridden
    where = f"{tables.path}: benchmarks.{name}"
    table = validate(BenchmarkTable, content, where, {key: f"--set {key}" for key in overridden})
    resolver = _Resolver(file, tables, registries, overrides, broken_plugins, where)
    return Benchmark(
        name=name,
        datasets=resolver.variants("dataset", table.datasets),
        models=resolver.variants("model", table.models),
        defenses=resolver.defenses(table.defenses),
        attacks=resolver.variants("attack", table.attacks),
        knowledge=_unique(table.knowledge),
        population=table.population,
        pool=table.pool,
        public=table.public,
        canaries=table.canaries.share,
        canary_kinds=tuple(kind for kind in CANARY_KINDS if kind in table.canaries.kinds),
        seeds=_unique(table.seeds),
    )


def defense_named(
    file: File, name: str, registries: Mapping[str, Registry], broken_plugins: Collection[str] = ()
) -> Defense | Unavailable:
    """Return a defense of a file as it is by itself, with the defaults of its components.

    Raises:
        BadInput: there is no such defense, a component is unknown, or a parameter has no default.
    """
    tables = file.having("defenses", name) if name in file.defenses else file.own
    where = f"{tables.path}: {name}"
    resolver = _Resolver(file, tables, registries, Overrides(), broken_plugins, where)
    return resolver.defenses([name])[0]


@dataclass
class _Resolver:
    """Resolves the lists of one benchmark."""

    file: File
    tables: Tables
    """The tables of the file that the benchmark is from, whose folder relative paths start at."""
    registries: Mapping[str, Registry]
    overrides: Overrides
    broken_plugins: Collection[str]
    where: str

    def variants(self, kind: str, named: Sequence[Named]) -> tuple[Variant | Unavailable, ...]:
        """Return the datasets, models or attacks, one for each value of a sweep."""
        variants: list[tuple[Variant | Unavailable, dict[str, Any]]] = []
        for index, item in enumerate(named):
            where = f"{self._place(f'{kind}s')}[{index}]"
            name, params = _name_and_params(item, where)
            entry = self._entry(kind, name, where)
            if isinstance(entry, str):
                self.overrides.of(name, None)
                variants.append((Unavailable(name, entry), params))
                continue
            overridden = self.overrides.of(name, entry.cls.model_fields)
            given = set_by(name, overridden)
            for values, swept in sweep(entry.cls, params | overridden, where, given):
                found = located(entry.cls, values, self._folder(f"{kind}s"), overridden)
                bound = entry.build(found, where, given)
                variants.append((Variant(label(name, swept), bound), values))
        return _with_distinct_labels(variants, self._place(f"{kind}s"))

    def defenses(self, named: Sequence[Named]) -> tuple[Defense | Unavailable, ...]:
        """Return the defenses, one for each combination of the values of their sweeps."""
        defenses: list[tuple[Defense | Unavailable, dict[str, Any]]] = []
        for index, item in enumerate(named):
            where = f"{self._place('defenses')}[{index}]"
            name, params = _name_and_params(item, where)
            parts = self._pipeline(name, where)
            if isinstance(parts, str):
                self.overrides.of(name, None)
                defenses.append((Unavailable(name, parts), params))
                continue
            overridden = self.overrides.of(name, parameters_of(parts))
            params |= overridden
            route_parameters(
                name, parts, params, where, set_by(name, overridden), self._folder("defenses")
            )
            for part in parts:
                part.override(self.overrides.of(part.entry.name, part.entry.cls.model_fields))
            for defense, swept in defenses_of(name, parts, where):
                names = {key.rpartition(".")[2] for key in swept}
                beside = {k: v for k, v in params.items() if k.rpartition(".")[2] not in names}
                defenses.append((defense, swept | beside))
        return _with_distinct_labels(defenses, self._place("defenses"))

    def _place(self, key: str) -> str:
        """Return where a key of the benchmark is written."""
        return f"--set {key}" if key in self.overrides.values else f"{self.where}.{key}"

    def _folder(self, key: str) -> Path:
        """Return the folder that paths start at which are written in a key of the benchmark."""
        return Path() if key in self.overrides.values else self.tables.path.parent

    def _pipeline(self, name: str, where: str) -> list[PipelinePart] | str:
        """Return the components of ``[defenses.NAME]``, or why one of them is unavailable."""
        if name == NONE.label:
            return []
        if name not in self.file.defenses:
            hint = closest(name, [*self.file.defenses, NONE.label])
            raise BadInput(f"{where}: unknown defense {name!r}{hint}; define [defenses.{name}]")
        tables = self.file.having("defenses", name, first=self.tables)
        if self.file.replaces("defenses", name):
            log.warning(
                "defense %r of %s: %s has another one of this name", name, tables.path,
                "the file that ships with privbench" if tables is self.file.own else self.file.path,
            )  # fmt: skip
        table = tables.defenses[name]
        place = f"{tables.path}: defenses.{name}"
        listed = [
            ("mechanism", named, f"{place}.mechanisms[{index}]")
            for index, named in enumerate(table.mechanisms)
        ]
        if table.generator is not None:
            listed.insert(0, ("generator", table.generator, f"{place}.generator"))
        parts = []
        for kind, named, where in listed:
            component, params = _name_and_params(named, where)
            entry = self._entry(kind, component, where)
            if isinstance(entry, str):
                return entry
            params = located(entry.cls, params, tables.path.parent)
            parts.append(PipelinePart(entry, params, where))
        return parts

    def _entry(self, kind: str, name: str, where: str) -> Entry | str:
        """Return the registered component, or why it is unavailable."""
        registry = self.registries[kind]
        if name not in registry.entries:
            missing = f"{kind} {name!r} is not registered"
            if self.broken_plugins:
                broken = ", ".join(sorted(set(self.broken_plugins)))
                return f"{missing}, and a plugin failed to load: {broken}"
            if not where.startswith("--set") and not near(name, registry.entries):
                return f"{where}: {missing}: install the plugin that has it, or give it with -p"
        return registry.get(name, where)


def _with_distinct_labels(
    labelled: Sequence[tuple[Labelled, dict[str, Any]]], where: str
) -> tuple[Labelled, ...]:
    """Return the variants or defenses with distinct labels.

    Where labels are equal, parameters that are given and that differ are shown as well. If labels are
    then still equal, the same thing is listed twice, which is an error.
    """
    result = []
    for item, params in labelled:
        others = [other for same, other in labelled if same.label == item.label]
        name, _, inside = item.label.partition("[")
        swept = {part.partition("=")[0] for part in inside.split(",")}
        shown = {
            key: value
            for key, value in params.items()
            if key in swept or any(key not in other or other[key] != value for other in others)
        }
        result.append(replace(item, label=label(name, shown)) if len(others) > 1 else item)
    for text, count in Counter(item.label for item in result).items():
        if count > 1:
            raise BadInput(f"{where}: {text!r} is named {count} times with the same parameters")
    return tuple(result)


def _unique(values: Sequence[Scalar]) -> tuple[Scalar, ...]:
    return tuple(dict.fromkeys(values))


def _name_and_params(named: Named, where: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a component and the parameters that are written beside it."""
    if isinstance(named, str):
        return named, {}
    params = dict(named)
    name = params.pop("name", None)
    if not isinstance(name, str):
        raise BadInput(f'{where}.name: {name!r} is not a name; write {{ name = "...", ... }}')
    return name, params
