"""Check what target models and training mechanisms return: modules, and trained populations.

Both checks call the model's code, and so are made under `calling`, which names the component.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from privbench.components.checks import shown
from privbench.errors import PrivbenchError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from privbench.data import DataSpec

PROBES = 8
"""Random records on which a freshly built module is tried."""
TOLERANCE = 1e-4
"""How far a row may be from a sum of one and still count as probabilities."""


def check_build(build: Callable[[], nn.Module], spec: DataSpec) -> None:
    """Build a model twice and try it on random records; the draws of training are not touched.

    Raises:
        PrivbenchError: ``build`` does not return a fresh module, the module does not give one output
            for each class, or it gives probabilities instead of logits.
    """
    import torch

    from privbench.engine import build_seeded

    module, again = build_seeded(build, 0), build_seeded(build, 0)
    if not isinstance(module, torch.nn.Module):
        raise PrivbenchError(f"build returned {shown(module)}, expected a torch.nn.Module")
    weights = {weight.data_ptr() for weight in module.parameters()}
    if not weights:
        raise PrivbenchError("build returned a module without parameters to train")
    if weights & {weight.data_ptr() for weight in again.parameters()}:
        raise PrivbenchError(
            "build returned the same weights twice; it must make a new module at each call"
        )
    outputs = _try(module, spec)
    expected = f"expected logits of shape ({PROBES}, {spec.n_classes}), one output for each class"
    if not isinstance(outputs, torch.Tensor) or outputs.shape != (PROBES, spec.n_classes):
        raise PrivbenchError(f"its module returned {shown(outputs)}, {expected}")
    if not outputs.is_floating_point():
        raise PrivbenchError(f"its module returned {outputs.dtype}, {expected}")
    if (outputs >= 0).all() and ((outputs.sum(1) - 1).abs() < TOLERANCE).all():
        raise PrivbenchError(
            "its module returns probabilities, since they are non-negative and each row sums"
            " to one; return logits: leave out the softmax"
        )


def _try(module: nn.Module, spec: DataSpec) -> Any:
    """Return the outputs of a module, in eval mode, on random records of the kind that it will get."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        x: Tensor = torch.rand(PROBES, *spec.shape)
        if spec.kind == "binary":
            x = x.round()
        elif spec.kind == "tabular":
            x = torch.randn(PROBES, *spec.shape)
        return module.eval()(x)


def check_population(returned: Any, build: Callable[[], nn.Module], seeds: Sequence[int]) -> None:
    """Raise PrivbenchError unless a mechanism returned one trained model for each seed.

    Weights that are still those that a model began with were not trained. An attack would find
    nothing in them, and the defense would look perfect.
    """
    import torch

    from privbench.engine import Population, build_seeded

    if not isinstance(returned, Population):
        raise PrivbenchError(
            f"train_population returned {shown(returned)}, expected what task.train returns"
        )
    if len(returned) != len(seeds):
        raise PrivbenchError(
            f"train_population returned {len(returned)} models, expected {len(seeds)}"
        )
    for model, seed in enumerate(seeds):
        first = dict(build_seeded(build, seed).named_parameters())
        trained = {weight: stacked[model].cpu() for weight, stacked in returned.params.items()}
        if first.keys() == trained.keys() and all(
            torch.equal(trained[weight], first[weight]) for weight in first
        ):
            raise PrivbenchError(
                f"model {model} has the weights that it began with, so nothing was trained;"
                " change the module in place, by an optimizer of its parameters"
            )
