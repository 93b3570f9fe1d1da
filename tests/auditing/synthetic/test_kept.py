"""Shadow tables that are kept: they are read as they were written, or made again."""

import errno
import logging
import os
import random
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from privbench.auditing.synthetic.kept import KeptShadows
from privbench.errors import StorageFailed

sys.path.insert(0, str(Path(__file__).parents[3] / "bench" / "faults"))
from files import DAMAGES

sys.path.pop(0)
TABLE = pd.DataFrame({"a": [0.1 + 0.2, 1e-300, 3.0], "city": ["01", "x", None]})
OTHER = pd.DataFrame({"a": [1.0], "city": ["z"]})
FILES = ("shadow-002.members.csv", "shadow-002.csv", "shadow-002.json")


@pytest.fixture
def kept(tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    kept = KeptShadows(folder)
    kept.write(1, OTHER, OTHER)
    kept.write(2, OTHER, TABLE)
    return kept


def read(kept, index):
    return kept.read(index, ["city"])


def test_a_table_is_read_as_it_was_written(kept):
    pd.testing.assert_frame_equal(read(kept, 2), TABLE)
    assert read(kept, 3) is None
    kept.write(2, OTHER, OTHER)
    pd.testing.assert_frame_equal(read(kept, 2), OTHER)


def test_a_table_that_was_not_finished_is_not_read(kept, caplog):
    (kept.folder / "shadow-002.json").unlink()
    assert read(kept, 2) is None
    assert caplog.text == ""


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_whatever_lies_in_its_place_is_set_aside(kept, caplog, damage, name):
    if damage.__name__ == "unreadable" and os.geteuid() == 0:
        pytest.skip("root can read every file")
    if damage.__name__ == "foreign" and name == FILES[0]:
        pytest.skip("the other shadow has the same members")
    damage(kept.folder / name, random.Random(0))
    with caplog.at_level(logging.WARNING, "privbench"):
        assert read(kept, 2) is None
    is_unfinished = damage.__name__ == "gone" and name.endswith(".json")
    assert ("making it again" in caplog.text) != is_unfinished
    kept.write(2, OTHER, TABLE)
    pd.testing.assert_frame_equal(read(kept, 2), TABLE)
    pd.testing.assert_frame_equal(read(kept, 1), OTHER)


def test_tables_of_another_generator_or_shadow_are_not_taken(kept, tmp_path):
    shutil.copytree(kept.folder, tmp_path / "two")
    assert read(KeptShadows(tmp_path / "two"), 2) is None
    for name in FILES:
        shutil.copyfile(kept.folder / name, kept.folder / name.replace("2", "3"))
    assert read(kept, 3) is None


def test_a_full_disk(kept, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("privbench.auditing.synthetic.kept.write_whole", full)
    with pytest.raises(StorageFailed, match=r"--cache: .*no space left in .*run the same command"):
        kept.write(4, OTHER, TABLE)
