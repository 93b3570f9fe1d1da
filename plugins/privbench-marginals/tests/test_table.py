import numpy as np
import pytest
from privbench_marginals.table import Coding
from small_table import SPEC

from privbench import Data, DataSpec


def test_records_go_to_a_table_and_back_up_to_their_bins(data):
    coding = Coding(SPEC, bins=6, span=3.0)
    table = coding.to_table(data)
    assert table.sizes == coding.sizes == (4, 6, 2)
    back = coding.to_data(table.records, np.random.default_rng(0))
    np.testing.assert_array_equal(back.x[:, :4], data.x[:, :4])
    np.testing.assert_array_equal(back.y, data.y)
    inside = np.abs(data.x[:, 4]) < 3
    assert np.abs(back.x[inside, 4] - data.x[inside, 4]).max() <= 1.0  # the width of a bin


def test_bins_do_not_depend_on_the_records(data):
    """A record is in the same bin whichever others there are: no range is read off the data."""
    coding = Coding(SPEC, bins=6, span=3.0)
    alone = np.concatenate([coding.to_table(data.take(np.array([i]))).records for i in range(50)])
    np.testing.assert_array_equal(alone, coding.to_table(data.first(50)).records)


def test_numbers_beyond_the_range_are_in_the_outer_bins():
    spec = DataSpec("tabular", (1,), 2)
    x = np.array([[-100.0], [-2.9], [0.1], [100.0]], np.float32)
    table = Coding(spec, bins=6, span=3.0).to_table(Data(x, np.zeros(4, np.int64), spec))
    assert table.records[:, 0].tolist() == [0, 0, 3, 5]


@pytest.mark.parametrize("n", [1, 7])
def test_binary_features_are_columns_of_two_categories(n):
    spec = DataSpec("binary", (3,), 4)
    x = np.array([[0, 1, 1]] * n, np.float32)
    coding = Coding(spec, bins=6, span=3.0)
    table = coding.to_table(Data(x, np.full(n, 3), spec))
    assert table.sizes == (2, 2, 2, 4)
    assert table.records[0].tolist() == [0, 1, 1, 3]
    np.testing.assert_array_equal(coding.to_data(table.records, np.random.default_rng(0)).x, x)
