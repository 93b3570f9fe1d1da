"""Several hosts, of which one is killed and one is cut off: the table is the same."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from hosts import Hosts, why_not

pytestmark = pytest.mark.slow

PLUGIN = '''
import socket, time
from pathlib import Path
import privbench


class Slow(privbench.Attack):
    """Says on which host it is, and waits until it may go on."""

    name = "slow"
    number: int = 0

    def score(self, view):
        with Path("{hosts}").open("a") as file:
            file.write(address() + "\\n")
        while not Path("{go}").exists():
            time.sleep(0.05)
        return view.target.log_prob_of(view.labels) * (1 + self.number)


def address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("{head}", 1))
        return probe.getsockname()[0]


@privbench.hookimpl
def register_attacks(register):
    register(Slow)
'''
BENCHMARK = """
[benchmarks.b]
datasets = [{{ name = "npz", path = "{blobs}" }}]
models = [{{ name = "mlp", hidden = [16], epochs = 2, batch_size = 16 }}]
defenses = ["none"]
attacks = [{{ name = "slow", number = [0, 1, 2, 3, 4, 5] }}]
knowledge = ["adaptive"]
population = 4
canaries = 0
"""


def rows_of(output):
    rows = json.loads(output)
    for row in rows:
        del row["seconds"]
    return rows


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_host_is_killed_and_another_is_cut_off_and_the_table_is_the_same(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 160)
    x = rng.normal(size=(160, 8)) + 0.5 * y[:, None]
    np.savez(tmp_path / "blobs.npz", x=x.astype(np.float32), y=y.astype(np.int64))
    (tmp_path / "b.toml").write_text(BENCHMARK.format(blobs=tmp_path / "blobs.npz"))
    seen = tmp_path / "hosts.txt"
    seen.touch()
    run = [sys.executable, "-m", "privbench", "run", "b", "-c", str(tmp_path / "b.toml"), "--json"]
    plugin = tmp_path / "slow.py"

    with Hosts(3) as hosts:
        plugin.write_text(PLUGIN.format(hosts=seen, go=tmp_path / "go", head=hosts.ip(0)))

        def command(executor, results):
            return [*run, "-p", str(plugin), "--results", str(tmp_path / results),
                    "--executor", executor]  # fmt: skip

        (tmp_path / "go").touch()
        local = hosts.popen(0, *command("local", "local"), stdout=subprocess.PIPE)
        here = rows_of(local.communicate()[0])
        seen.write_text("")
        (tmp_path / "go").unlink()
        process = hosts.popen(
            0, *command(f"ray[address={hosts.address}]", "ray"), stdout=subprocess.PIPE
        )
        others = {hosts.ip(1), hosts.ip(2)}
        end = time.monotonic() + 200
        while not others <= set(seen.read_text().split()):  # both compute an attack
            assert process.poll() is None, "the run ended before all hosts had a task"
            assert time.monotonic() < end, "a host got no task"
            time.sleep(0.1)
        hosts.kill(1)
        hosts.cut_off(2)
        n_before = len(seen.read_text().split())
        (tmp_path / "go").touch()
        there = rows_of(process.communicate()[0])
    assert [row["status"] for row in here] == ["ok"] * 6
    assert there == here
    after = seen.read_text().split()[n_before:]
    assert hosts.ip(1) not in after  # it is dead, and what it computed was computed again
