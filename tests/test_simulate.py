"""The simulation of a cluster, bench/simulate.py, against closed forms."""

import importlib.util
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parent.parent / "bench" / "simulate.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("simulate", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate"] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules["simulate"]


def seconds(bench, tasks, workers, order=(), **costs):
    return bench.Simulation(tasks, bench.Cluster({"core": workers}, **costs), order).run().seconds


def test_independent_tasks_take_as_many_rounds_as_workers_need(bench):
    tasks = [bench.Task("a", 2.0, 0.0)] * 10
    assert seconds(bench, tasks, 1) == 20
    assert seconds(bench, tasks, 3) == 8
    assert seconds(bench, tasks, 50) == 2


def test_no_number_of_workers_shortens_the_longest_chain(bench):
    tasks = [bench.Task("a", 1.0, 0.0), bench.Task("a", 5.0, 0.0)]
    tasks += [bench.Task("b", 3.0, 0.0, (0,)), bench.Task("c", 4.0, 0.0, (2, 1))]
    assert max(bench.chain(tasks)) == 9
    assert bench.longest_chain(tasks) == [("a", 5.0), ("c", 4.0)]
    assert seconds(bench, tasks, 100) == 9
    assert seconds(bench, tasks, 1) == 13


def test_the_longest_chain_first_is_a_better_order_than_the_plan(bench):
    tasks = [bench.Task("a", 1.0, 0.0)] * 4 + [bench.Task("b", 4.0, 0.0)]
    assert seconds(bench, tasks, 2) == 6
    assert seconds(bench, tasks, 2, bench.longest_first(tasks)) == 4


def test_workers_on_few_cores_share_them(bench):
    tasks = [bench.Task("a", 1.0, 0.0)] * 4
    assert seconds(bench, tasks, 4) == 1
    assert seconds(bench, tasks, 4, cores=2) == 2
    assert seconds(bench, [*tasks[:2], bench.Task("a", 2.0, 0.0)], 3, cores=2) == 2.5


def test_the_main_process_limits_what_many_workers_do(bench):
    tasks = [bench.Task("a", 1.0, 100.0)] * 50
    assert seconds(bench, tasks, 100, take=0.5) == pytest.approx(1 + 50 * 0.5)
    assert seconds(bench, tasks, 100, store_bytes=100.0) == pytest.approx(1 + 50)
    assert seconds(bench, tasks, 1, start=7.0, worker_start=3.0) == pytest.approx(60)


def test_a_large_population_is_divided_into_parts_that_are_joined(bench):
    stages = [["population", 8.0, 1600, []], ["scores", 1.0, 10, [0]]]
    tasks = bench.tasks_of(stages, {"scores": 2.0}, 256, gpu_speed=4.0, training=3.0, part=16)
    parts, join, scores = tasks[:16], tasks[16], tasks[17]
    assert {(part.seconds, part.bytes, part.resource) for part in parts} == {(6.0, 1600, "gpu")}
    assert (join.inputs, join.bytes, join.resource) == (tuple(range(16)), 25600, "main")
    assert (scores.inputs, scores.seconds, scores.resource) == ((16,), 256.0, "core")
    cluster = bench.Cluster({"gpu": 16, "core": 1})
    assert bench.Simulation(tasks, cluster).run().seconds == pytest.approx(6 + 256)
