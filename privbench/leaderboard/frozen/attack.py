"""Attack the targets of frozen outputs. Nothing here knows their membership."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.synthetic import SyntheticAttack
from privbench.components import Bound
from privbench.components.faults import calling
from privbench.config import Overrides
from privbench.errors import BadInput
from privbench.leaderboard.frozen.folder import FrozenOutputs
from privbench.plugins.host import PluginHost
from privbench.stages.scores import score_views


def build_attack(
    name: str, host: PluginHost, settings: Iterable[str] = (), option: str = "--attack"
) -> Bound:
    """Return an attack on outputs with the parameters that ``--set NAME.PARAMETER=VALUE`` gives.

    Raises BadInput if there is none of this name, it attacks released data, or a parameter is wrong.
    """
    overrides = Overrides.parse(settings)
    entry = host.registry("attack").get(name, option)
    if issubclass(entry.cls, SyntheticAttack):
        raise BadInput(f"{option} {name}: attacks released data; frozen outputs have none")
    bound = entry.build(overrides.of(name, entry.cls.model_fields), f"--set {name}")
    overrides.check()
    return bound


def attack_outputs(frozen: FrozenOutputs, attack: Bound) -> dict[str, NDArray[np.float64]]:
    """Return the scores (targets, n_pool) of an attack for each population.

    Raises:
        BadInput: the attack needs what the folder does not have, such as the models themselves.
        PrivbenchError: the attack failed, or returned no valid scores.
    """
    scores = {}
    for population in frozen.populations:
        make_views = partial(frozen.views, population, attack)
        views = make_views()
        with calling(attack):
            obstacle = attack.component.obstacle(views)
        if obstacle:
            raise BadInput(f"--attack {attack.name}: {population.name}: {obstacle}")
        scores[population.name] = score_views(attack, views, make_views)
    return scores
