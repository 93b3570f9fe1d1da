"""The Tartan-Federer attack: an MLP on the losses of a diffusion generator, learned from shadows.

Wu, Pang, Liu, Wu 2025, "Winning the MIDST Challenge: New Membership Inference Attacks on Diffusion
Models for Tabular Data Synthesis", arXiv 2503.12008. How well a network denoises a record depends on the
noise, more than on membership. So the noise is drawn once and used for all records and all models,
and the losses at several timesteps and for many draws of noise are the features of a classifier,
which is trained on shadows, whose members are known.

It is the white-box attack of the paper: it computes losses of the target's network.

Deviations:

- The losses of categories are features as well; in the challenge, categories were numbers.
- The shadows are fitted on other halves of the same pool, and not on other records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench import BatchedSyntheticAttack, Data, FittedSampler, SyntheticViews

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Floats = NDArray[np.float64]
BATCH = 64
"""Records in a batch of the classifier."""
NOISE_SEED = 0
"""Of the noise at which losses are computed, which must be the same for all models."""


@runtime_checkable
class HasLosses(Protocol):
    """A fitted generator that tells the training losses of records."""

    timesteps: int

    def losses(
        self, data: Data, timesteps: Sequence[int], n_draws: int, rng: np.random.Generator
    ) -> Floats:
        """Return losses (n, losses), with the same draws for all records and for equal ``rng``."""
        ...


class TartanFederer(BatchedSyntheticAttack):
    """A classifier, learned from shadows, on the losses of the target's diffusion generator."""

    name: ClassVar[str] = "tartan-federer"
    paper: ClassVar[str] = "Wu, Pang, Liu, Wu 2025, arXiv 2503.12008"
    observes: ClassVar[Literal["generator"]] = "generator"

    times: tuple[float, ...] = Field(
        (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.1),
        min_length=1,
        description="timesteps of the losses, as shares of all timesteps",
    )
    draws: int = Field(30, ge=1, description="draws of noise at each timestep")
    hidden: int = Field(100, ge=1, description="width of the two hidden layers of the classifier")
    epochs: int = Field(30, ge=1, description="passes of the classifier over the shadows' records")

    def obstacle(self, views: SyntheticViews) -> str:
        """Return why the generators can't be attacked; empty if they can."""
        missing = super().obstacle(views)
        if missing or isinstance(views.target_generators[0], HasLosses):
            return missing
        return "needs a diffusion generator, which tells the losses of records"

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return the log-odds (targets, n_pool) of membership by the classifier of each target."""
        pool = Data(views.records, views.labels, views.reference.spec)
        targets = [self._features(g, pool) for g in views.target_generators]
        shared = views.shadow_generators is views.target_generators
        shadows = targets if shared else [self._features(g, pool) for g in views.shadow_generators]
        scores = []
        for target, rng in enumerate(views.rngs):
            used = np.flatnonzero(views.used(target))
            x = np.concatenate([shadows[i] for i in used])
            member = views.shadow_member[used].ravel()
            classifier = self._fit(x, member, rng)
            scores.append(_log_odds(classifier.predict_proba(targets[target])[:, 1]))
            views.progress(target + 1, len(views))
        return np.stack(scores)

    def _features(self, generator: FittedSampler, pool: Data) -> Floats:
        """Return the logarithms of the losses (n_pool, features), with the same noise for all."""
        assert isinstance(generator, HasLosses)
        last = generator.timesteps - 1
        steps = sorted({min(last, round(time * generator.timesteps)) for time in self.times})
        losses = generator.losses(pool, steps, self.draws, np.random.default_rng(NOISE_SEED))
        return np.log(np.maximum(losses, 1e-6))

    def _fit(self, x: Floats, member: NDArray[np.bool_], rng: np.random.Generator) -> Pipeline:
        """Return the classifier, fitted to the losses of the shadows' records."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        mlp = MLPClassifier(
            (self.hidden, self.hidden),
            batch_size=min(BATCH, len(x)),
            alpha=1e-3,
            max_iter=self.epochs,
            early_stopping=True,
            random_state=int(rng.integers(2**31)),
        )
        classifier = make_pipeline(StandardScaler(), mlp)
        with warnings.catch_warnings():  # it is stopped early on purpose
            warnings.simplefilter("ignore", ConvergenceWarning)
            return classifier.fit(x, member)


def _log_odds(probability: Floats) -> Floats:
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(p) - np.log1p(-p))
