"""What an audit of a synthetic table says about itself, in every format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from privbench.auditing.synthetic.rows import Counts

DCR_NOTE = (
    "dcr is the distance to the closest synthetic record. As an attack it is a weak one, and as a"
    " privacy metric it is none: tables whose distances look safe are attacked all the same (Yao et al."
    " 2025, arXiv 2505.01524)"
)
SAME_SOURCE = (
    "train and holdout are taken to be random samples of the same source: if they differ in any other"
    " way (year, place, cleaning), attacks may find that difference instead"
)
INTERVALS = (
    "intervals: 95%, over records, of this one table; another run of the generator may reveal more or"
    " less"
)
ABOVE = (
    "above .5: whether the AUC is above guessing (5%, corrected by Holm for the number of attacks)"
)
ACCUSED_BY_CHANCE = (
    "the attack is not above .5: some rows come first by chance, and these say nothing of a leak"
)
WITHOUT_SHADOWS = (
    "what only copies of the generator show: without shadow tables, attacks compare distances and"
    " densities. A generator that keeps what is rare in its statistics, rather than near its rows, can"
    " leak unseen. To look: --generator FILE or --shadow DIR"
)
CANNOT_SEE = (
    "that a table is safe: attacks show what known attacks find, not that there is nothing",
    "what the generator's weights or further tables of it reveal",
    "whether a missing column of a record can be guessed (attribute inference) or records be linked"
    " with other tables",
    "whether several rows are of one person: rows are taken as independent",
    "an epsilon: one table proves no bound of differential privacy",
)


def cannot_see(n_shadows: int) -> list[str]:
    """Return what an audit with so many shadow tables cannot see."""
    return [*([] if n_shadows else [WITHOUT_SHADOWS]), *CANNOT_SEE]


def remarks(
    counts: Counts, blind: tuple[float, float, float] | None, identifying: Sequence[str]
) -> Iterator[str]:
    """Yield what is remarkable about the rows.

    Args:
        counts: what happened to the rows.
        identifying: the columns that may be record numbers or names.
        blind: how well train and holdout are told apart without the synthetic table: the AUC and its
            95% interval; None if that was not measured.
    """
    if counts.in_both:
        yield (
            f"{counts.in_both:,} rows are in both train and holdout, or in the reference as well, and"
            " were dropped: nobody could tell them apart"
        )
        if counts.in_both > 0.02 * (counts.train + counts.holdout):
            yield (
                "many rows were dropped, and those that are left are rarer than those of the tables:"
                " common rows are not attacked. To attack more of them: more columns"
            )
    if counts.thinned:
        yield (
            f"{counts.thinned:,} more rows of the larger table, which are equal to others of it, were"
            " dropped, so that common rows lack on both sides alike (none if the holdout is twice as"
            " long as train, or as long with a table of reference rows)"
        )
    for name, repeated in (
        ("train", counts.repeated_in_train),
        ("holdout", counts.repeated_in_holdout),
    ):
        if repeated:
            yield f"{name}: {repeated:,} rows are equal to an earlier row of it"
    for column in identifying:
        yield (
            f"column {column!r} has another value in each row: if it is a record number or a name, leave"
            f" it out (--drop {column!r})"
        )
    share = counts.synthetic_in_train / counts.synthetic
    if counts.synthetic_in_train:
        yield (
            f"{counts.synthetic_in_train:,} synthetic rows ({share:.1%}) are equal to a row of train,"
            f" and {counts.synthetic_in_holdout:,} to a row of the holdout, which is what chance"
            " explains"
        )
    for fpr, needed in ((0.01, 100), (0.001, 1000)):
        if counts.nonmembers < needed:
            yield (
                f"a TPR at {fpr:.1%} FPR needs at least {needed:,} attacked non-members, there are"
                f" {counts.nonmembers:,}"
            )
            break
    if blind is not None and blind[1] > 0.5:
        yield (
            f"train and holdout can be told apart WITHOUT the synthetic table (AUC {blind[0]:.3f}"
            f" [{blind[1]:.3f} {blind[2]:.3f}]): they are no samples of the same source, or a column (a"
            " record number, a date) differs; the numbers above may show that instead of a leak"
        )
