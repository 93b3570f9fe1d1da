import pytest

from privbench.config.selection import selector
from privbench.errors import BadInput

NAME = "digits/dp-sgd[epsilon=8]/mlp/lira/adaptive/seed=0"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (None, True),
        ("lira", True),
        ("LIRA", True),
        ("loss", False),
        ("not loss", True),
        ("lira and loss", False),
        ("lira or loss", True),
        ("loss or lira and naive", False),  # and binds more tightly
        ("(loss or lira) and adaptive", True),
        ("not (loss or naive)", True),
        ("not not lira", True),
        ("epsilon=8]", True),
        ("seed=0 and dp-sgd", True),
        ("sgd", True),  # anywhere in a word
        ("/dp-sgd/", False),  # from slash to slash it is all of a part
        ("/mlp/", True),
    ],
)
def test_expressions(expression, expected):
    assert selector(expression)(NAME) is expected


@pytest.mark.parametrize(
    "expression", ["", "and", "lira and", "(lira", "lira)", "not", "lira loss", "()"]
)
def test_malformed_expressions_are_bad_input(expression):
    with pytest.raises(BadInput, match="-k"):
        selector(expression)
