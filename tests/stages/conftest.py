"""Compute single stages of a small plan, without a runner."""

import pytest

from privbench.api import make_plans
from privbench.config import Overrides
from privbench.stages import Context


@pytest.fixture
def plan(host, config):
    """Plan ``small`` with overrides."""

    def make(*overrides, select=None):
        trained_by_default = not any(text.startswith(("models", "mlp")) for text in overrides)
        quick = ("mlp.epochs=2",) if trained_by_default else ()
        overrides = Overrides.parse((*quick, *overrides))
        (plan,) = make_plans(["small"], host, config=config, overrides=overrides, select=select)
        return plan

    return make


@pytest.fixture
def compute():
    """Compute a stage of a plan and what it depends on; each stage is computed once."""
    artifacts = {}

    def context_of(plan):
        def get(stage):
            if stage.key not in artifacts:
                artifacts[stage.key] = stage.compute(context)
            return artifacts[stage.key]

        context = Context(get, plan.data.get, "cpu", lambda done, total: None)
        return context

    return lambda plan, stage: context_of(plan).get(stage)


@pytest.fixture
def context(compute):
    """The context in which the stages of a plan are computed."""
    return lambda plan: Context(
        lambda stage: compute(plan, stage), plan.data.get, "cpu", lambda done, total: None
    )
