"""The harness of bench/faults, with a process that starts privbench quickly."""

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "faults"


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    sys.path.insert(0, str(BENCH))
    from harness import Lab

    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()
    sys.path.remove(str(BENCH))
