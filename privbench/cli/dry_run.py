"""What ``privbench run --dry-run`` prints: the stages of plans, and how long they will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from privbench.cli.output import echo, print_json, print_table, wrapped
from privbench.escape import one_line
from privbench.forecast import NOTHING, Forecast, Forecasts
from privbench.report.numbers import bytes_text, duration
from privbench.wording import plural, shortened

if TYPE_CHECKING:
    from privbench.memory import Peak
    from privbench.plan import Plan
    from privbench.stages import Stage
    from privbench.storage.artifacts import Store


@dataclass
class Totals:
    """The stages of one kind, or all stages."""

    stored: int = 0
    unneeded: int = 0
    compute: int = 0
    forecast: Forecast = NOTHING
    """Of those to compute for which there is a history."""
    unknown: list[str] = field(default_factory=list)
    """Those to compute for which there is none."""

    def add(self, status: str, stage: Stage, forecast: Forecast | None) -> None:
        """Count a stage."""
        self.stored += status == "stored"
        self.unneeded += status == "not needed"
        if status == "compute":
            self.compute += 1
            if forecast is None:
                self.unknown.append(" ".join(b.name for b in stage.components) or stage.kind)
            else:
                self.forecast += forecast

    def time(self) -> str:
        """Return the time that is left to compute, as a cell."""
        if not self.compute:
            return ""
        if len(self.unknown) == self.compute:
            return "no history"
        text = range_text(self.forecast)
        return f"{text}, {len(self.unknown)} without history" if self.unknown else text

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values; seconds are None without any history."""
        known = self.compute == 0 or len(self.unknown) < self.compute
        forecast = self.forecast
        return {
            "stored": self.stored,
            "not needed": self.unneeded,
            "compute": self.compute,
            "without history": len(self.unknown),
            "seconds": forecast.seconds if known else None,
            "range": [forecast.low, forecast.high] if known else None,
            "bytes": round(forecast.bytes) if known else None,
        }


def range_text(forecast: Forecast) -> str:
    """Return a forecast with its range, if both ends of it read differently."""
    low, middle, high = map(duration, (forecast.low, forecast.seconds, forecast.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def print_plans(
    plans: Sequence[Plan], store: Store, forecasts: Forecasts, *, as_json: bool, each: bool
) -> None:
    """Print what is stored and what would be computed, and the time and memory that it takes.

    Args:
        plans: the plans.
        store: what is stored.
        forecasts: how long stages take.
        as_json: whether to print JSON.
        each: whether to print a line for each stage, too.
    """
    from privbench.computation import missing_stages
    from privbench.memory import forecast_memory

    lines: list[dict[str, Any]] = []
    kinds: dict[str, Totals] = {}
    total = Totals()
    for plan in plans:
        for stage, status in _statuses(plan, store):
            forecast = forecasts.of(stage) if status == "compute" else None
            lines.append(_line(plan, stage, status, forecast))
            kinds.setdefault(stage.kind, Totals()).add(status, stage, forecast)
            total.add(status, stage, forecast)
    peaks = [forecast_memory(plan, missing_stages(plan, store)) for plan in plans]
    peak = max(peaks, key=lambda one: one.bytes)
    rejected = [
        {"trial": str(trial), "status": trial.rejected.status, "reason": trial.rejected.reason}
        for plan in plans
        for trial in plan.trials
        if trial.rejected
    ]
    if as_json:
        totals = {"kinds": {k: t.to_json() for k, t in kinds.items()}, "total": total.to_json()}
        history = {"stages": forecasts.n_times, "device": forecasts.device}
        memory = {"bytes": peak.bytes, "stage": peak.stage and str(peak.stage)}
        rest = {"memory": memory, "history": history}
        print_json({"stages": lines, "rejected": rejected, **totals, **rest})
        return
    for line in lines if each else []:
        echo(f"{line['status']:10}  {line['stage']:12}  {line['key'][:8]}  {one_line(line['of'])}")
    print_table([_cells(kind, totals, bool(total.unneeded)) for kind, totals in kinds.items()])
    for line in rejected:
        echo(f"{line['status']:10}  " + one_line(f"{line['trial']}: {line['reason']}"))
    trials = sum(len(plan.trials) for plan in plans)
    echo(f"{trials} trials; {sum(map(_count, kinds.values()))} stages, {total.compute} to compute")
    if total.compute:
        echo(wrapped(_summary(total), ""))
        echo(f"memory: about {bytes_text(peak.bytes)} at most{_most(peak)}")
    if len(total.unknown) < total.compute:
        echo(wrapped(_basis(forecasts), ""))


def _statuses(plan: Plan, store: Store) -> list[tuple[Stage, str]]:
    from privbench.computation import needed

    compute = {stage.key for stage in needed(plan, store)}

    def status(stage: Stage) -> str:
        if stage.key in compute:
            return "compute"
        return "stored" if store.has(stage.kind, stage.key) else "not needed"

    return [(stage, status(stage)) for stage in plan.stages if stage.stored]


def _line(plan: Plan, stage: Stage, status: str, forecast: Forecast | None) -> dict[str, Any]:
    return {
        "benchmark": plan.benchmark.name,
        "status": status,
        "stage": stage.kind,
        "of": stage.title,
        "key": stage.key,
        "seconds": None if forecast is None else forecast.seconds,
    }


def _cells(kind: str, totals: Totals, with_unneeded: bool) -> dict[str, str]:
    unneeded = {"not needed": str(totals.unneeded)} if with_unneeded else {}
    return {
        "stage": kind,
        "stored": str(totals.stored),
        **unneeded,
        "to compute": str(totals.compute),
        "time": totals.time(),
    }


def _count(totals: Totals) -> int:
    return totals.stored + totals.unneeded + totals.compute


def _most(peak: Peak) -> str:
    """Return which kind of stage takes most memory; empty if none takes more than the program."""
    return "" if peak.stage is None else f", by a stage of {peak.stage.kind}"


def _basis(forecasts: Forecasts) -> str:
    """Return what a forecast is made from, and what it therefore does not know."""
    stages = plural(forecasts.n_times, f"{forecasts.device} stage")
    return (
        f"this is from {stages} that were computed with this results folder, and so about the machine"
        " that did; another one, or a busier one, takes other times"
    )


def _summary(total: Totals) -> str:
    """Return how long everything will take, and what that does not know."""
    if len(total.unknown) == total.compute:
        return "time: not known; no stages like these have been computed in this results folder"
    text = f"time: {range_text(total.forecast)}; disk: {bytes_text(total.forecast.bytes)}"
    if total.unknown:
        names = list(dict.fromkeys(total.unknown))
        text += f", and what has no history: {shortened(list(map(one_line, names)), 6)}"
    return text
