"""Whether the numbers of a benchmark fit a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from privbench.canaries import CanaryKind, obstacle
from privbench.config import Benchmark
from privbench.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.data import Data, DataSpec


MIN_GROUPS = 10
"""Groups of records, or records, that a dataset needs."""


def fitting_kinds(benchmark: Benchmark, spec: DataSpec) -> tuple[CanaryKind, ...]:
    """Return the kinds of canaries of a benchmark that such data can have."""
    return tuple(kind for kind in benchmark.canary_kinds if not obstacle(kind, spec))


def check_sizes(benchmark: Benchmark, dataset: str, data: Data) -> None:
    """Raise BadInput if the pool, the canaries or the public records do not fit a dataset.

    The message names the key, the value and what is allowed; ``dataset`` is the dataset's label.
    """
    from privbench.membership import pool_size, reference_size

    n_records = len(data)
    if data.groups is not None:
        _check_groups(dataset, data.groups)
    if benchmark.pool is not None and benchmark.pool > n_records - 2:
        raise BadInput(
            f"benchmarks.{benchmark.name}.pool: {benchmark.pool} records do not fit: {dataset} has"
            f" {n_records}, and at least 2 must remain (allowed: 4..{n_records - 2})"
        )
    n_pool = pool_size(n_records, benchmark.pool)
    kinds = fitting_kinds(benchmark, data.spec)
    if benchmark.canaries and kinds:
        _check_canaries(benchmark, kinds, n_pool)
    if n_records < MIN_GROUPS:
        raise BadInput(
            f"dataset {dataset!r} has {n_records} records; at least {MIN_GROUPS} are needed"
        )
    n_reference = reference_size(n_records, n_pool)
    if benchmark.public is not None and benchmark.public > n_reference:
        raise BadInput(
            f"benchmarks.{benchmark.name}.public: {benchmark.public} is more than the reference records:"
            f" {dataset} has {n_reference} of them (allowed: 1..{n_reference})"
        )


def _check_groups(dataset: str, groups: NDArray[np.int64]) -> None:
    n_groups = len(set(groups.tolist()))
    if n_groups < MIN_GROUPS:
        raise BadInput(
            f"dataset {dataset!r} has {n_groups} groups of records that are members together; at least"
            f" {MIN_GROUPS} are needed"
        )


def _check_canaries(benchmark: Benchmark, kinds: Sequence[CanaryKind], n_pool: int) -> None:
    from privbench.canaries.plant import kind_counts

    share = benchmark.canaries
    where = f"benchmarks.{benchmark.name}.canaries: {share:g} of a pool of {n_pool} records"
    n_canaries = round(share * n_pool)
    if n_canaries < len(kinds):
        of_each = f" of each of {len(kinds)} kinds" if len(kinds) > 1 else ""
        raise BadInput(
            f"{where} is not one canary{of_each}"
            f" (allowed: 0 for none, or at least {len(kinds) / n_pool:.3g})"
        )
    n_twins = kind_counts(n_canaries, kinds).get("twin", 0)
    if n_canaries + n_twins > n_pool // 2:
        copied = f" and {n_twins} records that twins are copies of" if n_twins else ""
        raise BadInput(
            f"{where} is {n_canaries} canaries{copied}"
            f" (allowed: {n_pool // 2}, since models may have to be trained on all of them)"
        )
