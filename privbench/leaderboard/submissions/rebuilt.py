"""A resolved benchmark, built again from the configuration that a file holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from privbench.config.benchmark import Benchmark, Defense, Variant
from privbench.errors import BadInput

if TYPE_CHECKING:
    from privbench.components import Bound
    from privbench.plan import Plan
    from privbench.plugins.host import PluginHost


def benchmark_from(name: str, configuration: Mapping[str, Any], host: PluginHost) -> Benchmark:
    """Return the benchmark that ``Benchmark.to_json`` was called on.

    Raises:
        BadInput: a component is not registered, or a parameter is not one of its parameters.
    """

    def bound(kind: str, part: Mapping[str, Any]) -> Bound:
        where = f"configuration: {kind} {part['name']!r}"
        return host.registry(kind).get(part["name"], where).build(part["params"], where)

    def variants(kind: str) -> tuple[Variant, ...]:
        return tuple(
            Variant(part["label"], bound(kind, _available(part)))
            for part in configuration[f"{kind}s"]
        )

    defenses = tuple(
        Defense(
            part["label"],
            None if part["generator"] is None else bound("generator", part["generator"]),
            tuple(bound("mechanism", mechanism) for mechanism in part["mechanisms"]),
        )
        for part in map(_available, configuration["defenses"])
    )
    return Benchmark(
        name=name,
        datasets=variants("dataset"),
        models=variants("model"),
        defenses=defenses,
        attacks=variants("attack"),
        knowledge=tuple(configuration["knowledge"]),
        population=configuration["population"],
        pool=configuration["pool"],
        public=configuration["public"],
        canaries=configuration["canaries"]["share"],
        canary_kinds=tuple(configuration["canaries"]["kinds"]),
        seeds=tuple(configuration["seeds"]),
    )


def plan_of(benchmark: Benchmark, select: Callable[[str], bool] = lambda name: True) -> Plan:
    """Return the plan of a benchmark, with the trials whose names are selected."""
    from privbench.datasets.loading import Datasets
    from privbench.plan import check_plans, make_plan

    plan = make_plan(benchmark, select, Datasets())
    check_plans([plan])
    return plan


def _available(part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "unavailable" in part:
        raise BadInput(f"configuration: {part['label']!r}: {part['unavailable']}")
    return part
