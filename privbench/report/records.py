"""The lines of the view ``records``: what an attack finds out about single records."""

from __future__ import annotations

from collections.abc import Sequence

from privbench.report.notes import Notes
from privbench.report.numbers import number
from privbench.storage.results import Row

N_LISTED = 5
"""Number of records whose numbers are shown."""
CHANCE_NOTE = (
    "the largest AUC of as many records whose membership was drawn anew, so that the models know"
    " nothing of it"
)
STAND_OUT_NOTE = "records that are more exposed than by chance; about 5% of them are so by chance"
NONE_NOTE = (
    "no AUCs of records, because the attack queries models itself or looks at parameters or at released"
    " data, its shadows are naive, or there are fewer than 4 models"
)


def record_lines(rows: Sequence[Row], notes: Notes) -> list[dict[str, str]]:
    """Return a line for each row that has AUCs of records, the cells by header, and add to the notes.

    Attacks without such AUCs are named in a note.
    """
    lines = []
    ok = [row for row in rows if row["status"] == "ok"]
    for row in ok:
        risk = row["record_risk"]
        if risk is None:
            continue
        notes.legend |= {"by chance": CHANCE_NOTE, "stand out": STAND_OUT_NOTE}
        listed = [str(one["record"]) for one in risk["most_exposed"][:N_LISTED]]
        lines.append(
            {
                "subset": row["canary_kind"] or row["subset"],
                "defense": row["defense"],
                "attack": row["attack"] + (", naive" if row["knowledge"] == "naive" else ""),
                "mean\nAUC": number(risk["mean_auc"]),
                "largest\nAUC": number(risk["max_auc"]),
                "by\nchance": number(risk["max_by_chance"]),
                "stand\nout": f"{risk['n_exposed']} of {risk['n_records']}",
                "most exposed": ", ".join(listed),
            }
        )
    without = dict.fromkeys(row["attack"] for row in ok if row["record_risk"] is None)
    if without:
        notes.legend[", ".join(without)] = NONE_NOTE
    return lines
