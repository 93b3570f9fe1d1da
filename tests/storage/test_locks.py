"""One process at a time does something in a folder."""

import threading
from pathlib import Path

from privbench.storage.locks import alone


def test_who_comes_second_waits(tmp_path):
    done, entered = [], threading.Event()

    def second():
        entered.set()
        with alone(tmp_path):
            done.append("second")

    with alone(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        assert entered.wait(10)
        thread.join(0.2)
        done.append("first")
    thread.join(10)
    assert done == ["first", "second"]


def test_folders_do_not_wait_for_each_other_nor_for_one_that_is_gone(tmp_path):
    (tmp_path / "a").mkdir()
    with alone(tmp_path / "a"), alone(tmp_path), alone(Path("/nowhere/at/all")):
        pass
