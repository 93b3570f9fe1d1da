"""The entries of a board, from the rows of one (benchmark, dataset, model)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from privbench.leaderboard.board import Attacked, Curve, Entry, Flag, Label, Number
from privbench.report.audits import audited
from privbench.report.canaries import worst_kinds
from privbench.report.curves import Curves, no_curves
from privbench.report.frontier import exposure_of, exposures, on_data
from privbench.report.guarantees import guarantee_text
from privbench.report.seeds import parts_of
from privbench.storage.results import Row, Run

BROKEN = "a condition of its guarantee is not met"


def number_of(value: float, interval: Sequence[float] | None) -> Number:
    """Return a number with its interval, which may be missing."""
    return Number(value, *interval) if interval is not None else Number(value)


def attacked_of(row: Row, curves: Curves = no_curves) -> Attacked:
    """Return what an attack finds, given its row, which is ok, and the ROC curves of rows."""
    rates = row["tpr_at_fpr"] or {}
    low, high = (rates.get(fpr) or {"value": None, "ci": None} for fpr in ("0.001", "0.01"))
    return Attacked(
        attack=row["attack"],
        knowledge=row["knowledge"],
        canary_kind=row["canary_kind"],
        auc=number_of(row["auc"], row["auc_ci"]),
        tpr_at_1=None if high["value"] is None else number_of(high["value"], high["ci"]),
        tpr_at_01=None if low["value"] is None else number_of(low["value"], low["ci"]),
        row=row,
        curve=curve_of(row, curves),
    )


def curve_of(row: Row, curves: Curves) -> Curve | None:
    """Return the ROC curve of a row; of several seeds, the means of their TPRs and of their bands."""
    bands = [band for band in map(curves, parts_of(row).values()) if band is not None]
    if not bands:
        return None
    shortest = min(bands, key=lambda band: len(band.fpr))  # where all are resolved
    values = [
        np.mean([getattr(band, name)[-len(shortest.fpr) :] for band in bands], axis=0).tolist()
        for name in ("tpr", "low", "high")
    ]
    return Curve(shortest.fpr.tolist(), *values)


def make_entry(
    rows: Sequence[Row], run: Run, label: Label, slug: str, curves: Curves, position: dict[str, Any]
) -> Entry:
    """Return the entry of a defense.

    Args:
        rows: all rows of the defense on the board, seeds combined, of which at least one is ok.
        run: the run they are from.
        label: how far a submission was checked.
        slug: the name of its page.
        curves: the ROC curves of rows.
        position: the fields that depend on the other entries: ``rank``, ``not_ranked``, ``margin`` and
            ``on_front``.
    """
    first, ok = rows[0], [row for row in rows if row["status"] == "ok"]
    known = ok[0]
    of_model = [row for row in ok if not on_data(row)]
    records = [row for row in of_model if row["subset"] == "records"]
    adaptive = [row for row in records if row["knowledge"] == "adaptive"]
    naive = [row for row in records if row["knowledge"] == "naive"]
    canaries = worst_kinds([r for r in of_model if r["subset"] == "canaries"], "tpr")
    data = [row for row in ok if on_data(row) and row["subset"] == "records"]
    audit = audited(ok)
    attacked = [attacked_of(row, curves) for row in ok]
    deciding = exposures(records, "auc").get(first["defense"])
    return Entry(
        defense=first["defense"],
        slug=slug,
        label=label,
        accuracy=number_of(known["test_accuracy"], known["test_accuracy_ci"]),
        generalization_gap=known["train_accuracy"] - known["test_accuracy"],
        ranked_by=None if deciding is None else attacked_of(deciding),
        strongest=_largest(adaptive, "auc"),
        naive=_largest(naive, "auc"),
        canaries=_worst_canaries(canaries, first["defense"]),
        release=_largest(data, "auc"),
        claim=" ".join(guarantee_text(known["guarantee"])).strip() if known["guarantee"] else "",
        verdict=audit.verdict or "",
        audited=audit.bound,
        ceiling=audit.ceiling,
        detectable=audit.detectable,
        flags=[*flags_of(ok), *broken_conditions(known["guarantee"])],
        seconds=max((row["seconds"] for row in ok if row["seconds"] is not None), default=None),
        attacked=sorted(attacked, key=_order),
        failed=[row for row in rows if row["status"] != "ok"],
        configuration=configuration_of(first["defense"], run),
        run=run,
        command=command_of(first["defense"], run),
        **position,
    )


def flags_of(rows: Sequence[Row]) -> list[Flag]:
    """Return the warnings of rows, each once."""
    from privbench.metrics.warnings import KINDS

    given = {warning["name"] for row in rows for warning in row["warnings"] or ()}
    return [Flag(kind.mark, kind.note) for name, kind in KINDS.items() if name in given]


def broken_conditions(guarantee: Any) -> list[Flag]:
    """Return a flag if conditions of a guarantee, as rows have it, are not met."""
    if guarantee is None:
        return []
    from privbench.privacy import Guarantee

    broken = [str(c) for c in Guarantee.from_json(guarantee).conditions if c.broken]
    return [Flag("U", f"{BROKEN}: {'; '.join(broken)}")] if broken else []


def configuration_of(defense: str, run: Run) -> dict[str, Any]:
    """Return the generator and mechanisms of a defense with all parameters; empty if not recorded."""
    defenses = (run.configuration or {}).get("defenses", [])
    return next((given for given in defenses if given["label"] == defense), {})


def command_of(defense: str, run: Run) -> str:
    """Return the command that computes the rows of a defense again.

    ``run.remark`` has the overrides of the run, one after the other, each of which has an ``=``. Plugins
    that are single files are named without their folder, which is another one for every reader.
    """
    words = ["privbench", "run", run.benchmark]
    for plugin in run.environment.get("plugins", {}):
        if plugin.endswith(".py"):
            words += ["-p", PurePath(plugin).name]
    for override in overrides_of(run.remark):
        words += ["--set", override]
    return shlex.join([*words, "-k", f"/{defense}/"])


def overrides_of(remark: str) -> list[str]:
    """Return the overrides in the remark of a run; a selection by ``-k`` is none.

    >>> overrides_of("population=64, seeds=[0, 1], -k 'none, or'")
    ['population=64', 'seeds=[0, 1]']
    """
    parts: list[str] = []
    for part in remark.split(", "):
        name = part.partition("=")[0]
        if part.startswith("-k "):
            break
        if "=" in part and name.replace(".", "").replace("-", "").replace("_", "").isalnum():
            parts.append(part)
        elif parts:
            parts[-1] += f", {part}"
    return parts


def _largest(rows: Sequence[Row], measure: str) -> Attacked | None:
    known = [row for row in rows if exposure_of(row, measure) is not None]
    if not known:
        return None
    return attacked_of(max(known, key=lambda row: exposure_of(row, measure) or 0.0))


def _worst_canaries(merged: Sequence[Row], defense: str) -> Attacked | None:
    """Return the worst kind of canaries, by TPR at 1% FPR, corrected for the choice."""
    row = exposures(merged, "tpr").get(defense)
    return None if row is None else attacked_of(row)


def _order(attacked: Attacked) -> tuple[Any, ...]:
    """Records first, by kind of canaries; adaptive before naive; the most exposed first."""
    return (
        attacked.canary_kind or "",
        on_data(attacked.row),
        attacked.knowledge,
        -attacked.auc.value,
    )
