"""Train by a user's own function, and take what its accountant says as the guarantee.

    def train(model, data, seed):
        engine = PrivacyEngine()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        loader = DataLoader(data, batch_size=64)
        model, optimizer, loader = engine.make_private(
            module=model, optimizer=optimizer, data_loader=loader,
            noise_multiplier=1.0, max_grad_norm=1.0,
        )
        for x, y in loader:
            ...
        return engine

The accountant counts the steps that the engine took: noise, sampling rate, number. Nothing shows that
the model was trained by them, or that the gradients were clipped. That is for the audit to find out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, JsonValue, field_validator, model_validator

from privbench import (
    Guarantee,
    GuaranteeContext,
    PrivbenchError,
    SampledGaussianSteps,
    TrainingLoop,
)
from privbench_opacus.functions import check_arguments, chosen, function_of

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from privbench import TorchModel

RECIPE = ("optimizer", "lr", "momentum", "weight_decay", "epochs", "batch_size")
"""Parameters of the target model that a function gets if it has arguments of these names."""


class Opacus(TrainingLoop):
    """Your own training function with Opacus, whose accountant's epsilon is the guarantee."""

    name = "opacus"
    paper = "Yousefpour et al. 2021, arXiv 2109.12298"
    seedless: ClassVar[frozenset[str]] = frozenset(
        {"path"}
    )  # the same draws wherever the file lies

    path: str = Field(
        min_length=1,
        description="the Python file with the function; in benchmarks.toml relative to that file",
        json_schema_extra={"path": True},
    )
    function: str = Field(
        "train", min_length=1, description="the function: train(model, data, ...)"
    )
    arguments: dict[str, JsonValue] = Field(
        {}, description="further arguments of the function, such as its noise"
    )
    delta: float = Field(1e-5, gt=0, lt=1, description="delta of the guarantee")

    @model_validator(mode="after")
    def _check_function(self) -> Opacus:
        check_arguments(self._function(), {"seed", *RECIPE}, set(self.arguments))
        return self

    @field_validator("delta")
    @classmethod
    def _check_delta(cls, value: float) -> float:
        if value < 1e-12:  # below which sums of losses in floating point say nothing
            raise ValueError("allowed: from 1e-12")
        return value

    def code_used(self) -> tuple[str, ...]:
        """Return the user's file, and Opacus."""
        return (self.path, "opacus")

    def train(
        self, module: nn.Module, x: Tensor, y: Tensor, model: TorchModel, rng: np.random.Generator
    ) -> dict[str, float]:
        """Train ``module`` by the function, and return what its accountant says."""
        from torch.utils.data import TensorDataset

        function = self._function()
        known = {key: getattr(model, key) for key in RECIPE} | {"seed": int(rng.integers(2**31))}
        returned = function(module, TensorDataset(x, y), **chosen(function, known) | self.arguments)
        return accounted(returned, self.delta, self.function)

    def guarantee(self, context: GuaranteeContext) -> Guarantee | None:
        """Return the epsilon of the accountant; None for models that are not trained yet.

        Where the accountant has counted equal steps, the guarantee has the profile of such steps for
        replacing a record, which is tighter than what follows from epsilon.
        """
        facts = context.facts
        if "epsilon" not in facts:
            return None
        conditions = (
            f"{self.function} of {Path(self.path).name} takes the steps that its accountant counts",
            "Poisson sampling",
            "the number of records is public",
        )
        profile, gaussian = (), False
        if "steps" in facts:
            steps = SampledGaussianSteps(facts["sample_rate"], round(facts["steps"]), self.delta)
            tight = steps.guarantee(facts["noise_multiplier"])
            profile, gaussian = tight.profile, tight.gaussian
        return Guarantee(
            "dp", facts["epsilon"], self.delta, "add-remove", "the function's (Opacus)", conditions,
            profile=profile, gaussian=gaussian,
        )  # fmt: skip

    def _function(self) -> Callable[..., Any]:
        return function_of(Path(self.path), self.function)


def accounted(returned: Any, delta: float, name: str) -> dict[str, float]:
    """Return what an engine or accountant of Opacus says, or the epsilon that a function returned.

    That is ``epsilon``, and if all steps were alike also ``noise_multiplier``, ``sample_rate`` and
    ``steps``.
    """
    from opacus import PrivacyEngine
    from opacus.accountants.accountant import IAccountant

    accountant = returned.accountant if isinstance(returned, PrivacyEngine) else returned
    if isinstance(accountant, int | float) and not isinstance(accountant, bool):
        return {"epsilon": float(accountant)}
    if not isinstance(accountant, IAccountant):
        raise PrivbenchError(
            f"{name} returned {type(returned).__name__}, expected the PrivacyEngine that it has used,"
            " its accountant, or an epsilon"
        )
    if not accountant.history:
        raise PrivbenchError(
            f"the accountant that {name} returned has counted no step: train with the optimizer and the"
            " data loader that make_private returns"
        )
    facts = {"epsilon": float(accountant.get_epsilon(delta=delta))}
    if len({(noise, rate) for noise, rate, _ in accountant.history}) == 1:
        noise, rate, _ = accountant.history[0]
        steps = sum(count for _, _, count in accountant.history)
        facts |= {"noise_multiplier": noise, "sample_rate": rate, "steps": steps}
    return facts
