"""Which records can be made canaries of which kind."""

import pytest

from privbench.canaries import CANARY_KINDS, obstacle
from privbench.data import Column, DataSpec

CATEGORIES = Column("colour", "categorical", (0, 2), ("blue", "red"))
SPECS = {
    "image": DataSpec("image", (1, 2, 2), 2),
    "binary": DataSpec("binary", (4,), 2),
    "numbers": DataSpec("tabular", (3,), 2),
    "both": DataSpec("tabular", (3,), 2, (CATEGORIES, Column("age", "numeric", (2, 3)))),
    "categories": DataSpec("tabular", (2,), 2, (CATEGORIES,)),
}
UNFIT = {("categories", "blank"), ("categories", "inverted"), ("both", "inverted")}


@pytest.mark.parametrize("name", SPECS)
def test_what_does_not_fit_has_a_reason(name):
    reasons = {kind: obstacle(kind, SPECS[name]) for kind in CANARY_KINDS}
    assert {kind for kind, reason in reasons.items() if reason} == {
        kind for spec, kind in UNFIT if spec == name
    }
    assert all(kind in reason for kind, reason in reasons.items() if reason)
