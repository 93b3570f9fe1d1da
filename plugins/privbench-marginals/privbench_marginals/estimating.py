"""The graphical model that fits noisy marginals best, by the package ``mbi`` (Private-PGM).

McKenna, Sheldon, Miklau 2019, "Graphical-model based estimation and inference for differential privacy",
arXiv 1901.09136.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from privbench_marginals.measuring import Measurement

if TYPE_CHECKING:
    from mbi import Domain, LinearMeasurement, MarkovRandomField


@contextmanager
def graphical_models() -> Iterator[Any]:
    """Import ``mbi`` and compute in double precision, for this block alone."""
    import jax

    with jax.enable_x64(True), warnings.catch_warnings():
        # jax warns after a fork by the harness, which computes nothing with it before.
        warnings.filterwarnings("ignore", message="os.fork", category=RuntimeWarning)
        # Advice about jax's settings, which are not this package's to change.
        warnings.filterwarnings("ignore", category=UserWarning, module="mbi")
        import mbi

        yield mbi


def domain_of(sizes: Sequence[int]) -> Domain:
    """Return the domain of a table, whose attributes are the numbers of its columns."""
    from mbi import Domain

    return Domain(tuple(range(len(sizes))), tuple(sizes))


def estimate(
    sizes: Sequence[int],
    measurements: Sequence[Measurement],
    iterations: int,
    start: MarkovRandomField | None = None,
) -> MarkovRandomField:
    """Return the model that fits measurements best, by mirror descent.

    The number of records is estimated from the measurements as well.
    """
    from mbi.estimation import MirrorDescent

    linear = [_linear(measurement) for measurement in measurements]
    model: MarkovRandomField = MirrorDescent().estimate(
        domain_of(sizes), linear, iters=iterations, warm_start=start, tol=1e-6
    )
    return model


def _linear(measured: Measurement) -> LinearMeasurement:
    from mbi import LinearMeasurement, WeightedQuery

    if measured.weights is None:
        return LinearMeasurement(measured.counts, measured.columns, measured.sd)
    query = WeightedQuery(measured.weights)
    return LinearMeasurement(measured.counts, measured.columns, measured.sd, query)
