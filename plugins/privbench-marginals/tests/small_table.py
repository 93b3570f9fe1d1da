"""The description of the small table of these tests."""

from privbench import Column, DataSpec

SPEC = DataSpec(
    "tabular",
    (5,),
    2,
    (
        Column("a", "categorical", (0, 4), ("w", "x", "y", "z")),
        Column("b", "numeric", (4, 5)),
    ),
)
