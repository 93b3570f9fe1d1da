"""Memory and seconds of the largest cases, each in a process of its own."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

READ = """
import json, re, sys, time
from privbench.errors import BadInput
def peak():  # getrusage would count what the process had that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
import pandas, pyarrow.parquet
from privbench.auditing.reading import read_predictions
from privbench.datasets.csv import Csv
before, started, path = peak(), time.process_time(), sys.argv[1]
try:
    Csv(path=path, label="label").load() if ".npz" not in path else read_predictions(path)
    said = ""
except BadInput as error:
    said = str(error)
print(json.dumps([peak() - before, time.process_time() - started, said]))
"""


@pytest.fixture
def cost(tmp_path):
    """Returns the MiB and seconds that a file takes, and the message that refuses it."""

    def cost(name, data):
        (tmp_path / name).write_bytes(data)
        command = [sys.executable, "-c", READ, str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return cost


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for memory")
@pytest.mark.parametrize(
    ("name", "data", "mib", "message"),
    [
        ("a.csv", lambda: b"label," + b"1," * 25_000_000 + b"\n", 400, "25,000,002 columns"),
        ("a.csv", lambda: b",".join(b"c%d" % i for i in range(100_000)), 100, "100,000 columns"),
        ("a.csv.gz", lambda: gzip.compress(bytes(2**24), 9) * 128, 600, "unpack to more than"),
        ("a.csv.gz", lambda: gzip.compress(b"1,0\n" * 2**23, 9), 1024, "no column 'label'"),
        ("a.npz", lambda: _bomb(2.2), 100, "unpack to 2,2"),
    ],
)  # fmt: skip
def test_what_a_hostile_file_takes(cost, name, data, mib, message):
    used, _, said = cost(name, data())
    assert message in said
    assert used < mib


def _bomb(gib):
    pytest.importorskip("hypothesis")
    from tests.fuzz.arrays import bomb

    return bomb(gib)
