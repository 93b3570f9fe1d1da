from typing import Literal

from pydantic import Field

from privbench.components import Component, describe, summary


class Mine(Component):
    """First line.

    Another line.
    """

    kind = "attack"
    name = "mine"
    power: float = Field(1.0, gt=0, le=2, description="exponent")
    mode: Literal["a", "b"] = Field("a", description="which")
    sizes: tuple[int, ...] = Field((8,), min_length=1, description="caf\udce9")
    rate: float | None = Field(None, ge=0, description="rate")
    path: str = Field(description="a file")


def test_each_parameter_has_a_row():
    rows = {row["name"]: row for row in describe(Mine)}
    assert list(rows) == ["power", "mode", "sizes", "rate", "path"]
    assert rows["power"] == {
        "name": "power",
        "type": "number",
        "bounds": "> 0, <= 2",
        "required": False,
        "default": 1.0,
        "description": "exponent",
    }
    assert rows["mode"]["type"] == "a | b"
    assert (rows["sizes"]["type"], rows["sizes"]["bounds"]) == ("list of integer", "items >= 1")
    assert (rows["rate"]["type"], rows["rate"]["bounds"]) == ("number | null", ">= 0")
    assert rows["path"]["required"]


def test_text_can_be_written_anywhere():
    assert describe(Mine)[2]["description"] == r"caf\udce9"


def test_the_summary_is_the_first_line():
    assert summary(Mine) == "First line."
    assert (
        summary(type("Bare", (Mine,), {"__doc__": None, "__module__": __name__})) == "First line."
    )
