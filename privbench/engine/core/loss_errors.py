"""Explain torch's errors about losses that look at the values of their tensors.

A loss runs for all models of a chunk under ``torch.func.vmap``, and may be recorded (``speed.tracing``).
Neither can follow Python code that depends on a tensor's values, and their messages are about torch's
internals and not about the loss.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from privbench.engine.core.loss import Batch, Forward, Loss

VALUE_ERRORS = (
    "data-dependent control flow",  # if, while, bool()
    ".item()",
    "dynamic shape",  # nonzero(), a boolean mask as index
    "tracing tensor",  # the same in a recorded step
    "doesn't have storage",  # numpy(), tolist()
)
"""Parts of the messages of torch's errors about values."""


class ValueDependentLoss(ValueError):
    """A loss looks at the values of its tensors."""


def explained(loss: Loss) -> Loss:
    """Return ``loss`` with torch's errors about values replaced by one that says what to write.

    The loss returned raises ValueDependentLoss, with torch's error as its cause, where ``loss`` itself
    looks at values. Errors inside the module's forward pass are left as they are.
    """

    def run(forward: Forward, batch: Batch) -> Tensor:
        module_errors: list[RuntimeError] = []

        def watched(*inputs: Any, **named: Any) -> Any:
            try:
                return forward(*inputs, **named)
            except RuntimeError as error:
                module_errors.append(error)
                raise

        try:
            return loss(watched, batch)
        except RuntimeError as error:
            if error in module_errors or not any(part in str(error) for part in VALUE_ERRORS):
                raise
            raise ValueDependentLoss(
                "the loss looks at the values of its tensors (by `if` or `while` on a tensor, .item(),"
                " float(), .numpy() or a boolean mask as index), which is impossible where all models"
                " are trained at once; choose between two tensors by torch.where(condition, a, b)"
            ) from error

    return run
