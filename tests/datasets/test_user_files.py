"""Files that users had, and what each is to give: tests/cases."""

import json
from pathlib import Path

import numpy as np
import pytest

from privbench.datasets.csv import Csv
from privbench.errors import DataError
from privbench.membership import clean_setting

CASES = Path(__file__).parents[1] / "cases"
SOLVED = {"dates": ("seen",), "drop": ("empty", "const")}


def load(name, **params):
    return Csv(path=str(CASES / f"{name}.csv"), label="outcome", **params).load()


@pytest.mark.parametrize("name", ["01-duplicates", "02-semicolons", "04-utf16"])
def test_a_table_is_read_as_it_is(name):
    data = load(name)
    assert [c.name for c in data.spec.columns] == ["age", "income", "town", "member"]
    assert [c.type for c in data.spec.columns] == ["numeric"] * 2 + ["categorical"] * 2
    assert data.spec.columns[2].categories == ("Ayr", "Brno", "Cork")
    assert (len(data), data.spec.n_classes) == (240, 2)
    assert data.x[:, 1].max() > 90_000


def test_what_is_found_out_may_be_said():
    said = load("02-semicolons", separator=";", decimal=",")
    assert (said.x == load("02-semicolons").x).all()


def test_copies_are_told_and_dropped(caplog):
    data = load("01-duplicates")
    assert "240 of 240 records stand there more than once (80 different)" in caplog.text
    assert 'duplicates = "drop"' in caplog.text
    dropped = load("01-duplicates", duplicates="drop")
    assert len(dropped) == len(np.unique(np.column_stack([data.x, data.y]), axis=0)) == 80
    assert set(clean_setting(dropped, 2, 48, "n").repeated.values()) == {0}


def test_all_problems_are_in_one_message():
    with pytest.raises(DataError) as caught:
        load("03-holes-and-dates")
    first, *lines, last = str(caught.value).splitlines()
    assert first.endswith("03-holes-and-dates.csv: 3 problems:")
    empty, missing, dates, heading, constant = lines
    assert empty == "  - columns without any value: 'empty': drop = [\"empty\"]"
    assert 'age (35 of 240 rows), town (22 of 240 rows): missing = "median"' in missing
    assert "column 'seen'" in dates
    assert dates.endswith('(first: 2021-01-01), dates: dates = ["seen"]')
    assert heading == "  and what stops nothing:"
    assert constant.endswith('the same value in each row (1); to leave it out: drop = ["const"]')
    assert last == (
        '  all of it in benchmarks.toml, beside `path`: drop = ["empty", "const"],'
        ' missing = "median", dates = ["seen"]'
    )


def test_filled_with_medians():
    data = load("03-holes-and-dates", missing="median", **SOLVED)
    assert [c.name for c in data.spec.columns] == ["age", "income", "town", "member", "seen"]
    assert data.spec.columns[2].categories == ("Ayr", "Brno", "Cork", "missing")
    assert np.isnan(data.x[:, 0]).sum() == 35
    assert data.x[:3, -1].tolist() == [18628, 18629, 18630]  # 2021-01-01 and the days after
    setting = clean_setting(data, 2, 144, "n")
    assert all(np.isfinite(part.x).all() for part in (setting.pool, setting.reference))
    assert not setting.pool.spec.has_gaps


def test_gaps_as_categories():
    data = load("03-holes-and-dates", missing="category", **SOLVED)
    (column,) = [c for c in data.spec.columns if c.name == "age missing"]
    assert column.categories == ("no", "yes")
    assert (data.x[:, column.features[0] + 1] == np.isnan(data.x[:, 0])).all()


def test_rows_with_gaps_are_dropped():
    data = load("03-holes-and-dates", missing="drop", **SOLVED)
    assert len(data) == 186
    assert not data.spec.has_gaps


BENCHMARK = """
[defenses.dp-sgd]
mechanisms = [{ name = "dp-sgd", noise_multiplier = 1.0 }]

[benchmarks.b]
datasets = [{ name = "csv", path = "02-semicolons.csv", label = "outcome" }]
models = [{ name = "mlp", hidden = [4], epochs = 1 }]
defenses = ["dp-sgd"]
attacks = ["loss"]
knowledge = ["adaptive"]
population = 2
canaries = 0
"""


def test_a_guarantee_holds_for_a_table_that_public_records_scale(cli, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "b.toml").write_text(BENCHMARK)
    (tmp_path / "mine" / "02-semicolons.csv").write_bytes(
        (CASES / "02-semicolons.csv").read_bytes()
    )
    result = cli("run", "b", "-c", "mine/b.toml", "--json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    conditions = row["guarantee"]["conditions"]
    assert conditions
    assert [c["name"] for c in conditions if c["met"] is False] == []
    assert row["guarantee"]["epsilon"] > 0
