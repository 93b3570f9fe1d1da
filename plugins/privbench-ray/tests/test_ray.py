import importlib.metadata
import json
import os

import numpy as np
import pytest

import privbench

PLUGIN = '''
import os, signal
from pathlib import Path
import privbench


class Deadly(privbench.Attack):
    """Kills its process the first so many times."""

    name = "deadly"
    deaths: int = 0
    folder: str = "{folder}"

    def score(self, view):
        mark = Path(self.folder, f"death-{{self.deaths}}")
        count = int(mark.read_text()) if mark.exists() else 0
        if count < self.deaths:
            mark.write_text(str(count + 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return view.target.log_prob_of(view.labels)


@privbench.hookimpl
def register_attacks(register):
    register(Deadly)
'''
BENCHMARK = """
[defenses.noisy]
mechanisms = [{{ name = "output-noise", scale = 0.2 }}]

[benchmarks.b]
datasets = [{{ name = "npz", path = "{blobs}" }}]
models = [{{ name = "mlp", hidden = [16], epochs = 2, batch_size = 16 }}]
defenses = ["none", "noisy"]
attacks = ["loss"]
knowledge = ["adaptive"]
population = 4
canaries = 0
"""


@pytest.fixture
def run(tmp_path):
    """Run the benchmark and return its rows without what depends on the moment."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 160)
    x = rng.normal(size=(160, 8)) + 0.5 * y[:, None]
    np.savez(tmp_path / "blobs.npz", x=x.astype(np.float32), y=y.astype(np.int64))
    config = tmp_path / "benchmarks.toml"
    config.write_text(BENCHMARK.format(blobs=tmp_path / "blobs.npz"))
    plugin = tmp_path / "deadly.py"
    plugin.write_text(PLUGIN.format(folder=tmp_path))

    def run(executor, results, **settings):
        rows = privbench.run(
            "b", config=config, plugins=plugin, results=tmp_path / results, device="cpu",
            executor=executor, set=settings, progress=False,
        )  # fmt: skip
        return json.loads(rows.drop(columns="seconds").to_json(orient="records"))

    return run


@pytest.fixture(scope="module")
def cluster():
    """A cluster of this machine, which executors without an address use, too."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    niceness = "RAY_worker_niceness"  # or else workers get nothing of a busy machine
    os.environ[niceness] = "0"
    import ray

    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=2**28)
    yield
    ray.shutdown()


def test_the_entry_point_makes_it_an_executor_of_privbench():
    assert [p.value for p in importlib.metadata.entry_points(group="privbench", name="ray")]


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        ("ray[artifacts=ftp]", "artifacts"),
        ("ray[num_cpus=0]", "num_cpus"),
        ("ray[adress=auto]", "did you mean 'address'"),
    ],
)
def test_a_wrong_parameter_is_named(run, executor, message):
    with pytest.raises(privbench.BadInput, match=message):
        run(executor, "results")


def test_where_there_is_no_cluster_the_address_is_named(run):
    rows = run("ray[address=127.0.0.1:1]", "results")
    assert rows
    assert all("no cluster at '127.0.0.1:1'" in row["reason"] for row in rows)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of Ray
def test_rows_are_those_of_this_process_however_artifacts_reach_workers(run, tmp_path, cluster):
    here = run("local", "local")
    assert [row["status"] for row in here] == ["ok", "ok"]
    bucket = tmp_path / "bucket"
    for number, artifacts in enumerate(["shared", "objects", f"file://{bucket}"]):
        there = run(f"ray[artifacts={artifacts}]", str(number))
        assert there == here
    assert {path.name for path in bucket.iterdir()} >= {"data", "population", "outputs", "scores"}


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_task_is_computed_again_whose_worker_died_and_fails_the_second_time(run, cluster):
    attacks = ["loss", {"name": "deadly", "deaths": [0, 1]}]
    here = run("local", "local", attacks=[attacks[0], {"name": "deadly", "deaths": 0}])
    there = run("ray", "ray", attacks=attacks)
    assert [row["status"] for row in there] == ["ok"] * 6
    auc = {row["defense"]: row["auc"] for row in here if "deadly" in row["attack"]}
    assert all(row["auc"] == auc[row["defense"]] for row in there if "deadly" in row["attack"])
    lost = run("ray", "again", attacks=["loss", {"name": "deadly", "deaths": 9}])
    failed = [row for row in lost if row["status"] != "ok"]
    assert {row["attack"] for row in failed} == {"deadly"}
    assert all("WorkerCrashedError" in row["reason"] for row in failed)
