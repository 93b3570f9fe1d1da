from __future__ import annotations

import io
import logging
import os
import tarfile

import pytest

from privbench.datasets.csv import Csv
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
        if missing := dataset.to_download():
            pytest.skip(missing)
        return dataset.load()

    return load


@pytest.fixture
def load(tmp_path):
    """Loads a CSV file with a given text."""

    def load(text, label="outcome", **params):
        path = tmp_path / "my.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Csv(path=str(path), label=label, **params).load()

    return load


@pytest.fixture
def logged(load, caplog):
    """Loads a CSV file and returns the summary and the warnings about columns that are logged."""

    def logged(*args, **params):
        caplog.set_level(logging.INFO, "privbench")
        caplog.clear()
        load(*args, **params)
        (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
        warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
        return line, [text for text in warnings if "stand there more than once" not in text]

    return logged
