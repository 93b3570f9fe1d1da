"""QueryCache that models gave before: the same as when asked anew, and models are not asked again."""

import numpy as np

from privbench.stages.query_cache import QueryCache


class Asked:
    """A model that counts how often it is asked for the sign of the first feature."""

    def __init__(self):
        self.times = 0

    def __call__(self, x):
        self.times += 1
        return (x[:, 0] > 0).astype(np.int64)


def records(seed, n=50):
    return np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)


def test_models_are_asked_once_about_the_same_records():
    cache, model = QueryCache(), Asked()
    for x in (records(0), records(0), records(1), records(0)):
        given = cache.of("population", 0, x, model)
        np.testing.assert_array_equal(given, x[:, 0] > 0)
        assert given.dtype == np.int64
    assert model.times == 2


def test_other_models_and_other_populations_are_asked():
    cache, model = QueryCache(), Asked()
    for name in (("a", 0), ("a", 1), ("b", 0)):
        cache.of(*name, records(0), model)
    assert model.times == 3


def test_records_that_were_changed_are_asked_again():
    cache, model = QueryCache(), Asked()
    x = records(0)
    cache.of("population", 0, x, model)
    x *= -1
    np.testing.assert_array_equal(cache.of("population", 0, x, model), x[:, 0] > 0)
    x.setflags(write=False)
    cache.of("population", 0, x, model)
    x.setflags(write=True)
    x *= -1
    np.testing.assert_array_equal(cache.of("population", 0, x, model), x[:, 0] > 0)


def test_the_shape_counts():
    cache, model = QueryCache(), Asked()
    x = np.zeros((6, 2), dtype=np.float32)
    assert len(cache.of("population", 0, x, model)) == 6
    assert len(cache.of("population", 0, x.reshape(4, 3), model)) == 4


def test_changing_an_answer_does_not_change_the_next():
    cache, model, x = QueryCache(), Asked(), records(0)
    for _ in range(3):
        given = cache.of("population", 0, x, model)
        np.testing.assert_array_equal(given, x[:, 0] > 0)
        given[:] = 7


def test_the_oldest_answers_are_dropped():
    cache, model = QueryCache(limit=100), Asked()
    first, second, third = (records(seed) for seed in range(3))  # 50 bytes each
    for x in (first, second, first, third):
        cache.of("population", 0, x, model)
    assert model.times == 3
    cache.of("population", 0, first, model)
    assert model.times == 3
    cache.of("population", 0, second, model)
    assert model.times == 4
