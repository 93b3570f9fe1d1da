"""How the models of an audit were made, where privbench trained them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Training:
    """How the models were made that an audit of a training procedure attacks."""

    name: str
    """The training function and its file."""
    n_models: int
    """Number of models that were trained, without an existing model that they are the shadows of."""
    n_members: int
    """Number of records that each model was trained on."""
    n_reference: int
    """Number of reference records, which no model was trained on."""
    held_out: bool
    """Whether these were taken from the records, rather than given."""
    seconds: float
    """Of training all models."""
    failed: dict[str, str]
    """Models that could not be trained, with the reason."""
    remarks: list[str]
    """Reasons to doubt that the models are what was meant."""

    def notes(self) -> list[str]:
        """Return the facts as sentences."""
        made = (
            f"{self.name}: {self.n_models} models on {self.n_members} records each,"
            f" {self.seconds:.1f} s of training; {self.n_reference} reference records"
            f" {'held out' if self.held_out else 'given'}"
        )
        return [
            made,
            *(f"warning: {remark}" for remark in self.remarks),
            *(f"failed {name}: {reason}" for name, reason in self.failed.items()),
        ]
