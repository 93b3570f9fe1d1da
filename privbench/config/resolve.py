"""From the tables of the file to components: found, checked, swept."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from privbench.components import Bound, Entry, Registry
from privbench.components.messages import closest, key_of
from privbench.config.benchmark import NONE, Benchmark, Defense, Unavailable, Variant
from privbench.config.file import BenchmarkTable, File, Named, validate
from privbench.config.overrides import Overrides
from privbench.config.sweeps import label, sweep
from privbench.errors import BadInput


def resolve(
    file: File,
    name: str,
    registries: Mapping[str, Registry],
    overrides: Overrides | None = None,
    broken_plugins: Collection[str] = (),
) -> Benchmark:
    """Look up and check all components of a benchmark.

    A component that is not registered counts as unavailable, rather than unknown, while
    ``broken_plugins`` failed to load: one of them may be the one that has it.

    Raises:
        BadInput: naming the file, the key, the value and what is allowed.
    """
    if name not in file.benchmarks:
        raise BadInput(f"{file.path}: unknown benchmark {name!r}{closest(name, file.benchmarks)}")
    overrides = overrides or Overrides()
    own = overrides.of_benchmark()
    content = file.benchmarks[name].model_dump(mode="json") | own
    where = f"{file.path}: benchmarks.{name}"
    table = validate(BenchmarkTable, content, where, {key: f"--set {key}" for key in own})
    resolver = _Resolver(file, registries, overrides, broken_plugins, where)
    return Benchmark(
        name=name,
        datasets=resolver.variants("dataset", table.datasets),
        models=resolver.variants("model", table.models),
        defenses=resolver.defenses(table.defenses),
        attacks=resolver.variants("attack", table.attacks),
        knowledge=_unique(table.knowledge),
        population=table.population,
        pool=table.pool,
        canaries=table.canaries,
        seeds=_unique(table.seeds),
    )


@dataclass
class _Resolver:
    file: File
    registries: Mapping[str, Registry]
    overrides: Overrides
    broken_plugins: Collection[str]
    where: str

    def variants(self, kind: str, specs: Sequence[Named]) -> tuple[Variant | Unavailable, ...]:
        found: list[tuple[str, dict[str, Any], Variant | Unavailable]] = []
        for index, spec in enumerate(specs):
            where = f"{self._place(f'{kind}s')}[{index}]"
            name, params = _parts(spec, where)
            entry = self._entry(kind, name, where)
            if isinstance(entry, str):
                self.overrides.of(name, None)
                found.append((name, params, Unavailable(name, entry)))
                continue
            own = self.overrides.of(name, entry.cls.model_fields)
            given = _set_by(name, own)
            for values, swept in sweep(entry.cls, params | own, where, given):
                choice = Variant(label(name, swept), entry.build(values, where, given))
                found.append((choice.label, values, choice))
        return _distinct(found, self._place(f"{kind}s"))

    def defenses(self, specs: Sequence[Named]) -> tuple[Defense | Unavailable, ...]:
        found: list[tuple[str, dict[str, Any], Defense | Unavailable]] = []
        for index, spec in enumerate(specs):
            where = f"{self._place('defenses')}[{index}]"
            name, params = _parts(spec, where)
            parts = self._pipeline(name, where)
            if isinstance(parts, str):
                self.overrides.of(name, None)
                found.append((name, params, Unavailable(name, parts)))
                continue
            own = self.overrides.of(name, _parameters(parts))
            params |= own
            _route(name, parts, params, where, _set_by(name, own))
            found += [(one.label, params, one) for one in self._swept(name, parts, where)]
        return _distinct(found, self._place("defenses"))

    def _swept(self, name: str, parts: Sequence[_Part], where: str) -> Iterable[Defense]:
        """A defense for each value of its sweeps."""
        for part in parts:
            own = self.overrides.of(part.entry.name, part.entry.cls.model_fields)
            part.params |= own
            part.given |= _set_by(part.entry.name, own)
        sweeps = [sweep(one.entry.cls, one.params, one.where, one.given) for one in parts]
        return [_assemble(name, parts, chosen, where) for chosen in itertools.product(*sweeps)]

    def _place(self, key: str) -> str:
        """Where a key of the benchmark was written."""
        return f"--set {key}" if key in self.overrides.values else f"{self.where}.{key}"

    def _pipeline(self, name: str, where: str) -> list[_Part] | str:
        """The components of [defenses.name], or why one of them is unavailable."""
        if name == NONE.label:
            return []
        if name not in self.file.defenses:
            hint = closest(name, [*self.file.defenses, NONE.label])
            raise BadInput(f"{where}: unknown defense {name!r}{hint}; define [defenses.{name}]")
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
        registry = self.registries[kind]
        if name not in registry.entries and self.broken_plugins:
            broken = ", ".join(sorted(set(self.broken_plugins)))
            return f"{kind} {name!r} is not there, and a plugin failed to load: {broken}"
        return registry.get(name, where)


@dataclass
class _Part:
    entry: Entry
    params: dict[str, Any]
    where: str
    given: dict[str, str] = field(default_factory=dict)
    """Which parameters were written elsewhere, and where."""


def _set_by(name: str, own: Iterable[str]) -> dict[str, str]:
    return {parameter: f"--set {name}.{parameter}" for parameter in own}


def _parameters(parts: Iterable[_Part]) -> set[str]:
    """What can be written beside the name of a defense."""
    pairs = {(part.entry.name, key) for part in parts for key in part.entry.cls.model_fields}
    return {key for _, key in pairs} | {f"{name}.{key}" for name, key in pairs}


def _route(
    name: str,
    parts: Sequence[_Part],
    params: Mapping[str, Any],
    where: str,
    given: Mapping[str, str],
) -> None:
    """Give each parameter beside a defense's name to the one component that has it."""
    for key, value in params.items():
        place = key_of(where, [key], given)
        owner, dot, parameter = key.rpartition(".")
        owners = [
            part
            for part in parts
            if parameter in part.entry.cls.model_fields and (not dot or part.entry.name == owner)
        ]
        if not owners:
            names = {f for part in parts for f in part.entry.cls.model_fields}
            raise BadInput(
                f"{place}: {name!r} has no parameter {parameter!r}{closest(parameter, names)}"
            )
        if len(owners) > 1:
            options = " or ".join(f'"{part.entry.name}.{parameter}"' for part in owners)
            raise BadInput(f"{place}: several components have {parameter!r}; write {options}")
        owners[0].params[parameter] = value
        owners[0].given[parameter] = place


