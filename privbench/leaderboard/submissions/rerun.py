"""Compute rows of a submission again: a sample of its own trials, and the same trials with secret seeds.

The same seed shows numbers that were changed, and a secret one a defense that only works on the seeds
that its author saw. Secret seeds are drawn when a submission is verified, and told afterwards.

What runs is the code of the submitter's plugin, on this machine and with the rights of whoever verifies:
read a plugin before it is run, or run it where it can do no harm.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.errors import BadInput
from privbench.leaderboard.submissions.rebuilt import benchmark_from, plan_of
from privbench.report.curves import Curves, curves_stored_in
from privbench.report.differences import Errors, stored_in
from privbench.report.frontier import RANKED_BY
from privbench.report.recorded import recorded_in, recorded_lines
from privbench.storage.artifacts import Store
from privbench.storage.environment import environment
from privbench.storage.results import Row

if TYPE_CHECKING:
    from privbench.config.benchmark import Benchmark
    from privbench.plan import Plan
    from privbench.plugins.host import PluginHost

TRIAL = ("dataset", "defense", "model", "attack", "knowledge")
"""The columns that name a trial, but for its seed."""


@dataclass(frozen=True)
class Rerun:
    """What was computed again."""

    rows: list[Row]
    """Rows of sampled trials, with seeds of the submission."""
    secret: list[Row]
    """Rows of the same trials with secret seeds."""
    seeds: tuple[int, ...]
    """The secret seeds."""
    environment: Mapping[str, Any]
    """Versions and hardware here."""
    code: Mapping[str, str]
    """Version and digest of the code of privbench here."""
    errors: Errors
    """How well differences between rows with seeds of the submission are known."""
    curves: Curves
    """ROC curves of rows with seeds of the submission."""
    contents: Mapping[str, str | None]
    """Digests of the artifacts behind rows with seeds of the submission, by the keys of their stages."""
    complete: bool
    """Whether all trials that are ok were computed again."""


def rerun(
    content: Mapping[str, Any],
    host: PluginHost,
    *,
    share: float,
    seeds: int,
    device: str,
    results: str | Path | None = None,
) -> Rerun:
    """Compute a sample of the trials of a consistent submission again, and secret seeds of them.

    Args:
        content: the submission.
        host: the plugins, among them that of the defense.
        share: the share of the trials to compute again, in (0, 1]. At least one trial of each
            defense is.
        seeds: how many secret seeds.
        device: the torch device.
        results: a folder to compute in. It must be new; by default it is temporary.

    Raises:
        BadInput: a component is not registered here, a plugin is another file, or a trial failed here.
    """
    if seeds < 1:
        raise BadInput(f"--seeds {seeds} (allowed: 1 or more)")
    _check_plugins(content, host)
    source = random.SystemRandom()
    benchmark = benchmark_from(content["benchmark"], content["configuration"], host)
    names = sampled(content, share, source)
    secret = tuple(
        seed
        for seed in (int.from_bytes(os.urandom(4)) for _ in range(seeds + len(benchmark.seeds)))
        if seed not in benchmark.seeds
    )[:seeds]
    plain = {name.rpartition("/")[0] for name in names}
    with_secret = {f"{name}/seed={seed}" for name in plain for seed in secret}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(results) if results is not None else Path(temporary)
        if (root / "results.sqlite").exists():
            raise BadInput(f"--results {root}: has results (allowed: a new folder)")
        plan, own = run_trials(benchmark, names, host, root, device)
        _, others = run_trials(replace(benchmark, seeds=secret), with_secret, host, root, device)
        errors = recorded_in(own, recorded_lines(own, stored_in(Store(root))))
        stored = curves_stored_in(Store(root))
        bands = {row["metrics_key"]: stored(row) for row in own}
        contents = {stage.key: Store(root).content(stage.kind, stage.key) for stage in plan.stages}
    code = next(iter(plan.stages)).provenance["privbench"]
    ok = {trial_name(row) for row in content["rows"] if row["status"] == "ok"}
    here = environment(host.third_party, _device(device), host.switched_off)
    return Rerun(
        own,
        others,
        secret,
        here,
        code,
        errors,
        lambda row: bands[row["metrics_key"]],
        contents,
        names >= ok,
    )


def sampled(content: Mapping[str, Any], share: float, source: random.Random) -> set[str]:
    """Return the names of the trials to compute again: a share of those that have numbers.

    At least one trial of each defense is among them, one of the attack that ranks it if there is one,
    and all trials without numbers: what would look bad might have been left out.
    """
    if not 0 < share <= 1:
        raise BadInput(f"--share {share} (allowed: more than 0, at most 1)")
    names: dict[str, set[str]] = {}
    ranking, without = set(), set()
    for row in content["rows"]:
        name = trial_name(row)
        if row["status"] != "ok":
            without.add(name)
            continue
        names.setdefault(row["defense"], set()).add(name)
        if (row["attack"], row["knowledge"]) == (RANKED_BY, "adaptive"):
            ranking.add(name)
    everything = sorted(set().union(*names.values()))
    if not everything:
        raise BadInput("no trial of the submission is ok, so there is nothing to compute again")
    chosen = set(source.sample(everything, max(1, round(share * len(everything))))) | without
    for own in names.values():
        wanted = own & ranking or own
        if not chosen & wanted:
            chosen.add(source.choice(sorted(wanted)))
    return chosen


def trial_name(row: Mapping[str, Any]) -> str:
    """Return the name of the trial of a row, as ``str(Trial)`` gives it."""
    return "/".join([*(row[name] for name in TRIAL), f"seed={row['seed']}"])


def run_trials(
    benchmark: Benchmark, names: Collection[str], host: PluginHost, results: Path, device: str
) -> tuple[Plan, list[Row]]:
    """Run some trials of a benchmark; return their plan and their rows."""
    from privbench.api import run_plan

    plan = plan_of(benchmark, names.__contains__)
    return plan, run_plan(plan, host, results=results, device=device)


def _check_plugins(content: Mapping[str, Any], host: PluginHost) -> None:
    """Check that single-file plugins here are those of the submission, if it says which they were."""
    from privbench.leaderboard.submissions.submission import plugin_files

    here = {line["sha256"] for line in plugin_files(host) if line["sha256"]}
    for line in content["submission"]["plugins"]:
        if line["sha256"] is not None and line["sha256"] not in here:
            raise BadInput(
                f"submission.plugins: {line['name']!a} with sha256 {line['sha256']} is not loaded"
                f" (loaded: {', '.join(sorted(here)) or 'no single file'}); give it with -p"
            )


def _device(device: str) -> str:
    from privbench.config.device import resolve_device

    return resolve_device(device)
