"""What `privbench gc` frees is of no use: a run after it computes nothing that its rows do not need."""

import shutil

import pytest

from privbench.api import make_plans, run_plan
from privbench.computation import needed
from privbench.config import Overrides
from privbench.errors import BadInput
from privbench.garbage import Garbage, Wanted
from privbench.plugins.host import PluginHost
from privbench.storage.artifacts import Artifact, Store
from privbench.storage.history import History
from privbench.storage.inventory import inventory, reached_by
from privbench.storage.results import Results

CHEAP = ("mlp.epochs=1", "canaries=0", 'defenses=["vae-metric"]', 'knowledge=["adaptive"]')


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def planned(host, config):
    def make(*overrides):
        chosen = Overrides.parse((*CHEAP, *overrides))
        (plan,) = make_plans(["small"], host, config=config, overrides=chosen)
        return plan

    return make


def kinds_of(stored):
    return {one.kind for one in stored}


def free(garbage, **wanted):
    chosen = garbage.chosen(Wanted(**wanted))
    for one in chosen:
        one.delete()
    return chosen


def test_a_run_after_it_computes_only_what_is_missing(host, planned, results):
    plan = planned()
    rows = run_plan(plan, host, results=results, device="cpu")
    before = {one.key for one in inventory(results)}
    garbage = Garbage(results, [plan])
    assert not garbage.chosen(Wanted())
    assert not garbage.chosen(Wanted(uses=["unreachable"]))

    # A result that is missing needs what it is computed from, and that stays.
    audit = plan.trials[0].audits[0]
    Store(results).delete("audit", audit.key)
    read = {stage.key for stage in audit.inputs}
    partly = Garbage(results, [plan])
    chosen = {one.key for one in partly.chosen(Wanted(uses=["intermediate"]))}
    assert chosen
    assert chosen.isdisjoint(read)
    assert {stage.key for stage in needed(plan, Store(results))} == {audit.key}
    freed = free(partly, uses=["intermediate"])
    assert {stage.key for stage in needed(plan, Store(results))} == {audit.key}
    assert {"fit", "population", "outputs"} <= kinds_of(freed)
    again = run_plan(plan, PluginHost(installed=False), results=results, device="cpu")
    assert [row["audit"] for row in again] == [row["audit"] for row in rows]
    assert {one.key for one in inventory(results)} == before - chosen

    # What would be computed again is said: all stages before utility, if that goes.
    everything = Garbage(results, [plan])
    utility = [one for one in everything.stored if one.kind == "utility"]
    said = {stage.kind for stage in everything.computed_again(utility)}
    assert said == {"fit", "population", "outputs", "utility"}

    # Without its rows, and without a plan, all of it is unreachable.
    assert not Garbage(results, []).chosen(Wanted(uses=["unreachable"]))
    History(results).delete([entry.id for entry in History(results).entries()])
    rest = Garbage(results, [])
    assert rest.chosen(Wanted(uses=["unreachable"])) == rest.stored


def test_leftovers_go_and_parts_of_what_is_unfinished_stay(results):
    results.mkdir(exist_ok=True)
    store = Store(results)
    provenance = {"inputs": ["setting"]}
    for kind, key in (
        ("population", "a"),
        ("population-parts", "a-0"),
        ("population-parts", "b-0"),
    ):
        of = provenance if kind == "population" else {"part": 0, "of": provenance}
        store.save(kind, key, Artifact(info={}), seconds=1.0, provenance=of)
    folder = results / "artifacts" / "population"
    (folder / ".tmp-1").write_bytes(b"half")
    (folder / "c.json.damaged").write_bytes(b"{")
    (folder / "d.safetensors").write_bytes(b"arrays without a note")
    freed = free(Garbage(results, []))
    assert {one.key for one in freed} == {".tmp-1", "c.json.damaged", "d.safetensors", "a-0"}
    assert sorted((one.kind, one.key) for one in inventory(results)) == [
        ("population", "a"), ("population-parts", "b-0")
    ]  # fmt: skip


def test_age_size_and_kind_choose_together(results):
    import os

    results.mkdir(exist_ok=True)
    store = Store(results)
    for number, kind in enumerate(("outputs", "scores", "scores", "split-scores")):
        info = {"text": "x" * 1000 * number}
        store.save(kind, str(number), Artifact(info=info), seconds=1.0, provenance={"inputs": []})
        path = results / "artifacts" / kind / f"{number}.json"
        os.utime(path, (path.stat().st_mtime - 100 * number,) * 2)
    garbage = Garbage(results, [])

    def chosen(**wanted):
        return "".join(one.key for one in garbage.chosen(Wanted(**wanted)))

    assert chosen() == ""
    assert chosen(uses=["unreachable"]) == "0123"
    assert chosen(uses=["unreachable"], keep_scores=True) == "0"
    assert chosen(older_than=150) == "23"
    assert chosen(older_than=150, larger_than=2500) == "3"
    assert chosen(kinds=["scores"]) == "12"
    assert chosen(kinds=["scores"], older_than=150) == "2"
    assert chosen(kinds=["scores"], uses=["intermediate"]) == ""


def test_what_belongs_to_the_same_setting_is_reached(results):
    results.mkdir(exist_ok=True)
    store = Store(results)
    inputs = {"outputs": ["s"], "scores": ["s", "outputs"], "audit": ["s", "scores"], "fit": ["s"]}
    for key, before in (*inputs.items(), ("other", ["t"]), ("after-other", ["other"])):
        store.save("x", key, Artifact(info={}), seconds=1.0, provenance={"inputs": before})
    assert reached_by(["scores"], inventory(results)) == {"s", *inputs}
    assert reached_by(["after-other"], inventory(results)) == {"t", "other", "after-other"}


def test_nothing_is_freed_while_a_run_goes_on(results):
    Results(results).start_run("small", {})
    with pytest.raises(BadInput, match=r"run 1 goes on \(process \d+\).*nothing was freed"):
        Garbage(results, [])


def test_a_folder_without_a_store_has_nothing(results):
    results.mkdir()
    assert Garbage(results, []).stored == []
    shutil.rmtree(results)
    assert Garbage(results, []).stored == []
