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
    "no AUCs of records for attacks that query models themselves or look at parameters, for attacks on"
    " released data, for naive shadows, and with fewer than 4 models"
)


def record_lines(rows: Sequence[Row], notes: Notes) -> list[dict[str, str]]:
    """Return a line for each row that is ok, the cells by header, and add to the notes."""
    lines = []
    for row in rows:
        if row["status"] != "ok":
            continue
        risk = row["record_risk"]
        line = {
            "subset": row["canary_kind"] or row["subset"],
            "defense": row["defense"],
            "attack": row["attack"] + (", naive" if row["knowledge"] == "naive" else ""),
        }
        if risk is None:
            notes.legend["-"] = NONE_NOTE
        else:
            notes.legend |= {"by chance": CHANCE_NOTE, "stand out": STAND_OUT_NOTE}
            listed = [str(one["record"]) for one in risk["most_exposed"][:N_LISTED]]
            line |= {
                "mean\nAUC": number(risk["mean_auc"]),
                "largest\nAUC": number(risk["max_auc"]),
                "by\nchance": number(risk["max_by_chance"]),
                "stand\nout": f"{risk['n_exposed']} of {risk['n_records']}",
                "most exposed": ", ".join(listed),
            }
        lines.append(line)
    headers = dict.fromkeys(header for line in lines for header in line)
    return [{header: line.get(header, "-") for header in headers} for line in lines]
