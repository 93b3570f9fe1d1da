"""Files of arrays that lie, unpack to far more than they are, or hold code."""

import io
import struct
import warnings
import zipfile

import numpy as np
import pytest

from privbench.errors import DataError
from privbench.npz import check_zip, names_in, read_npz


def npy(array, **header):
    """Return the bytes of an .npy file; ``header`` says something else than the array is."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    if not header:
        return buffer.getvalue()
    said = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape} | header
    text = repr(said) + " " * 64 + "\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text.encode() + array.tobytes()


def packed(members, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def read(data, names=None):
    return read_npz(io.BytesIO(data), "a.npz", len(data), names)


X = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_arrays_are_as_they_were_saved(method):
    arrays = {
        "x": X,
        "f": np.asfortranarray(X),
        "e": np.zeros((0, 3)),
        "s": np.array(["a"]),
        "n": np.array(1),
    }
    found = read(packed([(f"{name}.npy", npy(array)) for name, array in arrays.items()], method))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert list(read(packed([("x.npy", npy(X)), ("y.npy", b"no array")]), ["x"])) == ["x"]


@pytest.mark.parametrize(
    "shape", [(10**12,), (2**32, 2**32), (2**63,), (-1,), (-2, -3), (2, 4), (1,), (2**62, 0, 2)]
)
def test_shapes_that_lie_are_refused_before_memory_is_set_aside(shape):
    with pytest.raises(DataError, match=r"a.npz: x says that it has shape|a.npz: x cannot be read"):
        read(packed([("x.npy", npy(X, shape=shape))]))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"descr": "|O"}, "Python objects, which are never unpickled"),
        ({"descr": [("a", "<f8"), ("b", "|O")]}, "Python objects"),
        ({"descr": "<U1000000"}, "says that it has shape"),
        ({"descr": "nothing"}, "x cannot be read"),
        ({"shape": "(2, 3)"}, "x cannot be read"),
        ({"fortran_order": 3}, "x cannot be read"),
    ],
)
def test_headers_that_lie(header, message):
    with pytest.raises(DataError, match=message):
        read(packed([("x.npy", npy(X, **header))]))


def test_objects_are_never_unpickled():
    class Code:
        def __reduce__(self):
            return (exec, ("raise SystemExit('pickled code has run')",))

    with pytest.raises(DataError, match="never unpickled"):
        read(packed([("x.npy", npy(np.array([Code()], dtype=object)))]))


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"\x93NUMPY" + b"\xff" * 50, npy(X)[:-1], npy(X)[:90]]
)
def test_members_that_are_no_arrays(data):
    with pytest.raises(DataError, match=r"x cannot be read|x says"):
        read(packed([("x.npy", data)]))


def test_names_that_are_there_twice():
    with pytest.raises(DataError, match=r"2 members called 'x.npy'"):
        read(packed([("x.npy", npy(X)), ("x.npy", npy(X))]))


@pytest.mark.parametrize("place", range(0, 400, 7))
def test_damaged_archives(place):
    """Each of these ended in BadZipFile, zlib.error, NotImplementedError, EOFError or others."""
    data = bytearray(packed([("x.npy", npy(X))], zipfile.ZIP_DEFLATED))
    data[place % len(data)] ^= 0xFF
    for names in (None, ["x"]):
        try:
            found = read(bytes(data), names)
        except DataError:
            continue
        assert all(array.shape == X.shape for array in found.values())


def test_encrypted_and_unknown_methods():
    data = bytearray(packed([("x.npy", npy(X))]))
    directory = data.rindex(b"PK\x01\x02")
    for place, value in ((8, 1), (10, 99)):  # flags, method
        changed = bytearray(data)
        changed[directory + place] = value
        if place == 8:
            changed[6] = 1
        with pytest.raises(DataError, match=r"x cannot be read|not a readable"):
            read(bytes(changed))


def test_bombs_are_not_unpacked(monkeypatch, tmp_path):
    monkeypatch.setattr("privbench.bounds.FREE_BYTES", 2**20)
    zeros = [("x.npy", npy(np.zeros(2**22, np.uint8)))]
    bomb = packed(zeros, zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=r"a.npz: 0.0 MiB that unpack to 4 MiB .*np.savez"):
        read(bomb)
    assert read(packed(zeros))["x"].sum() == 0  # as large, and not compressed
    assert read(bomb, []) == {}
    (tmp_path / "a.pt").write_bytes(bomb)
    with pytest.raises(DataError, match=r"unpack to 4 MiB .*instead"):
        check_zip(tmp_path / "a.pt", "a.pt", "instead")


def test_archives_of_many_members(monkeypatch):
    monkeypatch.setattr("privbench.npz.MAX_MEMBERS", 3)
    with pytest.raises(DataError, match=r"4 members .allowed: 3"):
        names_in(io.BytesIO(packed([(f"{i}.npy", b"") for i in range(4)])), "a.npz")


def test_files_that_are_no_archives():
    for data in (b"", b"PK\x05\x06" + bytes(5), b"text"):
        with pytest.raises(DataError, match=r"a.npz: not a readable .npz file"):
            read(data)
        with pytest.raises(DataError, match=r"a.npz: not a readable .npz file"):
            names_in(io.BytesIO(data), "a.npz")
