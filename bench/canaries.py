"""Do kinds of canaries disturb each other in one population?

Trains a defense's canary population with all kinds, and once for each kind with the canaries of the
other kinds replaced by the records that they were made of. Canaries, membership and the seeds of
training are the same, so that only what the other canaries do to the models differs.

    python bench/canaries.py none selena '{ name = "vae-metric", epsilon = 4.0 }'

Prints a table: the AUC and the TPR at 1% FPR of lira with all kinds and alone, and the difference of the
AUC with its 95% interval (Student's t over the models' own AUCs).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from privbench.api import make_plans
from privbench.canaries import CanaryKind
from privbench.config import Overrides
from privbench.data import Data
from privbench.membership import Setting
from privbench.metrics import Pairs, Roc
from privbench.metrics.interval import t_quantile
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.report.numbers import interval_text, number
from privbench.stages import Context, MetricsStage, SettingStage, Stage
from privbench.storage.artifacts import Artifact

KINDS: tuple[CanaryKind, ...] = (
    "mislabel", "twin", "blank", "out-of-distribution", "permuted", "outlier",
)  # fmt: skip
SHARE = 0.1

Get = Callable[[Stage], Artifact]


def plan_of(defense: str) -> Plan:
    """Plan the benchmark ``location30`` with one defense, all kinds, and lira alone."""
    canaries = f"canaries={{ share = {SHARE}, kinds = {json.dumps(KINDS)} }}"
    named = defense if defense.startswith("{") else json.dumps(defense)
    settings = [canaries, f"defenses=[{named}]", 'attacks=["lira"]', 'knowledge=["adaptive"]']
    host = PluginHost(installed=False)
    (plan,) = make_plans(["location30"], host, overrides=Overrides.parse(settings))
    return plan


def getter(plan: Plan, kind: CanaryKind | None) -> Get:
    """Return what computes stages where only canaries of a kind are left; None leaves all."""
    artifacts: dict[str, Artifact] = {}

    def get(stage: Stage) -> Artifact:
        if stage.key not in artifacts:
            artifact = stage.compute(context)
            if kind is not None and isinstance(stage, SettingStage) and stage.clean is not None:
                artifact = Artifact(live=alone(artifact.live, get(stage.clean).live.pool, kind))
            artifacts[stage.key] = artifact
        return artifacts[stage.key]

    context = Context(get, plan.data.get, "cpu", lambda done, total: None)
    return get


def alone(shared: Setting, clean: Data, kind: CanaryKind) -> Setting:
    """Return the setting with the canaries of other kinds as the records that they were made of."""
    kept = shared.kind == kind
    x, y = clean.x.copy(), clean.y.copy()
    x[kept], y[kept] = shared.pool.x[kept], shared.pool.y[kept]
    return replace(shared, pool=Data(x, y, clean.spec))


def line(stage: MetricsStage, shared: Get, alone: Get) -> str:
    """Return the line of one kind."""
    setting: Setting = shared(stage.setting).live
    of_kind = setting.attacked("canaries", stage.canary_kind)
    cells, aucs = [], []
    for get in (shared, alone):
        scores = get(stage.scores).arrays["scores"][:, of_kind]
        models = zip(scores[:, None], setting.member[:, None, of_kind], strict=True)
        aucs.append(np.array([Roc.of(Pairs.of(s, member)).auc for s, member in models]))
        cells.append(get(stage).info)
    difference = aucs[1] - aucs[0]
    n = len(difference)
    reach = t_quantile(n) * difference.std(ddof=1) / n**0.5
    mean = float(difference.mean())
    rates = [info["tpr_at_fpr"]["0.01"] for info in cells]
    texts = (
        *(number(info["auc"]) for info in cells),
        interval_text(mean, (mean - reach, mean + reach)),
        *(interval_text(rate["value"], rate["ci"]) for rate in rates),
    )
    return f"| `{stage.canary_kind}` | {' | '.join(texts)} |"


def main() -> None:
    """Print the lines of each defense."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("defenses", nargs="+", help="as in benchmarks.toml, without quotes")
    for defense in parser.parse_args().defenses:
        plan = plan_of(defense)
        shared = getter(plan, None)
        for stage in plan.trials[0].metrics:
            if isinstance(stage, MetricsStage) and stage.canary_kind is not None:
                kind = getter(plan, stage.canary_kind)
                print(f"| `{defense}` {line(stage, shared, kind)}", flush=True)


if __name__ == "__main__":
    main()
