"""Adversarial regularisation: Nasr, Shokri, Houmansadr 2018, arXiv 1807.05852, algorithm 1.

The model is trained together with an attack on its outputs. Each step first updates the attack, which
separates training records from reference records by their outputs and labels, and then the model, which
minimises its loss plus ``weight`` times the gain of the attack.

Differences from the published code:
- The gain is that of the paper, the logarithm of the attack's probability. The code uses the
  probability itself, which is bounded, so its weights are on another scale.
- The code updates the attack 26 times per update of the model, and its attack reads logits.
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
    """Trains the model against an attack on its outputs."""

    name: ClassVar[str] = "adversarial-regularization"
    paper: ClassVar[str] = "Nasr, Shokri, Houmansadr 2018, arXiv 1807.05852"

    weight: float = Field(1.0, gt=0, description="weight of the attack's gain in the loss (lambda)")
    attack_steps: int = Field(
        1, ge=1, le=100, description="updates of the attack per update of the model (k)"
    )
    hidden: int = Field(64, ge=1, description="units of each of the attack's hidden layers")
    attack_lr: float = Field(1e-3, gt=0, description="learning rate of Adam for the attack")

    def train_population(self, task: TrainingTask) -> Population:
        """Train all models and their attacks at once; the attacks are discarded."""
        from privbench.engine import Phase, Recipe
        from privbench.mechanisms.adversary import Adversarial

        classes, reference = task.spec.n_classes, task.reference
        attacker = Recipe("adam", self.attack_lr, 0.0, 0.0, 1, 1)
        phases = [Phase(attack_loss, trains="attack.", recipe=attacker)] * self.attack_steps
        trained = task.train(
            build=lambda: Adversarial(task.build(), classes, self.hidden),
            loss=[*phases, Phase(self._defend, trains="model.")],
            sets=task.sets.adding(other=(reference.x, reference.y)),
        )
        return trained.submodule("model", task.build)

    def _defend(self, forward: Callable[..., tuple[Tensor, Tensor]], batch: Batch) -> Tensor:
        """Return the model's loss per example (batch,), equation 8.

        It is the cross-entropy plus ``weight`` times the attack's log-probability of membership.
        """
        from torch.nn.functional import cross_entropy, logsigmoid

        logits, membership = forward(batch.x, batch.y)
        fit: Tensor = cross_entropy(logits.float(), batch.y, reduction="none")
        return fit + self.weight * logsigmoid(membership)


def attack_loss(forward: Callable[..., tuple[Tensor, Tensor]], batch: Batch) -> Tensor:
    """Return the attack's loss per example (batch,): the negative of its gain.

    The gain is log h for training records and log (1 - h) for reference records, where h is the
    attack's probability of membership.
    """
    from torch.nn.functional import logsigmoid

    member, reference = forward(batch.x, batch.y)[1], forward(batch.other_x, batch.other_y)[1]
    return -0.5 * (logsigmoid(member) + logsigmoid(-reference))
