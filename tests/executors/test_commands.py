"""Commands whose workers compute: they end together, however they end, and keep what is done."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import PLUGIN

SLOW = PLUGIN.replace(
    "    def fit(self, x, y, n_classes, rng):\n",
    "    def fit(self, x, y, n_classes, rng):\n"
    "        import os, time\n"
    "        from pathlib import Path\n"
    "        with open(Path(__file__).parent / 'pids', 'a') as file:\n"
    "            file.write(f'{os.getpid()}\\n')\n"
    "        time.sleep(float(os.environ.get('SLEEP', '0')))\n",
)
ARGUMENTS = ("b", "-p", "mine.py", "--device", "cpu", "--set", 'models=["nearest-mean"]', "--json")


@pytest.fixture
def start(config, write, tmp_path):
    write(SLOW)

    def start(*arguments, sleep="0"):
        return subprocess.Popen(
            [sys.executable, "-m", "privbench", "run", *ARGUMENTS, *arguments], cwd=tmp_path,
            env=os.environ | {"PRIVBENCH_IN_PROCESS": "", "SLEEP": sleep},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["local", "processes"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_command_and_what_is_done_is_kept(start, tmp_path, executor, number):
    command = start("--executor", executor, sleep="3")
    pids = tmp_path / "pids"
    while not pids.exists() or len(pids.read_text().splitlines()) < 3:
        assert command.poll() is None, command.communicate()
        time.sleep(0.1)
    command.send_signal(number)
    time.sleep(1)
    command.send_signal(number)  # the second Ctrl-C abandons the stage
    out, err = command.communicate(timeout=60)
    assert command.returncode != 0
    assert out == ""
    assert "Traceback" not in err
    time.sleep(1)
    fitted = pids.read_text().split()
    assert not any(map(is_running, fitted))
    assert list((tmp_path / "results/artifacts/population-parts").glob("*.json"))
    again = start("--executor", executor)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert {row["status"] for row in json.loads(out)} == {"ok"}
    assert len(pids.read_text().split()) < len(fitted) + 4  # not all four are fitted again


@pytest.mark.slow
def test_a_script_without_a_guard_for_main_is_not_run_again(config, write, tmp_path):
    write()
    (tmp_path / "script.py").write_text(
        "import privbench\n"
        "print('begins')\n"
        "frame = privbench.run('b', plugins='mine.py', device='cpu', executor='processes',"
        " set={'attacks': ['certainty']}, progress=False)\n"
        "print(set(frame['status']))\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PRIVBENCH_IN_PROCESS": ""},
    )  # fmt: skip
    assert done.stdout == "begins\n{'ok'}\n", done.stderr
