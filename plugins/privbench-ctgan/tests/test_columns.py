import numpy as np
import pytest
from privbench_ctgan import Ctgan, TabDdpm, Tvae
from privbench_ctgan.columns import Columns
from privbench_ctgan.synthesizers import to_data, to_frame
from small_table import SPEC, records

from privbench import Data, DataSpec

BINARY = DataSpec("binary", (5,), 3)


@pytest.fixture(params=["table", "binary"])
def data(request):
    if request.param == "table":
        return records(30)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (30, 5)).astype(np.float32)
    return Data(x, rng.integers(0, 3, 30), BINARY)


def test_records_survive_the_way_to_columns_and_back(data):
    columns = Columns.of(data.spec)
    numbers = data.x[:, list(columns.numeric)]
    np.testing.assert_array_equal(columns.records(numbers, columns.categories(data.x)), data.x)


def test_records_survive_the_way_to_a_frame_and_back(data):
    back = to_data(to_frame(data), data.spec)
    np.testing.assert_array_equal(back.x, data.x)
    np.testing.assert_array_equal(back.y, data.y)


def test_sizes_of_blocks():
    assert Columns.of(SPEC).sizes == (3,)
    assert Columns.of(BINARY).sizes == (2,) * 5


@pytest.mark.parametrize("cls", [Ctgan, Tvae, TabDdpm])
def test_images_are_skipped(cls):
    assert "images" in cls().skip(DataSpec("image", (1, 2, 2), 2))
    assert cls().skip(SPEC) == ""
