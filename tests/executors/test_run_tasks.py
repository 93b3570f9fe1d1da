"""The account of the tasks of a run, with workers that are played here."""

import pytest

from privbench.executors.work import work
from privbench.run_tasks import RunTasks
from privbench.storage.artifacts import Artifact
from privbench.storage.packed import pack


@pytest.fixture
def started(runner):
    """Return the runner, the tasks of its run, and those of two attacks, which are handed out."""
    one = runner('attacks=["loss", "confidence"]')
    tasks = RunTasks(list(one.needed), one.computation)
    while True:
        ready = tasks.ready()
        scores = [task for task in ready if " on " in task.title]
        for task in ready:
            if task not in scores:
                tasks.run(task)
        if scores:
            return one, tasks, scores


def missing(task):
    """Return what a worker returns that cannot read the outputs, and their key."""
    name = next(name for name in task.inputs if name.startswith("outputs/"))
    return pack(Artifact(), status="missing", name=name, seconds=0.0), name.partition("/")[2]


def finish(one, tasks):
    """Compute what is left, and return the failures."""
    while tasks.unfinished:
        ready = tasks.ready()
        assert ready, "nothing is ready, and tasks are unfinished"
        for task in ready:
            tasks.run(task)
    return one.failures


def test_an_input_that_two_tasks_find_damaged_is_computed_once(started):
    one, tasks, scores = started
    one.store.delete("outputs", missing(scores[0])[1])
    for task in scores:
        tasks.finish(task, missing(task)[0])
    (again,) = tasks.ready()
    tasks.run(again)
    assert finish(one, tasks) == {}


def test_an_input_that_was_computed_again_meanwhile_is_read_once_more(started):
    one, tasks, scores = started
    tasks.finish(scores[0], missing(scores[0])[0])
    assert [task.key for task in tasks.ready()] == [scores[0].key]
    tasks.finish(scores[0], missing(scores[0])[0])
    assert "could not read outputs/" in one.failures[scores[0].key].reason
    tasks.run(scores[1])
    assert scores[1].key not in finish(one, tasks)


def test_a_result_without_seconds_is_a_failure_of_its_task(started):
    one, tasks, (first, second) = started
    tasks.finish(first, pack(Artifact(info={"a": 1}), status="ok", seconds=10**400))
    assert "its worker returned no result" in one.failures[first.key].reason
    tasks.run(second)
    assert second.key not in finish(one, tasks)


def test_an_input_that_cannot_be_sent_is_left_out_and_computed_again(started):
    one, tasks, (first, second) = started
    name = next(name for name in first.inputs if name.startswith("outputs/"))
    payload = first.payload
    one.store.delete(*name.split("/"))
    with pytest.raises(FileNotFoundError):
        tasks.read(name)
    inputs = {other: tasks.read(other) for other in first.inputs if other != name}
    tasks.finish(first, work(payload, None, inputs))
    (again,) = tasks.ready()
    tasks.run(again)
    tasks.run(second)
    assert finish(one, tasks) == {}
