"""Third-party datasets are loaded in a worker process."""

import os

import numpy as np
import pytest

from privbench.api import make_plans
from privbench.data import Column, DataSpec
from privbench.errors import BadInput
from privbench.executors.tasks import Limits
from privbench.plugins.host import PluginHost

PLUGIN = '''
import os
import time
from pathlib import Path

import numpy as np
import privbench


class Mine(privbench.Dataset):
    """Mine."""

    name = "mine"

    def load(self):
        {code}
        rng = np.random.default_rng(0)
        y = np.arange(200) % 2
        x = np.stack([rng.normal(size=200), y, 1 - y], axis=1).astype("float32")
        columns = (
            privbench.Column("n", "numeric", (0, 1)),
            privbench.Column("c", "categorical", (1, 3), ("a", "b")),
        )
        return privbench.Data(x, y, privbench.DataSpec("tabular", (3,), 2, columns), np.arange(200))


@privbench.hookimpl
def register_datasets(register):
    register(Mine)
'''
BENCHMARK = """
[benchmarks.b]
datasets = ["mine"]
models = [{ name = "mlp", hidden = [2], epochs = 1 }]
defenses = ["none"]
attacks = ["loss"]
knowledge = ["adaptive"]
population = 4
canaries = 0
"""


@pytest.fixture
def planned(tmp_path):
    """Plan a benchmark on a dataset that does this when it is loaded; return the plan."""

    def planned(code="pass", **options):
        plugin, config = tmp_path / "mine.py", tmp_path / "benchmarks.toml"
        plugin.write_text(PLUGIN.format(code=code))
        config.write_text(BENCHMARK)
        host = PluginHost([str(plugin)], installed=False)
        assert host.failures == []
        (plan,) = make_plans(["b"], host, config=config, **{"in_process": False} | options)
        return plan

    return planned


def test_records_are_those_that_it_returns_in_the_main_process(planned, tmp_path):
    code = f"Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))"
    there, pid = planned(code), int((tmp_path / "pid").read_text())
    assert pid != os.getpid()
    here = planned(code, in_process=True)
    assert int((tmp_path / "pid").read_text()) == os.getpid()
    one, other = (plan.data.get(plan.benchmark.datasets[0].bound) for plan in (there, here))
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.y, other.y)
    np.testing.assert_array_equal(one.groups, np.arange(200))
    assert one.spec == other.spec
    columns = Column("n", "numeric", (0, 1)), Column("c", "categorical", (1, 3), ("a", "b"))
    assert one.spec == DataSpec("tabular", (3,), 2, columns)
    assert not one.x.flags.writeable
    assert [t.results[0].key for t in there.trials] == [t.results[0].key for t in here.trials]


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("os._exit(0)", "refused", "dataset 'mine': mine.py: its worker ended with exit status 0"),
        ("return 3", "refused", "dataset 'mine': load returned int, expected privbench.Data"),
        ("raise KeyError('x')", "failed", "dataset 'mine': KeyError: 'x' (mine.py:16)"),
        ("raise privbench.DatasetUnavailable('no file')", "unavailable",
         "dataset 'mine': no file"),
        ("time.sleep(600)", "timeout",
         "dataset 'mine': mine.py: it took longer than 1 s (--timeout)"),
    ],
)  # fmt: skip
def test_what_it_does_is_a_trial_that_says_so(planned, tmp_path, capfd, code, status, reason):
    limits = Limits(seconds=1.0) if status == "timeout" else Limits()
    code = "print('hello'); " + code
    if status == "refused":  # without a traceback there would be nothing to show but this
        with pytest.raises(BadInput) as error:
            planned(code)
        assert str(error.value).replace(f"{tmp_path}/", "") == reason
    else:
        (trial,) = planned(code, limits=limits).trials
        assert trial.rejected.status == status
        assert trial.rejected.reason.replace(f"{tmp_path}/", "") == reason
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "mine.py: hello\n" in printed.err
