"""Releases with known leaks, for the tests of attacks on synthetic data."""

import numpy as np

from privbench.attacks.synthetic import SyntheticViews
from privbench.data import Data, DataSpec

N, FEATURES, CLASSES, MODELS = 24, 24, 3, 40
SPEC = DataSpec("tabular", (FEATURES,), CLASSES)


def records(rng, places):
    """Return records that lie far from zero, each along the axis of its place."""
    x = 5 * np.eye(FEATURES)[places] + 0.1 * rng.normal(size=(len(places), FEATURES))
    return Data(x.astype(np.float32), np.asarray(places) % CLASSES, SPEC)


def views_of_releases(release, seed=0):
    """Return views of targets whose releases are ``release(rng, private set)``."""
    rng = np.random.default_rng(seed)
    pool = records(rng, np.arange(N))
    member = np.stack([rng.permutation(N) < N // 2 for _ in range(MODELS)])
    sets = [release(rng, pool.take(np.flatnonzero(row))) for row in member]
    return SyntheticViews(
        records=pool.x,
        labels=pool.y,
        targets=sets,
        shadows=sets,
        shadow_member=member,
        reference=records(rng, np.arange(3 * N) % N),
        rngs=[np.random.default_rng(i) for i in range(MODELS)],
    )


def copies(rng, private):
    """Release the private records."""
    return private


def ignores(rng, private):
    """Release records that are independent of the private ones."""
    return records(rng, rng.integers(0, N, len(private)))


def near(rng, private):
    """Release two noisy copies of each private record."""
    places = np.tile(np.arange(len(private)), 2)
    noise = rng.normal(size=(len(places), FEATURES)).astype(np.float32)
    return Data(private.x[places] + 2 * noise, private.y[places], SPEC)
