"""The three risks of Anonymeter beside the attacks, where the package is installed.

Giomi, Boenisch, Wehmeyer, Tasnádi 2023, "A Unified Framework for Quantifying Privacy Risk in Synthetic
Data", PoPETs 2023(2), arXiv 2211.10459. Singling out: a guess made from the synthetic table fits exactly
one person. Linkability: the synthetic table tells which two halves of a row belong together. Inference:
it tells the value of a column, given the others. Each is the share of guesses about train that succeed,
beyond what succeeds on the holdout.
"""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from privbench.auditing.synthetic.tables import is_words
from privbench.components.contained import contained
from privbench.components.messages import error_text
from privbench.report.numbers import interval_text
from privbench.report.tables import Table

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

N_ATTACKS = 500
"""Guesses for each risk."""
MAX_ROWS = 5_000
"""Rows of each table that are used, at random, so that an audit takes no minutes for them."""
MISSING = (
    "not measured: the package anonymeter is not installed (pip install 'privbench[anonymeter]', which"
    " needs Python 3.11 or 3.12 and numpy 1.26)"
)
SECRETS = 3
"""Columns whose inference is measured; the largest risk is reported."""


@dataclass(frozen=True)
class Risk:
    """One of the three risks, in [0, 1]."""

    name: str
    value: float | None
    """The share of guesses that succeed beyond those on the holdout; None if it failed."""
    ci: tuple[float, float] | None
    success: float | None
    """The share of guesses about train that succeed."""
    control: float | None
    """The share of guesses about the holdout that succeed."""


def risks_of(
    train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, seed: int
) -> tuple[list[Risk], str]:
    """Return the three risks, and what to know about them.

    Args:
        train: the attacked rows of train, with the columns of `alike`.
        holdout: those of the holdout.
        synthetic: the synthetic table.
        seed: draws the rows, columns and guesses.
    """
    if importlib.util.find_spec("anonymeter") is None:
        return [], MISSING
    if len(train.columns) < 3:
        return [], "not measured: there are fewer than 3 columns"
    rng = np.random.default_rng(seed)
    tables = [_plain(table, rng) for table in (train, synthetic, holdout)]
    names = list(rng.permutation(list(train.columns)))
    from anonymeter.evaluators import (
        InferenceEvaluator,
        LinkabilityEvaluator,
        SinglingOutEvaluator,
    )

    ori, syn, control = tables
    n = min(N_ATTACKS, len(control), len(ori))
    half = len(names) // 2

    def singling_out() -> Any:
        evaluator = SinglingOutEvaluator(
            ori, syn, n_attacks=n, control=control, seed=int(rng.integers(2**31))
        )
        return evaluator.evaluate(mode="multivariate")

    def linkability() -> Any:
        columns = names[:half], names[half:]
        evaluator = LinkabilityEvaluator(ori, syn, columns, n_attacks=n, control=control)
        return evaluator.evaluate(n_jobs=1)

    def inference(secret: str) -> Callable[[], Any]:
        def evaluate() -> Any:
            others = [name for name in names if name != secret]
            evaluator = InferenceEvaluator(
                ori, syn, others, secret, regression=not is_words(train[secret]), n_attacks=n,
                control=control,
            )  # fmt: skip
            return evaluator.evaluate(n_jobs=1)

        return evaluate

    risks = [_risk("singling out", singling_out), _risk("linkability", linkability)]
    found = [_risk(f"inference of {name}", inference(name)) for name in names[:SECRETS]]
    risks.append(max(found, key=lambda risk: -1.0 if risk.value is None else risk.value))
    return risks, (
        f"{n:,} guesses each on at most {MAX_ROWS:,} random rows of each table; linkability: two random"
        f" halves of the columns; inference: the largest of {len(found)} random columns. Success beyond"
        " the holdout's is what being in train adds (Giomi et al. 2023, arXiv 2211.10459)"
    )


def _plain(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return some rows with columns as the package takes them."""
    some = table.iloc[rng.permutation(len(table))[:MAX_ROWS]].reset_index(drop=True)
    return some.astype({name: str for name in some.columns if is_words(some[name])})


def _risk(name: str, evaluate: Callable[[], Any]) -> Risk:
    """Return a risk; what the package raises is a missing value, and a line in the log."""
    try:
        with contained(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            evaluator = evaluate()
            risk, results = evaluator.risk(), evaluator.results()
    except Exception as error:  # of another package, which must not cost the other numbers
        log.warning("anonymeter: %s: %s", name, error_text(error))
        return Risk(name, None, None, None, None)
    low, high = (float(end) for end in risk.ci)
    rates = float(results.attack_rate.value), float(results.control_rate.value)
    return Risk(name, float(risk.value), (low, high), *rates)


def table_of_risks(risks: list[Risk], note: str) -> Table:
    """Return the table of the risks, with what to know about them below."""
    lines = [
        {
            "risk": risk.name,
            "value [95% CI]": interval_text(risk.value, risk.ci),
            "attacks that succeed": interval_text(risk.success, None),
            "on the holdout": interval_text(risk.control, None),
        }
        for risk in risks
    ]
    return Table("Anonymeter: singling out, linkability, inference", lines, (note,))
