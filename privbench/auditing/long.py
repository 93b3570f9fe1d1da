"""Tables of several models, one line for each model and record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from privbench.auditing.layout import Raw

MODEL = "--model"
"""What the array of the column of models is called, which no other column can be."""
PER_MODEL = ("logits", "probs", "predictions", "member")
"""Arrays that differ between models; the others are about records."""


def by_model(raw: Raw) -> None:
    """Give the arrays of a long table an axis of models, in the order in which they appear.

    The records of the first model are the records. Those of the others are brought into its order by
    ``record_ids``; without these, the lines of every model must be about the same records in the same
    order, as far as labels can tell.
    """
    arrays, problems = raw.arrays, raw.problems
    names, first, codes = np.unique(arrays.pop(MODEL), return_index=True, return_inverse=True)
    rows = [np.flatnonzero(codes == model) for model in np.argsort(first)]
    names = names[np.argsort(first)]
    if "record_ids" in arrays:
        ids = arrays["record_ids"]
        orders = []
        for name, lines in zip(names, rows, strict=True):
            distinct, start = np.unique(ids[lines], return_index=True)
            if len(distinct) < len(lines):
                problems.add(
                    "record_ids", f"must be distinct, but model {name} has one more than once"
                )
                return
            orders.append((distinct, lines[start]))
        for name, (distinct, _) in zip(names, orders, strict=True):
            if not np.array_equal(distinct, orders[0][0]):
                missing = np.setxor1d(distinct, orders[0][0])[:1].tolist()[0]
                problems.add(
                    "record_ids",
                    f"must be the same for all models, but {missing!r} is only in the lines of one of"
                    f" {names[0]} and {name}; give every model's outputs on every record",
                )
                return
        rank = np.searchsorted(orders[0][0], ids[rows[0]])
        lines_of = np.stack([lines[rank] for _, lines in orders])
    else:
        if len({len(lines) for lines in rows}) > 1:
            counts = ", ".join(f"{n}: {len(r)}" for n, r in zip(names, rows, strict=True))
            problems.add(
                MODEL,
                f"models have different numbers of lines ({counts}); name the column that identifies"
                " records with --id",
            )
            return
        lines_of = np.stack(rows)
        raw.notes.append(
            "records of several models are matched by their order, as there is no --id"
        )
    problems.first_line = None
    for role, array in arrays.items():
        if role in ("classes", "positive"):
            continue
        taken = array[lines_of]
        if role in PER_MODEL:
            arrays[role] = taken
        elif ((taken != taken[:1]) & (taken == taken)).any():  # missing values are not equal
            hint = (
                ""
                if "record_ids" in arrays
                else "; name the column that identifies records with --id"
            )
            problems.add(role, f"must be the same for a record in the lines of all models{hint}")
        else:
            arrays[role] = taken[0]
