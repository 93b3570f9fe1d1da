from privbench.wording import listed, plural, shortened


def test_plural():
    assert [plural(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert plural(1200, "row") == "1,200 rows"


def test_listed():
    assert [listed("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_shortened():
    assert shortened(["a", "b", "c"], shown=3) == "a, b, c"
    assert shortened(["a", "b", "c"], shown=2) == "a, b and 1 more"
