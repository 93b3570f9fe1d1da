"""Files that once filled the memory, took forever, ended in a traceback or led elsewhere."""

import gzip
import io
import struct
import tarfile
import zlib

import numpy as np
import pandas as pd
import pytest

from privbench.auditing.reading import read_predictions
from privbench.datasets.csv import Csv
from privbench.datasets.image_folder import ImageFolder
from privbench.datasets.npz import Npz
from privbench.datasets.reading import read_archive, read_file
from privbench.errors import DataError

MIB = 2**20


@pytest.fixture
def tight(monkeypatch):
    """Files may unpack to 1 MiB, however small they are."""
    monkeypatch.setattr("privbench.bounds.FREE_BYTES", MIB)


def tar(*members, **options):
    """Return a .tar.gz of (name, data) or (name, data, attributes)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", **options) as archive:
        for name, data, *attributes in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in (attributes[0] if attributes else {}).items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


# archives


@pytest.mark.usefixtures("tight")
def test_gzip_bombs(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(bytes(4 * MIB)))
    with pytest.raises(
        DataError, match=r"a.csv.gz: .* unpack to more than 1 MiB .*unpack the file"
    ):
        read_file(path)
    path.write_bytes(gzip.compress(np.random.default_rng(0).bytes(4 * MIB)))
    assert len(read_file(path).data) == 4 * MIB  # as large, and no bomb


@pytest.mark.usefixtures("tight")
def test_bombs_in_archives(tmp_path):
    path = tmp_path / "a.tgz"
    for name in ("a.bin", "other"):
        path.write_bytes(tar((name, bytes(4 * MIB))))
        with pytest.raises(DataError, match="unpack to more than 1 MiB"):
            read_archive(path, ["a.bin"])
    path.write_bytes(gzip.compress(gzip.decompress(tar(("a.bin", b"x"))) + bytes(4 * MIB)))
    with pytest.raises(DataError, match="unpack to more than 1 MiB"):  # behind the end
        read_archive(path, ["a.bin"])


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (("../a.bin", b"x"), r"member '../a.bin': is outside of the archive"),
        (("b/../../a.bin", b"x"), "outside of the archive"),
        (("/a.bin", b"x"), "outside of the archive"),
        (("\\a.bin", b"x"), "outside of the archive"),
        (("a.bin", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}), "link to '/etc/passwd'"),
        (("b", b"", {"type": tarfile.SYMTYPE, "linkname": "a"}), "is a link"),
        (("a.bin", b"", {"type": tarfile.LNKTYPE, "linkname": "b"}), "is a link"),
        (("a.bin", b"", {"type": tarfile.CHRTYPE}), "is a device"),
        (("a.bin", b"", {"type": tarfile.BLKTYPE}), "is a device"),
        (("a.bin", b"", {"type": tarfile.FIFOTYPE}), "is a device"),
        (("d/a.bin", b"y"), "a second file 'a.bin'"),
    ],
)  # fmt: skip
def test_members_that_no_dataset_has(tmp_path, member, message):
    path = tmp_path / "a.tgz"
    path.write_bytes(tar(("c/a.bin", b"x"), member))
    with pytest.raises(DataError, match=message):
        read_archive(path, ["a.bin"])


def test_archives_that_are_no_trouble(tmp_path):
    path = tmp_path / "a.tgz"
    folder = ("c", b"", {"type": tarfile.DIRTYPE})
    path.write_bytes(tar(folder, ("./c/a.bin", b"x"), ("c/..b", b""), ("c/.DS_Store", b"")))
    assert read_archive(path, ["a.bin"])["a.bin"].data == b"x"


def test_archives_of_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr("privbench.datasets.reading.MAX_MEMBERS", 3)
    path = tmp_path / "a.tgz"
    path.write_bytes(tar(*((f"{i}", b"") for i in range(5))))
    with pytest.raises(DataError, match="more than 3 members"):
        read_archive(path, ["a.bin"])


@pytest.mark.parametrize("size", [2, 2**31, 2**60])
def test_members_that_say_another_size(tmp_path, size):
    info = tarfile.TarInfo("a.bin")
    info.size = size
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + b"x"))
    with pytest.raises(DataError, match="cannot be read"):
        read_archive(path, ["a.bin"])


# tables


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"label," + b"1," * 20_000, r"line 1: 20,002 columns .allowed: 16,384"),
        (b"label,a\n0,1\n0," + b"1," * 5_000_000, r"line 3: 5,000,002 columns"),
        (b"label;a\n0;1\n" + b";" * 20_000, "line 3: 20,001 columns"),
        (b"label," + b"x" * 2000 + b"\n0,1", "a name of 2000 characters .allowed: 1000"),
        (b"label,a\n0,\xd9\xa1\n1,\xd9\xa2\n0,\xd9\xa1\n1,\xd9\xa2\n", ""),
    ],
)
def test_tables(load, text, message):
    if not message:  # Arabic digits, which once were taken for numbers that pandas then refused
        assert load(text, label="label").x.shape == (4, 2)
        return
    with pytest.raises(DataError, match=message) as caught:
        load(text, label="label")
    assert len(str(caught.value)) < 500


def test_words_of_a_million_letters(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"label,a\n{'x' * 10**6},1\n")
    for read in (Csv(path=str(path), label="label").load, lambda: read_predictions(path)):
        with pytest.raises(DataError) as caught:
            read()
        assert len(str(caught.value)) < 5000


@pytest.mark.parametrize("separator", ["\n", '"', "\0"])
def test_separators_that_pandas_refuses(load, separator):
    with pytest.raises(DataError, match=r"my\.csv: "):
        load("a,outcome\n1,0\n", separator=separator)


def test_thousands_of_columns_give_few_lines(load, caplog):
    n = 120
    head = ",".join(f"c{i}" for i in range(n))
    words = "\n".join(",".join(f"w{row}-{i}" for i in range(n)) + f",{row % 2}" for row in range(6))
    with pytest.raises(DataError, match=r"120 problems:(.|\n)*70 more") as caught:
        load(f"{head},outcome\n{words}\n")
    assert len(str(caught.value).splitlines()) < 60
    same = "\n".join(",".join("0" * n) + f",{row % 2}" for row in range(6))
    load(f"{head},outcome\n{same}\n")
    assert len([r for r in caplog.records if "same value in each row" in r.getMessage()]) == 50
    assert "70 more" in caplog.text


def parquet(tmp_path, **columns):
    path = tmp_path / "a.parquet"
    pd.DataFrame(columns).to_parquet(path)
    return Csv(path=str(path), label="label")


@pytest.mark.usefixtures("tight")
def test_parquet_that_repeats_a_value(tmp_path):
    labels = np.arange(1000) % 2
    with pytest.raises(DataError, match=r"unpack to \d+ MiB .*save the table as CSV"):
        parquet(tmp_path, a=["x" * 10_000] * 1000, label=labels).load()
    with pytest.raises(DataError, match=r"unpack to \d+ MiB .*save the table as CSV"):
        parquet(tmp_path, a=[["x" * 10_000]] * 1000, label=labels).load()
    with pytest.raises(DataError, match=r"unpack to 15 MiB .*save the table as CSV"):
        parquet(tmp_path, a=np.zeros(10**6), label=np.zeros(10**6)).load()
    good = parquet(tmp_path, a=["x", "y"] * 500, label=labels)
    assert good.load().x.shape == (1000, 2)


def test_parquet_of_times(tmp_path):
    spans = pd.to_timedelta(np.arange(8), unit="D")
    data = parquet(tmp_path, a=spans, label=np.arange(8) % 2).load()
    np.testing.assert_array_equal(data.x[:, 0], np.arange(8))
    far = np.array([f"{9000 + i}-01-01" for i in range(8)], dtype="datetime64[s]")
    data = parquet(tmp_path, a=far, label=np.arange(8) % 2).load()
    assert 364 < np.diff(data.x[:, 0]).min() < np.diff(data.x[:, 0]).max() < 367


@pytest.mark.parametrize("place", range(4, 1500, 97))
def test_damaged_parquet(tmp_path, place):
    table = parquet(tmp_path, a=np.arange(8.0), label=np.arange(8) % 2)
    refused = ""
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    data[place % (len(data) - 4)] ^= 0xFF
    (tmp_path / "a.parquet").write_bytes(data)
    try:
        table.load()
    except DataError as error:
        refused = str(error)
    assert refused[:20] in (str(tmp_path)[:20], "")


# arrays and images


def test_labels_that_are_no_text(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.zeros((4, 2)), y=np.array([b"\xff", b"a"] * 2))
    with pytest.raises(DataError, match="`y` has bytes that are not UTF-8"):
        Npz(path=str(path)).load()


def png(width, height):
    """Return a PNG file of black pixels that says this size, of which it has the first."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(min(height * (width + 1), 5 * MIB)), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.fixture
def folder(tmp_path):
    def write(**files):
        for name in ("cat", "dog"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "a.png").write_bytes(png(8, 8))
        for name, data in files.items():
            (tmp_path / "cat" / name.replace("_", ".")).write_bytes(data)
        return ImageFolder(path=str(tmp_path))

    return write


def test_images_of_ten_thousand_million_pixels(folder):
    with pytest.raises(DataError, match=r"1 file that cannot be read.*cat/b.png.*exceeds limit"):
        folder(b_png=png(100_000, 100_000)).load()


@pytest.mark.usefixtures("tight")
def test_many_small_files_of_large_images(folder):
    with pytest.raises(DataError, match=r"unpack to 4 MiB .*size = 32"):
        folder(b_png=png(2000, 2000)).load()


def test_only_images_are_opened_as_images(folder, monkeypatch):
    def launched(*_, **__):
        raise AssertionError("a program was started")

    monkeypatch.setattr("subprocess.Popen.__init__", launched)
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n%%EOF\n"
    with pytest.raises(DataError, match=r"cat/b.png \(cannot identify"):
        folder(b_png=postscript).load()
