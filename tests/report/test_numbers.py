import pytest

from privbench.report.numbers import interval_text, number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.12345, ".123"),
        (-0.5, "-.500"),
        (1.0, "1.000"),
        (0.9996, "1.000"),
        (10.05, "10.050"),
        (0.0, ".000"),
    ],
)
def test_three_decimals_without_a_leading_zero(value, expected):
    assert number(value) == expected


def test_an_estimate_with_and_without_its_interval():
    assert interval_text(0.75, [0.7, 1.0]) == ".750 [.700 1.000]"
    assert interval_text(0.75, None) == ".750"
    assert interval_text(None, None) == "unresolved"
