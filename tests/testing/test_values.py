import pytest
from pydantic import Field

import privbench
from privbench.testing.values import others, outside, schema_of


class Many(privbench.Component):
    """Has parameters of all types."""

    rate: float = Field(0.5, ge=0, le=1)
    count: int = Field(3, ge=1)
    open: float = Field(0.0, gt=-1, lt=1)
    maybe: int | None = Field(None, ge=1)
    switch: bool = False
    sizes: tuple[int, ...] = (8, 4)
    path: str = "here"


@pytest.mark.parametrize("name", Many.model_fields)
def test_other_values_are_accepted_and_others_than_the_present_one(name):
    now = Many().params()[name]
    for value in others(schema_of(Many, name), now):
        assert Many(**{name: value}).params()[name] != now


@pytest.mark.parametrize("name", Many.model_fields)
def test_values_outside_are_refused(name):
    found = outside(schema_of(Many, name))
    assert found
    for value in found:
        with pytest.raises(ValueError, match=name):
            Many(**{name: value})


def test_both_ends_are_tried():
    assert set(outside(schema_of(Many, "rate"))) == {-1e-3, 1.001, "x"}
    assert {-1, 1} <= set(outside(schema_of(Many, "open")))
    assert others(schema_of(Many, "path"), "here") == []
