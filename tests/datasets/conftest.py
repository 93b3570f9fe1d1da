from __future__ import annotations

import io
import os
import tarfile

import pytest

from privbench.datasets.files import FileDataset


@pytest.fixture
def write_tar():
    """Writes a .tar.gz archive of members, name to bytes."""

    def write(path, members):
        with tarfile.open(path, "w:gz") as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return path

    return write


@pytest.fixture(scope="session")
def real():
    """Loads a dataset from its real files, if PRIVBENCH_DATA_DIR has them; never downloads."""

    def load(dataset: FileDataset):
        if "PRIVBENCH_DATA_DIR" not in os.environ:
            pytest.skip("PRIVBENCH_DATA_DIR is not set")
        if missing := dataset.missing():
            pytest.skip(missing)
        return dataset.load()

    return load