def _assemble(
    name: str,
    parts: Sequence[_Part],
    chosen: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    where: str,
) -> Defense:
    """Build one defense from the values that a sweep chose for each component."""
    pairs = zip(parts, chosen, strict=True)
    bounds = [part.entry.build(values, part.where, part.given) for part, (values, _) in pairs]
    counts = Counter(key for _, swept in chosen for key in swept)
    shown = {
        key if counts[key] == 1 else f"{part.entry.name}.{key}": value
        for part, (_, swept) in zip(parts, chosen, strict=True)
        for key, value in swept.items()
    }
    generators = [bound for bound in bounds if bound.entry.kind == "generator"]
    mechanisms = [bound for bound in bounds if bound.entry.kind == "mechanism"]
    _check_pipeline(name, generators[0] if generators else None, mechanisms, where)
    return Defense(label(name, shown), generators[0] if generators else None, tuple(mechanisms))


def _check_pipeline(
    name: str, generator: Bound | None, mechanisms: Sequence[Bound], where: str
) -> None:
    from privbench.mechanisms.base import PIPELINE_ORDER

    steps = [bound.component.acts_on for bound in mechanisms]
    if steps != sorted(steps, key=PIPELINE_ORDER.index):
        order = ", ".join(f"{bound.name} ({bound.component.acts_on})" for bound in mechanisms)
        raise BadInput(
            f"{where}: defense {name!r}: mechanisms go in the order"
            f" {', '.join(PIPELINE_ORDER)}; got {order}"
        )
    if "latent" in steps:
        latent = mechanisms[steps.index("latent")].name
        if generator is None:
            raise BadInput(
                f"{where}: defense {name!r}: {latent} acts on codes and needs a generator"
            )
        if generator.component.release == "sample":
            raise BadInput(
                f"{where}: defense {name!r}: {latent} acts on codes of records, and {generator.name}"
                ' with release = "sample" makes new ones (allowed: release = "reconstruct")'
            )
    if "data" in steps and generator is not None and _is_public(generator):
        data = mechanisms[steps.index("data")].name
        raise BadInput(
            f"{where}: defense {name!r}: {data} acts on the private records, and {generator.name} with"
            ' fitted_on = "reference" and release = "sample" reads none of them'
        )
    if steps.count("training") > 1:
        names = ", ".join(b.name for b in mechanisms if b.component.acts_on == "training")
        raise BadInput(f"{where}: defense {name!r}: only one training mechanism, got {names}")


def _is_public(generator: Bound) -> bool:
    """Whether it makes its records of reference records alone."""
    component = generator.component
    return bool(component.fitted_on == "reference" and component.release == "sample")


T = TypeVar("T", Variant | Unavailable, Defense | Unavailable)
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
