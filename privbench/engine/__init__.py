"""Train populations of models. The engine knows torch and numpy, and nothing of the harness.

    sets = TrainingSets.shared(x, y, index)            # index (models, m): each model's records
    recipe = Recipe("sgd", lr=0.1, momentum=0.9, weight_decay=0.0, epochs=20, batch_size=64)
    population = train_population(build, sets, recipe, seeds)
    logits = population.predict(x)                     # (models, n, classes)

Model ``i`` depends on ``seeds[i]`` and its own training set, and on nothing else: not on the strategy,
the chunk size, the number of models or their order (to float tolerance).

This module is the public interface; other packages import from it alone. Inside, a folder imports only
from those above it in this list:

- ``core``: what training consists of: populations, training sets, recipes, losses, random draws.
- ``speed``: how one step is made fast: recorded steps, fused optimizers, CUDA graphs.
- ``processes``: how chunks run side by side: worker processes, threads, progress. (Not from ``speed``.)
- ``strategies``: how the models of a chunk are trained, how a job is scheduled, and ``chunked``, the
  skeleton of all training.
- ``private``: DP-SGD as another way to train the models of a chunk.
- ``train``: the entry points ``train_population``, ``train_privately`` and ``train_each``.
"""

from privbench.engine.core.arrays import as_tensor
from privbench.engine.core.augment import Augmentation
from privbench.engine.core.divergence import Diverged
from privbench.engine.core.gradients import gradient_norms
from privbench.engine.core.loss import (
    Batch,
    Forward,
    Loss,
    Phase,
    Progress,
    RandomInputs,
    beta,
    cross_entropy,
    normal,
)
from privbench.engine.core.loss_errors import ValueDependentLoss
from privbench.engine.core.population import Population, build_seeded
from privbench.engine.core.precision import Precision, computing
from privbench.engine.core.recipe import Recipe
from privbench.engine.core.sets import TrainingSets
from privbench.engine.core.stopping import Validation
from privbench.engine.private.gaussian import GaussianNoise
from privbench.engine.private.steps import PrivateSteps
from privbench.engine.private.support import can_train_privately
from privbench.engine.strategies.schedule import Schedule, schedule_for
from privbench.engine.train import train_each, train_population, train_privately

__all__ = [
    "Augmentation",
    "Batch",
    "Diverged",
    "Forward",
    "GaussianNoise",
    "Loss",
    "Phase",
    "Population",
    "Precision",
    "PrivateSteps",
    "Progress",
    "RandomInputs",
    "Recipe",
    "Schedule",
    "TrainingSets",
    "Validation",
    "ValueDependentLoss",
    "as_tensor",
    "beta",
    "build_seeded",
    "can_train_privately",
    "computing",
    "cross_entropy",
    "gradient_norms",
    "normal",
    "schedule_for",
    "train_each",
    "train_population",
    "train_privately",
]
