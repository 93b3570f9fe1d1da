"""The module of data-free distillation. Imports torch: import it lazily."""

from __future__ import annotations

from torch import Tensor, nn

from privbench.data import DataSpec
from privbench.generators.vae_network import expected_records


class Distiller(nn.Module):
    """A teacher and a student, and the generator of the records on which they are compared.

    The generator has one hidden layer. Its records lie in the range of the data: in [0, 1], but for
    numbers, which have no limits.
    """

    def __init__(
        self, teacher: nn.Module, student: nn.Module, spec: DataSpec, latent_dim: int, hidden: int
    ) -> None:
        super().__init__()
        self.teacher, self.student, self.spec = teacher, student, spec
        self.generator = nn.Sequential(
            nn.Linear(latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, spec.n_features)
        )

    def train(self, mode: bool = True) -> Distiller:
        """Set the mode of student and generator; the teacher answers as it does after training."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (batch, classes) of teacher and student for generated records.

        ``noise`` (batch, latent_dim) is what the generator makes them of.
        """
        records = expected_records(self.generator(noise), self.spec)
        return self.teacher(records), self.student(records)
