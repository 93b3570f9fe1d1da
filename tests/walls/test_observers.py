"""Observers and executors: what they change, print or raise is theirs."""

import json
import textwrap

import pytest

from privbench.cli import build_cli
from privbench.plugins.host import PluginHost
from privbench.storage.results import Results

OBSERVER = """
import privbench

@privbench.hookimpl
def run_started(plan, needed):
    needed.clear()

@privbench.hookimpl
def trial_finished(rows):
    for row in rows:
        row["auc"] = 0.0
        row["auc_ci"][0] = 0.0
        row["tpr_at_fpr"].clear()
    rows.clear()

@privbench.hookimpl
def run_finished(rows):
    rows[0]["auc"] = 1.0
    rows.clear()
"""
RAISES = """
import privbench

@privbench.hookimpl
def stage_started(stage): raise BaseException("caf\\udce9")

@privbench.hookimpl
def stage_finished(stage): raise SystemExit(3)
"""


@pytest.fixture
def observer(tmp_path):
    def write(text, file="observer.py"):
        path = tmp_path / file
        path.write_text(textwrap.dedent(text))
        return path

    return write


def test_an_observer_changes_neither_rows_nor_the_store(run, observer, tmp_path):
    alone = run('attacks=["loss"]')
    watched = run('attacks=["loss"]', plugin=observer(OBSERVER))
    assert [{**row, "seconds": 0} for row in watched] == [{**row, "seconds": 0} for row in alone]
    (stored,) = Results(tmp_path / "results1").rows("b")
    assert stored == watched[0]


def test_each_observer_has_rows_of_its_own(observer):
    host = PluginHost(
        [
            str(observer(OBSERVER)),
            str(
                observer(
                    """
                    import privbench
                    seen = []

                    @privbench.hookimpl
                    def trial_finished(rows): seen.extend(rows)
                    """,
                    "second.py",
                )
            ),
        ],
        installed=False,
    )
    rows = [{"auc": 0.5, "auc_ci": [0.4, 0.6], "tpr_at_fpr": {"0.01": 0.1}}]
    host.call("trial_finished", rows=rows)
    assert host.plugins[-1].module.seen == rows
    assert rows[0]["auc_ci"] == [0.4, 0.6]


def test_whatever_an_observer_raises_is_recorded(observer):
    host = PluginHost([str(observer(RAISES))], installed=False)
    host.call("stage_started", stage=None)
    host.call("stage_finished", stage=None, status="ok", seconds=1.0)
    assert [failure.message for failure in host.failures] == [
        r"BaseException: caf\udce9",
        "SystemExit: 3",
    ]


EXECUTOR = """
import privbench

class Mine(privbench.Executor):
    name = "mine"

    def execute(self, tasks):
        print("executing")
        {code}

@privbench.hookimpl
def register_executors(register): register(Mine)
"""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", "executor 'mine': SystemExit: 3"),
        ("raise BaseException(chr(0xdce9))", r"executor 'mine': BaseException: \udce9"),
        ("tasks.run(3)", "executor 'mine': AttributeError: 'int' object has no attribute 'key'"),
        ("pass", "executor 'mine' left this trial out"),
    ],
)
def test_an_executor_that_breaks_off(cli, observer, config, code, reason):
    observer(EXECUTOR.format(code=code), "mine.py")
    result = cli("run", "b", "-p", "mine.py", "--executor", "mine", "--device", "cpu", "--json")
    rows = json.loads(result.stdout)
    assert {(row["status"], row["reason"]) for row in rows} == {("failed", reason)}
    assert "executing" in result.stderr


PRINTS = """
import privbench
from pydantic import Field
print("import")

class Mine(privbench.Attack):
    name = "mine"
    def obstacle(self, views):
        print("obstacle")
        return ""
    def score(self, view):
        print("score")
        return view.target.log_prob_of(view.labels)

class Net(privbench.TorchModel):
    name = "net"
    epochs: int = Field(1, description="passes")
    def skip(self, spec):
        print("skip")
        return ""
    def build(self, shape, n_classes):
        from torch import nn
        print("build")
        return nn.Linear(shape[0], n_classes)

class Loop(privbench.TrainingLoop):
    name = "loop"
    def train(self, module, x, y, model, rng):
        print("train")
        module.weight.data += 1

class Table(privbench.Dataset):
    name = "table"
    def to_download(self):
        print("missing")
        return ""
    def load(self):
        import numpy as np
        print("load")
        x = np.random.default_rng(0).normal(size=(80, 3)).astype("float32")
        return privbench.Data(x, np.arange(80) % 2, privbench.DataSpec("tabular", (3,), 2))

@privbench.hookimpl
def register_attacks(register):
    print("register")
    register(Mine)
@privbench.hookimpl
def register_models(register): register(Net)
@privbench.hookimpl
def register_mechanisms(register): register(Loop)
@privbench.hookimpl
def register_datasets(register): register(Table)
@privbench.hookimpl
def register_commands(cli): print("commands")
@privbench.hookimpl
def trial_finished(rows): print("finished")
"""
WORDS = ("obstacle", "score", "skip", "build", "train", "load", "finished")


def test_what_is_printed_goes_to_stderr(cli, observer, config):
    observer(PRINTS, "mine.py")
    config.write_text(config.read_text() + '[defenses.loop]\nmechanisms = ["loop"]\n')
    result = cli(
        "run", "b", "-p", "mine.py", "--device", "cpu", "--json",
        "--set", 'datasets=["table"]', "--set", 'models=["net"]', "--set", 'attacks=["mine"]',
        "--set", 'defenses=["loop"]',
    )  # fmt: skip
    (row,) = json.loads(result.stdout)
    assert row["status"] == "ok", row["reason"]
    assert set(result.stderr.split()) >= set(WORDS)


def test_what_is_printed_before_a_command_runs(observer, config, capsys, tmp_path, monkeypatch):
    from click.testing import CliRunner

    monkeypatch.chdir(tmp_path)
    path = observer(PRINTS, "mine.py")
    group = build_cli(PluginHost([str(path)], installed=False))
    assert set(capsys.readouterr().err.split()) >= {"import", "register", "commands"}
    for command in (["list", "attacks"], ["data", "list"], ["plugins"]):
        result = CliRunner().invoke(group, [*command, "--json"])
        json.loads(result.stdout)
    assert "missing" in CliRunner().invoke(group, ["data", "list"]).stderr
