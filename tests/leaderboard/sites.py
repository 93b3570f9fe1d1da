"""A leaderboard made by hand, small, with names and reasons that try to get out of their place."""

from __future__ import annotations

from typing import Any

import numpy as np

from privbench.leaderboard.board import (
    Attacked,
    AttackSummary,
    Board,
    Curve,
    Entry,
    Flag,
    Number,
    Site,
)
from privbench.leaderboard.frozen.judgement import JudgedRow, Judgement
from privbench.leaderboard.submissions.reported import Reported, ReportedNumber
from privbench.report.differences import Differences
from privbench.storage.results import COLUMNS, Row, Run

PAPER = "https://example.org/p"
HOSTILE = "<script>boom()</script>\"'&\u2028\x1b[31m\u202e</title>"
CONDITIONS = [
    {"text": "Poisson sampling", "met": None, "why": "", "name": ""},
    {"text": HOSTILE, "met": False, "why": "it is " + HOSTILE, "name": ""},
]
DP = {
    "kind": "dp", "epsilon": 4.0, "delta": 1e-5, "adjacency": "add-remove", "accountant": "pld",
    "conditions": CONDITIONS, "covers": "records",
}  # fmt: skip
RISK = {
    "n_records": 120, "n_exposed": 7, "max_auc": 1.0, "max_by_chance": 0.77, "mean_auc": 0.6,
    "comparisons": 60.0,
    "most_exposed": [{"record": 10, "auc": 1.0}, {"record": 18, "auc": 0.98}],
}  # fmt: skip

MECHANISM = {"name": "dp-sgd", "from": "privbench 0.1.0", "params": {"epsilon": 4.0}}


def row(**values: Any) -> Row:
    return {**dict.fromkeys(COLUMNS), "status": "ok", "reason": "", "warnings": [], **values}


def number(value: float, reach: float = 0.01) -> Number:
    return Number(value, value - reach, value + reach)


def attacked(
    defense: str, attack: str, auc: float, knowledge: str = "adaptive", kind: str | None = None,
    observes: str = "probabilities", guarantee: dict[str, Any] | None = None,
) -> Attacked:  # fmt: skip
    subset = "canaries" if kind else "records"
    fpr = np.geomspace(1e-3, 1, 20)
    tpr = fpr ** (2 * (1 - auc))
    return Attacked(
        attack, knowledge, kind, number(auc), number(auc / 4), None if kind else number(auc / 9),
        row(defense=defense, attack=attack, knowledge=knowledge, observes=observes, subset=subset,
            canary_kind=kind, seed=0, n_models=16, auc=auc, auc_ci=[auc - 0.01, auc + 0.01],
            tpr_at_fpr={"0.01": {"value": auc / 4, "ci": [auc / 4 - 0.01, auc / 4 + 0.01]}},
            test_accuracy=auc, test_accuracy_ci=[auc - 0.01, auc + 0.01],
            guarantee=guarantee, record_risk=None if kind else RISK),
        Curve(list(fpr), list(tpr), list(tpr * 0.8), list(np.minimum(tpr * 1.2, 1))),
    )  # fmt: skip


def entry(
    name: str, slug: str, accuracy: float, auc: float, rank: tuple[int, int] | None, run: Run,
    **values: Any,
) -> Entry:  # fmt: skip
    guarantee = DP if "dp-sgd" in name else None
    ranked = attacked(name, "auto", auc, guarantee=guarantee)
    naive = attacked(name, "loss", auc - 0.01, "naive")
    canaries = attacked(name, "auto", min(auc + 0.1, 0.99), kind="mislabel")
    release = attacked(name, "dcr", 0.99, observes="synthetic") if "vae" in name else None
    fields: dict[str, Any] = {
        "label": "",
        "not_ranked": "" if rank else "a baseline",
        "margin": number(0.02) if rank else None,
        "on_front": False,
        "generalization_gap": 0.1,
        "ranked_by": ranked,
        "strongest": ranked,
        "naive": naive,
        "canaries": canaries,
        "release": release,
        "claim": "4 dp" if guarantee else "",
        "verdict": "not tested" if guarantee else "",
        "audited": 0.5,
        "ceiling": 3.2,
        "detectable": 4.5,
        "flags": [],
        "seconds": 61.0,
        "attacked": [a for a in (ranked, naive, canaries, release) if a],
        "failed": [],
        "configuration": {"label": name, "generator": None, "mechanisms": [MECHANISM]},
        "command": "privbench run small -k " + name,
    }
    return Entry(
        defense=name,
        slug=slug,
        rank=rank,
        accuracy=number(accuracy, 0.02),
        run=run,
        **fields | values,
    )


def site() -> Site:
    run = Run(
        "small", "population=16", "2026-01-02T03:04:05+00:00", "2026-01-02T04:04:05+00:00", 300.0,
        {"python": "3.11.7", "privbench": "0.1.0", "commit": "c9e9ce4b311f", "clean": True,
         "libraries": {"torch": "2.13.0"}, "plugins": {HOSTILE: HOSTILE},
         "machine": "Linux x86_64", "cpus": 2, "device": "cpu"},
        None, [],
    )  # fmt: skip
    failed = row(
        attack="rmia", knowledge="naive", subset="records", status="failed", reason=HOSTILE
    )
    entries = [
        entry("dp-sgd[epsilon=4]", "small-dp-sgd-4", 0.70, 0.53, (1, 2), run, on_front=True),
        entry("vae-metric", "small-vae-metric", 0.71, 0.55, (1, 2), run, on_front=True,
              flags=[Flag("R", "the outputs are random; average several queries")]),
        entry(HOSTILE, "small-hostile", 0.65, 0.62, (3, 3), run, label="reported",
              flags=[Flag("<b>", HOSTILE)], failed=[failed]),
        entry("none", "small-none", 0.80, 0.75, None, run),
        entry("public-only", "small-public-only", 0.60, 0.50, None, run),
        entry("rounding", "small-rounding", 0.55, 0.60, None, run,
              not_ranked="less accurate than public-only"),
    ]  # fmt: skip
    board = Board(
        "small-blobs-mlp", "blobs, mlp", "small", "blobs", "mlp", 16, [0],
        "dp-sgd[epsilon=4] and vae-metric cannot be told apart; both beat public-only.",
        entries, number(0.60), [(0.51, 0.55), (0.53, 0.70)], run, Differences(),
    )  # fmt: skip
    attacks = [
        AttackSummary(name, slug, doc, [
            (board, e, a) for e in entries for a in e.attacked if a.attack == name])
        for name, slug, doc in (
            ("auto", "auto", "Chooses among ``lira`` and others. <img src=x onerror=boom()>"),
            ("loss", "loss", "The loss, of [Yeom 2018](javascript:boom())."))
    ]  # fmt: skip
    numbers = [ReportedNumber(HOSTILE, "blobs", "mlp", None, "lira", "tpr@0.01", 0.123, "Table 3"),
               ReportedNumber("x", "other", "mlp", 0.9, "lira", "auc", 0.6, "Table 4")]  # fmt: skip
    reported = [Reported("paper", "https://example.org/p", f"Somebody 2024 {HOSTILE}", numbers)]
    found = JudgedRow("small", "blobs", "mlp", HOSTILE, HOSTILE, 8, number(0.7), number(0.1), None,
                      {HOSTILE: number(0.05)})  # fmt: skip
    judged = Judgement(HOSTILE, HOSTILE, PAPER, "", HOSTILE, "f" * 64, "5" * 64, 3, None, [found])
    errata = ["**2026-01-05** A row of `none` was wrong. <script>x</script>"]
    return Site([board], attacks, reported, errata, [judged])
