"""Large arrays in files without names."""

import os

import numpy as np
import psutil
import pytest

from privbench.data import read_only
from privbench.errors import StorageFailed
from privbench.storage import scratch
from privbench.storage.artifacts import Artifact, Store

SHAPE = (4, scratch.LARGE // 16)


def own_memory():
    return psutil.Process().memory_info().rss - psutil.Process().memory_info().shared


@pytest.mark.skipif(not scratch.MAPS, reason="files are not mapped on this system")
class TestFiles:
    def test_a_large_array_takes_no_memory_of_the_process(self, tmp_path):
        before = own_memory()
        array = scratch.empty_in(tmp_path)(SHAPE, np.float32)
        array[:] = 1
        assert array.shape == SHAPE
        assert array.nbytes == scratch.LARGE
        assert own_memory() - before < scratch.LARGE / 2
        assert os.listdir(tmp_path) == []

    def test_a_full_disk_is_reported_and_does_not_end_the_process(self, tmp_path, monkeypatch):
        def full(descriptor, start, size):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
        with pytest.raises(StorageFailed, match="no space left in"):
            scratch.empty_in(tmp_path)(SHAPE, np.float32)

    def test_a_copy_may_be_changed_and_the_file_stays(self, tmp_path):
        array = scratch.empty_in(tmp_path)(SHAPE, np.float32)
        array[:] = np.arange(SHAPE[1])
        part = read_only(array)[1:3, 5:]
        copy = scratch.own_copy(part)
        assert not np.shares_memory(copy, part)
        np.testing.assert_array_equal(copy, part)
        copy[:] = -1
        assert array.min() == 0

    def test_stored_arrays_are_mapped_and_can_be_deleted(self, tmp_path):
        store = Store(tmp_path)
        array = np.arange(SHAPE[0] * SHAPE[1], dtype=np.float32).reshape(SHAPE)
        store.save("outputs", "0" * 64, Artifact({"pool": array}), seconds=1.0, provenance={})
        before = own_memory()
        loaded = store.load("outputs", "0" * 64).arrays["pool"]
        again = store.in_files("outputs", "0" * 64, Artifact({"pool": array})).arrays["pool"]
        assert own_memory() - before < scratch.LARGE / 2
        store.delete("outputs", "0" * 64)
        for mapped in (loaded, again):
            np.testing.assert_array_equal(mapped, array)
            assert not mapped.flags.writeable
            with pytest.raises(ValueError, match=r"read-only|WRITEABLE"):
                read_only(mapped).setflags(write=True)


def test_small_arrays_are_in_memory(tmp_path):
    array = scratch.empty_in(tmp_path)((3, 2), np.float64)
    assert array.base is None
    copy = scratch.own_copy(array)
    assert not np.shares_memory(copy, array)
