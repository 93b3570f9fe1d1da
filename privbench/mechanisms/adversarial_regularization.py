"""Adversarial regularisation: Nasr, Shokri, Houmansadr 2018, arXiv 1807.05852, algorithm 1.

The model is trained together with an attack on its answers. Each step first improves the attack, which
tells training records from reference records by answer and label, then the model, which minimises its
loss plus ``weight`` times the attack's gain.

This is the paper's gain, with logarithms. The published code has the attack's probability in their
place, which is bounded, so that its weights are no measure of ours; and it takes 26 steps of the attack,
which reads logits, for one of the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import TrainingMechanism, TrainingTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from privbench.engine import Batch, Population


class AdversarialRegularization(TrainingMechanism):
    """Trains the model against an attack that is trained against it."""

    name: ClassVar[str] = "adversarial-regularization"
    paper: ClassVar[str] = "Nasr, Shokri, Houmansadr 2018, arXiv 1807.05852"

    weight: float = Field(1.0, gt=0, description="of the attack's gain in the loss (lambda)")
    attack_steps: int = Field(
        1, ge=1, le=100, description="updates of the attack for one of the model (k)"
    )
    hidden: int = Field(64, ge=1, description="units of each of the attack's hidden layers")
    attack_lr: float = Field(1e-3, gt=0, description="learning rate of the attack's Adam")

    def train_population(self, task: TrainingTask) -> Population:
        """Both networks of all models at once by the engine; the attacks are thrown away."""
        from privbench.engine import Phase, Population, Recipe
        from privbench.mechanisms.adversary import Adversarial

        classes, reference = task.spec.n_classes, task.reference
        attacker = Recipe("adam", self.attack_lr, 0.0, 0.0, 1, 1)
        phases = [Phase(gain, trains="attack.", recipe=attacker)] * self.attack_steps
        trained = task.train(
            build=lambda: Adversarial(task.build(), classes, self.hidden),
            loss=[*phases, Phase(self._defend, trains="model.")],
            sets=task.sets.adding(other=(reference.x, reference.y)),
        )
        own = "model."
        params, buffers = (
            {n.removeprefix(own): t for n, t in tensors.items() if n.startswith(own)}
            for tensors in (trained.params, trained.buffers)
        )
        return Population(task.build, params, buffers)

    def _defend(self, forward: Callable[..., tuple[Tensor, Tensor]], batch: Batch) -> Tensor:
        """Cross-entropy plus ``weight`` times the attack's log-confidence in membership (equation 8)."""
        from torch.nn.functional import cross_entropy, logsigmoid

        logits, inside = forward(batch.x, batch.y)
        fit: Tensor = cross_entropy(logits.float(), batch.y, reduction="none")
        return fit + self.weight * logsigmoid(inside)


def gain(forward: Callable[..., tuple[Tensor, Tensor]], batch: Batch) -> Tensor:
    """Minus the attack's gain per example (batch,): log h of members, log (1 - h) of the others."""
    from torch.nn.functional import logsigmoid

    inside, outside = forward(batch.x, batch.y)[1], forward(batch.other_x, batch.other_y)[1]
    return -0.5 * (logsigmoid(inside) + logsigmoid(-outside))
