"""Resolve ``[defenses.NAME]``: assign parameters to components, and check that they fit together."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from privbench.components import Bound, Entry
from privbench.components.messages import closest, key_of
from privbench.config.benchmark import Defense
from privbench.config.paths import located
from privbench.config.sweeps import label, sweep
from privbench.errors import BadInput


@dataclass
class PipelinePart:
    """A component of a defense and its parameters, which may still be sweeps."""

    entry: Entry
    params: dict[str, Any]
    where: str
    """Where the component is written, for error messages."""
    given: dict[str, str] = field(default_factory=dict)
    """Where parameters are written that are not written at ``where``."""

    def override(self, params: Mapping[str, Any]) -> None:
        """Set parameters by ``--set NAME.PARAMETER=VALUE``."""
        self.params |= params
        self.given |= set_by(self.entry.name, params)


def set_by(name: str, parameters: Iterable[str]) -> dict[str, str]:
    """Return the text ``--set NAME.PARAMETER`` of each overridden parameter, for error messages."""
    return {parameter: f"--set {name}.{parameter}" for parameter in parameters}


def parameters_of(parts: Iterable[PipelinePart]) -> set[str]:
    """Return the keys that may be written beside the name of a defense: PARAMETER and NAME.PARAMETER."""
    pairs = {(part.entry.name, key) for part in parts for key in part.entry.cls.model_fields}
    return {key for _, key in pairs} | {f"{name}.{key}" for name, key in pairs}


def route_parameters(
    name: str,
    parts: Sequence[PipelinePart],
    params: Mapping[str, Any],
    where: str,
    given: Mapping[str, str],
    folder: Path,
) -> None:
    """Give each parameter that is written beside a defense's name to the component that has it.

    Args:
        name: the name of the defense.
        parts: its components.
        params: parameters, by PARAMETER or by NAME.PARAMETER.
        where: where the name of the defense is written.
        given: where parameters are written that are not written at ``where``.
        folder: the folder of what is written at ``where``, which paths start at.

    Raises:
        BadInput: no component has the parameter, or several have it.
    """
    for key, value in params.items():
        place = key_of(where, [key], given)
        component, dot, parameter = key.rpartition(".")
        owners = [
            part
            for part in parts
            if parameter in part.entry.cls.model_fields
            and (not dot or part.entry.name == component)
        ]
        if not owners:
            known = {field for part in parts for field in part.entry.cls.model_fields}
            raise BadInput(
                f"{place}: {name!r} has no parameter {parameter!r}{closest(parameter, known)}"
            )
        if len(owners) > 1:
            options = " or ".join(f'"{part.entry.name}.{parameter}"' for part in owners)
            raise BadInput(f"{place}: several components have {parameter!r}; write {options}")
        if key not in given:
            value = located(owners[0].entry.cls, {parameter: value}, folder)[parameter]
        owners[0].params[parameter] = value
        owners[0].given[parameter] = place


def defenses_of(
    name: str, parts: Sequence[PipelinePart], where: str
) -> list[tuple[Defense, dict[str, Any]]]:
    """Return a defense for each combination of the values of its sweeps, and these values."""
    sweeps = [sweep(part.entry.cls, part.params, part.where, part.given) for part in parts]
    return [
        _assemble(name, parts, combination, where) for combination in itertools.product(*sweeps)
    ]


def _assemble(
    name: str,
    parts: Sequence[PipelinePart],
    combination: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    where: str,
) -> tuple[Defense, dict[str, Any]]:
    """Return a defense, and the values that its label shows.

    It is built from (all parameters, the swept ones) of each component.
    """
    pairs = list(zip(parts, combination, strict=True))
    bounds = [part.entry.build(params, part.where, part.given) for part, (params, _) in pairs]
    counts = Counter(key for _, swept in combination for key in swept)
    shown = {
        key if counts[key] == 1 else f"{part.entry.name}.{key}": value
        for part, (_, swept) in pairs
        for key, value in swept.items()
    }
    generator = next((bound for bound in bounds if bound.entry.kind == "generator"), None)
    mechanisms = [bound for bound in bounds if bound.entry.kind == "mechanism"]
    _check(name, generator, mechanisms, where)
    return Defense(label(name, shown), generator, tuple(mechanisms)), shown


def _check(name: str, generator: Bound | None, mechanisms: Sequence[Bound], where: str) -> None:
    """Raise BadInput if the components do not make a pipeline."""
    from privbench.mechanisms.base import PIPELINE_ORDER

    place = f"{where}: defense {name!r}"
    acts_on = [bound.component.acts_on for bound in mechanisms]
    if acts_on != sorted(acts_on, key=PIPELINE_ORDER.index):
        order = ", ".join(f"{bound.name} ({bound.component.acts_on})" for bound in mechanisms)
        raise BadInput(
            f"{place}: mechanisms go in the order {', '.join(PIPELINE_ORDER)}; got {order}"
        )
    if "latent" in acts_on:
        _check_latent(place, generator, mechanisms[acts_on.index("latent")])
    for before, bound in itertools.pairwise(mechanisms):
        if bound.component.acts_on == "data" and not bound.component.reads_private:
            raise BadInput(
                f"{place}: {bound.name} reads no private record, so {before.name} before it is without"
                " effect; leave it out"
            )
    if "data" in acts_on and generator is not None and _reads_reference_only(generator):
        raise BadInput(
            f"{place}: {mechanisms[acts_on.index('data')].name} acts on the private records, but"
            f' {generator.name} with fitted_on = "reference" and release = "sample" reads none of them'
        )
    if acts_on.count("training") > 1:
        names = ", ".join(b.name for b in mechanisms if b.component.acts_on == "training")
        raise BadInput(f"{place}: only one training mechanism is allowed, got {names}")


def _check_latent(place: str, generator: Bound | None, latent: Bound) -> None:
    """Raise BadInput if no generator encodes the records for a latent mechanism."""
    if generator is None:
        raise BadInput(f"{place}: {latent.name} acts on codes and needs a generator")
    if generator.component.release == "sample":
        raise BadInput(
            f"{place}: {latent.name} acts on codes of records, but {generator.name} with"
            ' release = "sample" makes new ones (allowed: release = "reconstruct")'
        )


def _reads_reference_only(generator: Bound) -> bool:
    component = generator.component
    return bool(component.fitted_on == "reference" and component.release == "sample")
