"""Tasks that are computed elsewhere give the rows of those that are computed in this process."""

from functools import partial

import pytest

from privbench.executors.base import Executor
from privbench.executors.work import work
from privbench.stages import parts
from privbench.storage.artifacts import Artifact
from privbench.storage.packed import pack, unpack

from .conftest import numbers

SOME = ('defenses=["coarse"]', 'attacks=["certainty"]', 'models=["nearest-mean"]')
EVERYTHING = (
    'defenses=["none", "coarse", "copy", "noisy", "dp"]', 'models=["mlp", "nearest-mean"]',
    "mlp.epochs=2", 'attacks=["loss", "certainty", "label-only"]', "canaries=0.1",
    'knowledge=["adaptive", "naive"]',
)  # fmt: skip


class Elsewhere(Executor):
    """Computes every task by `work`, from the results folder or from bytes."""

    name = "elsewhere"
    sees_folder: bool = True

    def execute(self, tasks):
        while tasks.unfinished:
            ready = tasks.ready()
            assert ready
            for task in reversed(ready):
                seen = str(tasks.folder) if self.sees_folder else None
                inputs = {
                    name: tasks.read(name)
                    for name in task.inputs
                    if not self.sees_folder or name.startswith("data/")
                }
                result = work(task.payload, seen, inputs, partial(tasks.progress, task))
                tasks.finish(task, result)


@pytest.mark.slow
def test_workers_give_the_same_rows(runner, write, monkeypatch):
    monkeypatch.setattr(parts, "MODELS", {"cpu": 2})
    here = runner(*EVERYTHING, plugin=write()).run()
    isolated = runner(*EVERYTHING, plugin=write(), results="isolated", in_process=False).run()
    assert numbers(isolated) == numbers(here)
    many = runner(*EVERYTHING, plugin=write(), results="many", executor="processes")
    assert numbers(many.run()) == numbers(here)


@pytest.mark.parametrize(
    ("sees_folder", "chosen"),
    [(False, SOME), pytest.param(True, EVERYTHING, marks=pytest.mark.slow)],
)
def test_rows_are_the_same(runner, write, monkeypatch, sees_folder, chosen):
    monkeypatch.setattr(parts, "MODELS", {"cpu": 2})
    here = runner(*chosen, plugin=write()).run()
    other = runner(*chosen, plugin=write(), results="other")
    other.executor = Elsewhere(sees_folder=sees_folder)
    rows = other.run()
    assert numbers(rows) == numbers(here)
    assert {row["status"] for row in rows} <= {"ok", "skipped"}
    assert any(row["auc"] is not None for row in rows)
    assert other.computation._memory == {}


class Failing(Executor):
    """Finishes the first tasks by what no worker returns, or loses them."""

    name = "failing"
    result: str | None = None

    def execute(self, tasks):
        while tasks.unfinished:
            for task in tasks.ready():
                if self.result is None:
                    tasks.lost(task, "its worker was cut off")
                else:
                    tasks.finish(task, self.result.encode())


@pytest.mark.parametrize(
    ("result", "reason"),
    [(None, "population: its worker was cut off"),
     ("x" * 100, "population: its worker returned no result: a header of")],
)  # fmt: skip
def test_what_is_no_result_is_a_failure_of_the_task(runner, monkeypatch, result, reason):
    monkeypatch.setattr(parts, "MODELS", {"cpu": 2})
    one = runner('attacks=["loss"]')
    one.executor = Failing(result=result)
    rows = one.run()
    assert {row["status"] for row in rows} == {"failed"}
    assert rows[0]["reason"].startswith(reason)


def test_facts_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack(Artifact(), seconds=float("nan"))
    content = pack(Artifact(info={"x": 1.0}))
    with pytest.raises(ValueError, match="not finite"):
        unpack(content.replace(b"1.0", b"NaN"))


def test_what_is_no_json_value_is_a_failure_of_the_task(monkeypatch):
    """A worker that ended of it would be tried again."""
    result = Artifact(info={"share": float("nan")}), {"status": "ok", "seconds": 1.0}
    monkeypatch.setattr("privbench.executors.work._worked", lambda *_: result)
    _, facts = unpack(work(b""))
    assert facts["status"] == "failed"
    assert "not JSON compliant" in facts["reason"]
